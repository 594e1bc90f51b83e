"""What a Python program sees of ragqa."""

from pathlib import Path

import pytest
from support import make_answer

import ragqa


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
    Path(tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("---\ntags: [x/y]\n---\nRain.\n", encoding="utf-8")
    settings = {"embedder": "hashed:64"}
    with ragqa.open_index(tmp_path / "notes", index=tmp_path / "i", settings=settings) as index:
        found = index.notes()
    assert [note.path for note in found.notes] == ["a.md"]
    assert found.tags == {"x": 1, "x/y": 1}
    with pytest.raises(ragqa.RagqaError):
        ragqa.open_index(tmp_path / "notes", settings={"top_k": 0})
