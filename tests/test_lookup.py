"""What a target means, whatever was typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.config import Settings
from ragqa.errors import UsageError
from ragqa.lookup import NoteLookup, Reference
from ragqa.types import Corpus, NoteRecord, Stamp

NAMES = st.text(alphabet="ab:/.1-#[] \n\x1b\udcff", min_size=1, max_size=12)


def record(path, title="", aliases=()):
    return NoteRecord(path, Stamp(1, 1), "0" * 64, True, title, (), "", tuple(aliases))


def notes(corpus, *records):
    return NoteLookup(Corpus.of(corpus), Settings(), {one.path: one for one in records}, {})


def test_a_name_with_a_colon_is_a_name_before_it_is_a_line(tmp_path):
    known = notes(tmp_path, record("a"), record("a:3"))
    assert known.find("a:3") == Reference("a:3", None)
    assert known.find("a:3:4") == Reference("a:3", (4, 4))
    assert known.find("a:3:4-5") == Reference("a:3", (4, 5))
    assert known.find("a:5") == Reference("a", (5, 5))


def test_notes_that_differ_in_case_alone_are_told_apart(tmp_path):
    known = notes(tmp_path, record("Dup.md"), record("dup.md"))
    assert known.find("dup.md").path == "dup.md"
    with pytest.raises(UsageError, match="2 notes are called"):
        known.find("DUP.MD")


def test_a_path_comes_before_a_file_name_and_that_before_a_title(tmp_path):
    known = notes(
        tmp_path, record("x.md", title="y.md"), record("b/y.md"), record("y", title="z.md")
    )
    assert known.find("y").path == "y"
    assert known.find("y.md").path == "b/y.md"
    assert known.find("Z.MD").path == "y"


@pytest.mark.parametrize("text", ["", ":", "a.md:0", "x" * 9_000, "a\0b"])
def test_what_is_no_note_is_an_error_with_a_hint(tmp_path, text):
    with pytest.raises(UsageError) as caught:
        notes(tmp_path, record("other.md")).find(text)
    assert caught.value.hint
    assert len(caught.value.message) < 400 + len(str(tmp_path))


@given(st.lists(NAMES, max_size=4, unique=True), NAMES)
def test_any_text_means_a_note_something_outside_or_nothing(tmp_path_factory, paths, text):
    corpus = tmp_path_factory.getbasetemp() / "no notes here"
    corpus.mkdir(exist_ok=True)
    try:
        target = notes(corpus, *map(record, paths)).find(text)
    except UsageError:
        return
    assert target.path in paths or target.reason
    assert target.lines is None or target.lines[0] <= target.lines[1]
