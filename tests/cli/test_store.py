"""An index in Milvus: nothing goes to a host, or is read from it, before it may store notes."""

import importlib.util
import json

import pytest
from support import QUICK
from terminals import sit_at

from ragqa.cli import run as run_here
from ragqa.errors import IndexUnusable
from ragqa.index import Store
from ragqa.user_data.consent import Use, allow, consent_file, consents

HOST = "milvus.invalid:19530"
REMOTE = {"RAGQA_STORE": f"http://{HOST}"}
QUESTION = "what do cats do most of the day?"
MARKER = "0123456789-of-milvus"


NOTES = {"cats.md": "# Cats\n\nCats sleep most of the day.\n"}


class Fake(Store):
    """A store that claims to be elsewhere."""

    failure = None

    def snapshot(self):
        if self.failure:
            raise self.failure
        return super().snapshot()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Settings and consents of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def installed(monkeypatch):
    """The packages that seem to be installed for Milvus; a test takes some away."""
    names = {"pymilvus", "milvus_lite"}
    find = importlib.util.find_spec

    def found(name, *args):
        if name in ("pymilvus", "milvus_lite"):
            return name in names or None
        return find(name, *args)

    monkeypatch.setattr(importlib.util, "find_spec", found)
    return names


@pytest.fixture
def opened(monkeypatch, installed):
    """Where stores of the kind milvus were opened: URI and name."""
    places = []

    def milvus(path, uri, name):
        places.append((uri, name))
        return Fake(path)

    monkeypatch.setattr("ragqa.index.milvus.MilvusStore", milvus)
    return places


@pytest.fixture
def cli(quick):
    """The command line with a store elsewhere."""

    def run(*args, env=REMOTE):
        return quick(*args, env=env, input=f"{QUESTION}\n".encode())

    return run


@pytest.mark.parametrize(
    "args",
    [
        ["index", "--rebuild"],
        ["ask", QUESTION, "--no-refresh"],
        ["why", QUESTION, "--target", "cats.md"],
        ["chat"],
        ["status"],
    ],
    ids=" ".join,
)
def test_no_command_opens_a_store_elsewhere_before_it_was_allowed(cli, opened, places, args):
    allow(HOST)  # to write answers, which is not to store all notes
    run = cli(*args, *places)
    assert run.code == 2
    assert opened == []
    said = run.out + run.err
    assert f"the index is kept on {HOST}, which you have not allowed to store notes" in said
    assert "nothing was sent or read" in said
    assert "try: ragqa ask QUESTION --yes" in said
    assert not (places[3] / "index.sqlite").exists()


def test_an_allowed_host_keeps_the_index_and_status_names_it_until_its_line_is_deleted(
    cli, opened, places
):
    told = cli("index", "--yes", *places)
    assert f"Allowed: {HOST} as store (to take it back, delete this line in" in told.err
    assert opened == [(f"http://{HOST}", "")]
    status = cli("status", *places).out
    assert f"1 passage at http://{HOST}, made " in status
    assert f"allowed     {HOST} as store; to take one back, delete its line in" in status
    assert cli("ask", QUESTION, "--no-refresh", *places).code == 0
    consent_file().write_text("")
    assert cli("ask", QUESTION, "--no-refresh", *places).code == 2


def test_a_question_changes_no_index_that_a_team_shares(cli, opened, places):
    shared = {"RAGQA_STORE": "http://127.0.0.1:19530", "RAGQA_STORE_NAME": "team"}
    first = cli("ask", QUESTION, *places, env=shared)
    assert (first.code, first.out) == (3, "")
    assert "try: ragqa index" in first.err
    assert cli("index", *places, env=shared).code == 0
    assert opened[-1] == ("http://127.0.0.1:19530", "team")  # on this machine, without consent
    assert consents() == ()
    (places[1] / "dogs.md").write_text("# Dogs\n\nDogs bark.\n")
    asked = cli("ask", QUESTION, *places, "--json", env=shared)
    assert json.loads(asked.out)["index"]["generation"] == 1
    assert "1 added" in cli("index", *places, env=shared).out


def test_a_file_needs_no_consent_and_is_found_from_where_one_stands(
    cli, opened, places, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert cli("config", "set", "store", "sub/kept.db", env={}).code == 0
    assert cli("index", *places, env={}).code == 0
    assert opened == [(str(tmp_path.resolve() / "sub/kept.db"), "")]


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("\n", 2)])
def test_on_a_terminal_the_user_is_told_what_goes_where_and_asked_once(
    cli, opened, places, monkeypatch, typed, code
):
    with monkeypatch.context() as patch:
        for name, value in (QUICK | REMOTE).items():
            patch.setenv(name, value)
        shown = sit_at(patch, typing=typed)
        assert run_here(["ask", QUESTION, *map(str, places)]) == code
    said = " ".join(shown.getvalue().split())
    for part in (
        f"The store at http://{HOST} is not on this machine",
        "the text of every passage with titles, tags, paths and embeddings",
        f"of the notes in {places[1]}",
        "anyone on the network path can read it",
        "[y/N]",
    ):
        assert part in said
    assert said.count("[y/N]") == 1
    assert bool(opened) == (code == 0)
    assert consents() == ((f"{HOST} as store",) if code == 0 else ())
    assert cli("ask", QUESTION, *places).code == code


@pytest.mark.parametrize(
    ("missing", "store"),
    [("pymilvus", "http://h:1"), ("milvus_lite", "/kept.db")],
)
def test_without_the_extra_the_line_that_installs_it_is_told(
    cli, opened, installed, places, missing, store
):
    installed.remove(missing)
    run = cli("ask", QUESTION, *places, env={"RAGQA_STORE": store})
    assert run.code == 2
    assert f"needs the package {missing}, which is not installed" in run.err
    assert 'try: pip install "ragqa[milvus]"' in run.err
    assert opened == []


@pytest.mark.parametrize("uri", ["http://root:{}@h:1", "https://h/{}?token={}", "root:{}@h:19530"])
def test_a_uri_with_a_secret_is_refused_and_never_shown_or_kept(cli, opened, tmp_path, uri):
    uri = uri.replace("{}", MARKER)
    env = {"RAGQA_STORE": uri}
    commands = (["ask", "cats"], ["index"], ["config"], ["status"])
    runs = [cli(*args, "--debug", env=env) for args in commands]
    runs.append(cli("config", "set", "store", uri, env={}))
    for run in runs:
        assert run.code == 2
        assert "store in" in run.err
        assert "RAGQA_MILVUS_TOKEN" in run.err
        assert MARKER not in run.out + run.err
    assert not (tmp_path / "config").exists()


def test_a_token_is_no_setting_and_is_hidden_in_what_a_store_says(cli, opened, places, monkeypatch):
    allow(HOST, Use.STORE)
    env = REMOTE | {"RAGQA_MILVUS_TOKEN": MARKER}
    cli("index", *places)
    assert MARKER not in cli("config", env=env).out

    def refuse(self):
        raise IndexUnusable(f"the server does not take {MARKER}")

    monkeypatch.setattr(Fake, "snapshot", refuse)
    run = cli("search", "cats", "--no-refresh", "--debug", *places, env=env)
    assert run.code == 4
    assert "does not take ***" in run.err
    assert MARKER not in run.out + run.err
