"""What ragqa writes is whole or not there; what it keeps of its user is for that user alone."""

import json
import os
import stat
import subprocess
import sys

import pytest
from support import write_notes

from ragqa.cli import run
from ragqa.config import Settings, history_file
from ragqa.safe import private_folder, write_whole
from ragqa.serving.guard import program_token
from ragqa.types import Corpus
from ragqa.user_data import MAX_LINES, QuestionHistory
from ragqa.user_data.consent import allow

LOADS_TORCH = """
import os
os.umask(0)
from ragqa.embedders import embedder_for
from ragqa.errors import UsageError
try:
    embedder_for("no/such/model", building=True)
except UsageError:
    pass
"""
GOLD = "The zebra has sixteen stripes."


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "kept" / "chat.md"


@pytest.fixture
def file(path):
    path.parent.mkdir()
    path.write_text("old", encoding="utf-8")
    return path


@pytest.fixture
def target(tmp_path):
    """A file elsewhere that must stay as it is."""
    (tmp_path / "target").write_text("mine")
    return tmp_path / "target"


# A file is written whole.


def test_a_file_is_replaced_unless_it_is_to_be_new_and_nothing_else_is_left(file):
    write_whole(file, "text\n")
    with pytest.raises(FileExistsError):
        write_whole(file, "another", new=True)
    with pytest.raises(UnicodeEncodeError):
        write_whole(file, "\ud800")
    assert file.read_text() == "text\n"
    file.unlink()
    write_whole(file, "new", new=True)
    assert [(one, one.read_text()) for one in file.parent.iterdir()] == [(file, "new")]


@pytest.mark.parametrize("plant", ["symlink_to", "hardlink_to"])
def test_even_the_right_guess_of_a_name_is_neither_used_nor_removed(
    file, target, monkeypatch, plant
):
    monkeypatch.setattr("ragqa.safe.os.urandom", bytes)
    draft = file.parent / f".ragqa-{'00' * 8}"
    getattr(draft, plant)(target)
    with pytest.raises(FileExistsError):
        write_whole(file, "text", private=True)
    assert (draft.read_text(), target.read_text(), file.read_text()) == ("mine", "mine", "old")


@pytest.fixture
def anything_goes():
    """Files are made so that all may do anything, unless something else is said of them."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.parametrize(("private", "modes"), [(True, (0o600, 0o600)), (False, (0o666, 0o640))])
def test_a_private_file_is_the_users_alone_and_any_other_as_the_umask_has_it(
    file, anything_goes, private, modes
):
    write_whole(file, "text", private=private)
    assert mode(file) == modes[0]
    os.umask(0o027)
    write_whole(file, "text", private=private)
    assert mode(file) == modes[1]


# What is kept is private.


@pytest.fixture
def kept(tmp_path, monkeypatch, anything_goes):
    """A folder with all that ragqa keeps after some use."""
    folder = tmp_path / "kept"
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "RAGQA_CACHE"):
        monkeypatch.setenv(name, str(folder / name))
    monkeypatch.setenv("RAGQA_EMBEDDER", "hashed:64")
    notes = write_notes(tmp_path / "notes", {"zebra.md": f"# Zebra\n\n{GOLD}\n"})
    (folder / "named").mkdir(parents=True)
    gold = [{"note": "zebra.md", "quote": GOLD}]
    question = {"id": "z", "question": "how many stripes?", "kind": "", "gold": gold}
    (tmp_path / "questions.jsonl").write_text(json.dumps(question), encoding="utf-8")
    for args in (
        ["index", "--corpus", str(notes)],
        ["index", "--corpus", str(notes), "--index", str(folder / "named")],
        ["eval", "--corpus", str(notes), "--questions", str(tmp_path / "questions.jsonl")],
        ["config", "set", "top_k", "4"],
    ):
        assert run(args) == 0
    allow("api.example.org")
    QuestionHistory(history_file(Settings(), Corpus.of(notes))).add("how many stripes?")
    program_token(path=folder / "XDG_DATA_HOME" / "ragqa" / "serve-token")
    return folder


def test_all_that_it_keeps_is_open_to_its_user_alone(kept):
    made = {path: mode(path) for path in kept.rglob("*")}
    files = {"config.toml", "allowed.txt", "serve-token", "index.sqlite"}
    assert {path.name for path in made} >= files
    assert made.pop(kept / "named") == 0o755  # by the user, who made it open
    wanted = {path: 0o700 if path.is_dir() else 0o600 for path in made}
    assert {path: oct(made[path]) for path in made if made[path] != wanted[path]} == {}


def test_a_folder_left_open_by_an_older_ragqa_is_closed_when_it_is_written_to(kept):
    folders = [kept / "XDG_CONFIG_HOME" / "ragqa", kept / "XDG_DATA_HOME" / "ragqa"]
    for folder in folders:
        folder.chmod(0o777)
    assert run(["config", "set", "top_k", "5"]) == 0
    private_folder(folders[1])
    assert [mode(folder) & 0o022 for folder in folders] == [0, 0]


@pytest.mark.integration
def test_torch_keeps_nothing_where_other_users_may_write(tmp_path):
    (tmp_path / "temporary").mkdir()
    places = {"TMPDIR": str(tmp_path / "temporary"), "RAGQA_CACHE": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", LOADS_TORCH], env=os.environ | places, check=True)
    assert list((tmp_path / "temporary").iterdir()) == []
    assert {mode(path) for path in (tmp_path / "cache").rglob("*")} == {0o700}


# The history of questions.


def test_questions_are_kept_in_order_each_on_a_line_of_its_own_and_commands_are_not(path):
    lines = ["what is LoRA?", "what  is LoRA?", "/save secrets.md", "and\nQLoRA?", "  /quit"]
    for line in lines:
        QuestionHistory(path).add(line)
    assert QuestionHistory(path).read() == ["what is LoRA?", "and QLoRA?"]


def test_the_history_stays_bounded_and_is_closed_though_it_was_open(file):
    file.write_text("".join(f"{n}\n" for n in range(2 * MAX_LINES)), encoding="utf-8")
    file.chmod(0o644)
    for question in ("new", "newer"):  # asking alone keeps it bounded, too
        QuestionHistory(file).add(question)
    assert mode(file) == 0o600
    assert file.read_text(encoding="utf-8").count("\n") == MAX_LINES
    assert QuestionHistory(file).read()[-3:] == [str(2 * MAX_LINES - 1), "new", "newer"]


def test_where_the_history_cannot_be_kept_nothing_happens(path, target):
    path.mkdir(parents=True)
    QuestionHistory(path).add("new")
    assert QuestionHistory(path).read() == []
    path.rmdir()
    path.symlink_to(target)
    QuestionHistory(path).add("new")
    assert target.read_text() == "mine"
