"""What a Python program sees of ragqa, and which command adds an extra to it."""

import sys

import pytest
from support import make_answer, write_notes

import ragqa
from ragqa.errors import install_command


def test_the_names_of_the_package_are_listed_before_they_are_imported():
    assert {"open_index", "Index", "Answer", "Citation", "NoteList"} <= set(dir(ragqa))
    assert dir(ragqa) == sorted(ragqa.__all__)
    assert all(getattr(ragqa, name) for name in dir(ragqa))


def test_an_answer_shows_itself_in_one_short_line():
    answer = make_answer(text="Rain falls.\n" * 20 + "[1]")
    assert repr(answer) == (
        "<Answer: answered, 0.70, "
        "'Rain falls. Rain falls. Rain falls. Rain falls. Rain falls. \u2026', 1 citation>"
    )
    none = make_answer(text="", answered=False, confidence=0.04, citations=())
    assert repr(none) == "<Answer: not in notes, 0.04, '', 0 citations>"


def test_notes_are_listed_from_python(tmp_path):
    notes = write_notes(tmp_path / "notes", {"a.md": "---\ntags: [x/y]\n---\nRain.\n"})
    settings = {"embedder": "hashed:64"}
    with ragqa.open_index(notes, index=tmp_path / "index", settings=settings) as index:
        found = index.notes()
    assert [note.path for note in found.notes] == ["a.md"]
    assert found.tags == {"x": 1, "x/y": 1}
    with pytest.raises(ragqa.RagqaError):
        ragqa.open_index(notes, settings={"top_k": 0})


@pytest.mark.parametrize(
    ("made_by", "begins"),
    [
        ("uv-receipt.toml", 'uv tool install "'),
        ("pipx_metadata.json", 'pipx install --force "'),
        ("pyvenv.cfg", 'pip install "ragqa[mcp]"'),
    ],
)
def test_an_extra_is_added_with_what_installed_ragqa(made_by, begins, tmp_path, monkeypatch):
    (tmp_path / made_by).touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert install_command("mcp").startswith(begins)
    assert install_command("mcp").endswith('[mcp]"')
