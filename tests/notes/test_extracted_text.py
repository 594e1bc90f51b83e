"""What a file was converted to is kept by digest, for its user alone, and bounded."""

import os
import stat
import time

import pytest
from pdfs import line, pdf

from ragqa.notes import read_text
from ragqa.notes.extraction import cache, parent
from ragqa.notes.extraction.cache import forget, try_again
from ragqa.types import Corpus

SAID = "Said here."


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RAGQA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "extracted"


@pytest.fixture
def asked(monkeypatch):
    """How often a file was converted."""
    times = []
    convert = parent.convert
    monkeypatch.setattr(parent, "convert", lambda *given: times.append(1) or convert(*given))
    return times


@pytest.fixture
def note(tmp_path, folder):
    (tmp_path / "a.pdf").write_bytes(pdf(line(SAID)))
    return tmp_path / "a.pdf"


def read(note):
    return read_text(Corpus.of(note.parent), note.name, max_note_bytes=10**6)


def test_a_file_is_extracted_once_until_it_changes(note, asked):
    assert read(note) == read(note)
    assert len(asked) == 1
    note.write_bytes(pdf(line("Said there.")))
    assert "Said there." in read(note).text
    assert "Said there." in read(note.rename(note.with_name("b.pdf"))).text
    assert len(asked) == 2


def test_a_file_that_cannot_be_read_is_tried_once_a_day_or_when_asked_for(note, asked, folder):
    read(note)
    [kept] = folder.iterdir()
    note.write_bytes(b"%PDF-1.7 and nothing")
    assert {read(note).reason for _ in range(3)} == {"not a PDF, or a damaged one"}
    assert len(asked) == 2
    [entry] = set(folder.iterdir()) - {kept}
    yesterday = time.time() - 86_401
    os.utime(entry, (yesterday, yesterday))
    read(note)
    read(note)
    assert len(asked) == 3
    try_again()
    assert list(folder.iterdir()) == [kept]
    read(note)
    assert len(asked) == 4


def test_a_file_whose_extra_is_missing_is_read_once_it_is_there(note, monkeypatch):
    monkeypatch.setattr(parent, "find_spec", lambda _: None)
    assert 'pip install "ragqa[documents]"' in read(note).reason
    monkeypatch.undo()
    monkeypatch.setenv("RAGQA_CACHE", str(note.parent / "cache"))
    assert SAID in read(note).text


def test_only_the_user_can_read_what_is_kept(note, folder):
    read(note)
    [entry] = folder.iterdir()
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"0\n{}", None])
def test_a_damaged_entry_is_ignored_and_written_anew(note, folder, damage, asked):
    before = read(note)
    [entry] = folder.iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(whole.replace(b"here", b"hare") if damage is None else damage)
    assert read(note) == before
    assert entry.read_bytes() == whole
    assert len(asked) == 2


def test_a_cache_that_cannot_be_written_costs_time_only(note, folder):
    folder.parent.write_text("no folder")
    assert SAID in read(note).text


def test_what_no_index_has_any_more_goes_and_what_was_not_used_for_long(note, folder):
    digest = read(note).sha256
    note.write_bytes(pdf(line("Said there.")))
    read(note)
    forget([digest, "nothing"])
    [left] = folder.iterdir()
    assert left.name != digest
    old = time.time() - cache.MAX_AGE - 1
    os.utime(left, (old, old))
    read(note)  # which is a use of it
    forget([])
    assert left.exists()
    os.utime(left, (old, old))
    forget([])
    assert not left.exists()
