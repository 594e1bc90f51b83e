"""A file is converted in a process with limits, and kept by digest, for its user alone."""

import os
import shutil
import stat
import time
from pathlib import Path

import pytest
from pdfs import line, pdf

from ragqa.notes import extraction, formats, read_text
from ragqa.notes.extraction import forget
from ragqa.notes.formats import FORMATS, Format, Unfit
from ragqa.types import Corpus

pytest.importorskip("xberg")

SAID = "Said here."


def convert():
    return extraction.convert(FORMATS["pdf"], pdf(line(SAID))).text.strip()


def test_a_crash_of_the_reading_process_loses_one_file(monkeypatch):
    convert()
    [process] = extraction._children
    process.kill()
    process.wait()
    assert convert() == SAID
    start = extraction._start

    def dying():
        made = start()
        made.kill()
        return made

    extraction.stop()
    monkeypatch.setattr(extraction, "_start", dying)
    with pytest.raises(Unfit, match="crashed"):
        convert()
    monkeypatch.undo()
    assert convert() == SAID


def test_a_file_that_takes_too_long_is_skipped(monkeypatch):
    convert()
    assert {FORMATS[name].seconds for name in ("html", "org", "eml", "rtf")} == {20}
    monkeypatch.setattr(Format, "seconds", 0.2)
    [process] = extraction._children
    os.kill(process.pid, 19)  # it stops, and is still there
    with pytest.raises(Unfit, match="could not be read within"):
        convert()
    assert process.poll() is not None
    monkeypatch.undo()
    assert convert() == SAID


def test_the_reading_process_has_no_secret_can_write_no_file_and_has_bounded_memory(monkeypatch):
    extraction.stop()
    monkeypatch.setenv("OPENAI_API_KEY", "swordfish")
    convert()
    process = Path(f"/proc/{extraction._children[0].pid}")
    assert b"swordfish" not in (process / "environ").read_bytes()
    limits = (process / "limits").read_text().splitlines()
    found = {entry[:26].strip(): entry[26:].split()[0] for entry in limits}
    assert found["Max address space"] == str(2 * 2**30)
    assert found["Max file size"] == found["Max core file size"] == "0"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RAGQA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "extracted"


@pytest.fixture
def asked(monkeypatch):
    """How often a file was converted."""
    times, convert = [], extraction.convert
    monkeypatch.setattr(extraction, "convert", lambda *given: times.append(1) or convert(*given))
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
    assert len({read(note).reason for _ in range(3)}) == 1
    assert len(asked) == 2
    [entry] = set(folder.iterdir()) - {kept}
    yesterday = time.time() - 86_401
    os.utime(entry, (yesterday, yesterday))
    read(note)
    read(note)
    assert len(asked) == 3
    forget(refused=True)
    assert list(folder.iterdir()) == [kept]
    read(note)
    assert len(asked) == 4


def test_a_file_whose_extra_is_missing_is_read_once_it_is_there(note, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(formats, "find_spec", lambda _: None)
        assert read(note).reason == formats.NO_EXTRA
    assert SAID in read(note).text


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"0\n{}", None])
def test_a_damaged_entry_is_ignored_and_written_anew_for_the_user_alone(note, folder, damage):
    before = read(note)
    [entry] = folder.iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(whole.replace(b"here", b"hare") if damage is None else damage)
    assert read(note) == before
    assert entry.read_bytes() == whole
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    shutil.rmtree(folder.parent)
    folder.parent.write_text("no folder, which costs time only")
    assert read(note) == before


def test_what_no_index_has_any_more_goes_and_what_was_not_used_for_long(note, folder):
    digest = read(note).state.sha256
    note.write_bytes(pdf(line("Said there.")))
    read(note)
    forget([digest, "nothing"])
    [left] = folder.iterdir()
    assert left.name != digest
    old = time.time() - extraction.MAX_AGE - 1
    os.utime(left, (old, old))
    read(note)  # which is a use of it
    forget([])
    assert left.exists()
    os.utime(left, (old, old))
    forget([])
    assert not left.exists()
