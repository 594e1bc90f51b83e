"""What is kept of notes and questions is for the user alone, however much the umask lets others."""

import json
import os
import stat
import subprocess
import sys

import pytest
from support import write_notes

from ragqa.cli import run
from ragqa.config import Settings, history_file
from ragqa.safe import private_folder
from ragqa.serving.guard import kept_token
from ragqa.state import History
from ragqa.state.consent import allow
from ragqa.types import Corpus

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


@pytest.fixture
def anything_goes():
    """Files are made so that all may do anything, unless something else is said of them."""
    before = os.umask(0)
    yield
    os.umask(before)


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
    return folder


def test_all_that_it_keeps_is_open_to_its_user_alone(kept):
    corpus = Corpus.of(kept.parent / "notes")
    History(history_file(Settings(), corpus)).add("how many stripes?")
    kept_token(path=kept / "XDG_DATA_HOME" / "ragqa" / "serve-token")
    made = {path: stat.S_IMODE(path.stat().st_mode) for path in kept.rglob("*")}
    assert {path.name for path in made} >= {
        "config.toml",
        "allowed.txt",
        "serve-token",
        "index.sqlite",
    }
    named = kept / "named"  # by the user, who made it open
    assert made.pop(named) == 0o755
    odd = {
        str(path): oct(mode)
        for path, mode in made.items()
        if mode != (0o700 if path.is_dir() else 0o600)
    }
    assert odd == {}


def test_a_folder_left_open_by_an_older_ragqa_is_closed_when_it_is_written_to(kept):
    folders = [kept / "XDG_CONFIG_HOME" / "ragqa", kept / "XDG_DATA_HOME" / "ragqa"]
    for folder in folders:
        folder.chmod(0o777)
    assert run(["config", "set", "top_k", "5"]) == 0
    private_folder(folders[1])
    assert [stat.S_IMODE(folder.stat().st_mode) & 0o022 for folder in folders] == [0, 0]


@pytest.mark.integration
def test_torch_keeps_nothing_where_other_users_may_write(tmp_path):
    (tmp_path / "temporary").mkdir()
    places = {"TMPDIR": str(tmp_path / "temporary"), "RAGQA_CACHE": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", LOADS_TORCH], env=os.environ | places, check=True)
    assert list((tmp_path / "temporary").iterdir()) == []
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "cache").rglob("*")]
    assert set(modes) == {0o700}
