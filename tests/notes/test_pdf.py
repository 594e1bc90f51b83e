"""PDF: columns, headings, tables, pages, what is left out, and hostile files."""

import os
import zlib
from pathlib import Path

import pytest
from cases import cases
from pdfs import image, line, paragraph, pdf, written

from ragqa.notes import parse_note
from ragqa.notes.extraction import parent
from ragqa.notes.formats import FORMATS, Unfit
from ragqa.types import Stamp

pytest.importorskip("pypdfium2")

FORMAT = FORMATS["pdf"]


def document_of(*pages, **more):
    return parent.convert(FORMAT, pdf(*pages, **more))


def parse(document):
    return parse_note("a.pdf", document, "", Stamp(0, 0))


def place(document, words):
    start = document.text.index(words)
    return document.locate((start, start + len(words)))


def content(page):
    """The instructions of a page of `data/pdf.jsonl`: some as they are, others as lines of text."""
    return "".join(
        part if isinstance(part, str) else paragraph(*part.pop("lines"), **part) for part in page
    )


@pytest.mark.parametrize(("pages", "more", "said"), cases("pdf", "pages", "more", "said"))
def test_a_page_is_read_as_people_see_it(pages, more, said):
    note = parse(document_of(*map(content, pages), **more or {}))
    assert [[b.kind, note.text[b.start : b.end]] for b in note.blocks] == said
    assert not note.tags
    assert not note.links


def test_what_goes_on_over_the_end_of_a_page_has_two_pages():
    text = document_of(paragraph("A wombat", "dug in"), paragraph("its burrow. It slept."))
    start = text.text.index("A wombat")
    assert " ".join(text.text[start:].split()) == "A wombat dug in its burrow. It slept."
    assert text.locate((start, text.text.index(" It"))) == "pp. 1-2"
    assert place(text, "It slept.") == "p. 2"


def test_a_place_is_named_by_the_printed_label_and_the_page():
    labels = "0 << /S /r >> 2 << /S /D /St 1 >>"
    text = document_of(*(line(f"Said on page {word}.") for word in "abcd"), labels=labels)
    assert place(text, "Said on page a.") == "p. i (page 1 of the file)"
    assert place(text, "Said on page d.") == "p. 2 (page 4 of the file)"
    assert text.locate((0, len(text.text))) == "pp. i-2 (pages 1-4 of the file)"
    same = document_of(*(line(f"Said on page {word}.") for word in "abcd"), labels="0 << /S /D >>")
    assert place(same, "Said on page d.") == "p. 4"


def test_pages_without_text_are_left_out_one_by_one_with_the_reason():
    text = document_of(line("Said here."), image(), line("Said there."), image(), "")
    assert parse(text).warnings == ("pages left out: 2, 4 (only images, perhaps a scan)",)
    assert place(text, "Said there.") == "p. 3"


def test_a_page_with_too_many_characters_is_named_in_a_warning():
    crowded = "".join(line("x" * 1000, size=0.5, y=y) for y in range(100, 301))
    text = document_of(line("Said here."), crowded, line("Said there."))
    assert parse(text).warnings == (
        "pages left out in part: 2 (it has more than 200,000 characters)",
    )
    assert place(text, "Said there.") == "p. 3"


def test_a_bad_page_loses_that_page_only():
    bad = pdf(line("One."), line("Two."), line("Three."))
    bad = bad.replace(b"/Kids [4 0 R 6 0 R 8 0 R]", b"/Kids [4 0 R 99 0 R 8 0 R]")
    text = parent.convert(FORMAT, bad)
    assert "One." in text.text
    assert "pages left out: 2 (damaged)" in parse(text).warnings
    assert place(text, "Three.") == "p. 3"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a PDF"),
        (pdf(line("Said."))[:300], "not a PDF"),
        (pdf(image()), "none of its pages has text: only images, perhaps a scan"),
        (pdf(""), "none of its pages has text: they are empty"),
        (pdf(), "not a PDF"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(data, why):
    with pytest.raises(Unfit, match=why):
        parent.convert(FORMAT, data)


def read_or_refused(data):
    try:
        return parent.convert(FORMAT, data).text
    except Unfit as refused:
        return str(refused)


HOSTILE = {
    "a loop of pages": written(
        [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 9 /Kids [2 0 R 2 0 R] >>"]
    ),
    "a billion pages": pdf(line("Said.")).replace(b"/Count 1 ", b"/Count 999999999 "),
    "deep nesting": pdf(line("Said."), more="/X " + "[" * 50_000),
    "deep graphics": pdf("q " * 200_000 + line("Said.")),
    "a bomb": pdf(zlib.compress(b"q " * 10_000_000), filtered="/Filter /FlateDecode"),
    "a loop of forms": pdf("/I Do " * 1000).replace(b"/Subtype /Image", b"/Subtype /Form "),
    "a loop of bookmarks": pdf(
        line("Said."), more="/Outlines << /First 1 0 R >> /First 1 0 R /Next 1 0 R /Title (x)"
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_read_or_refused_and_the_next_one_read(name):
    assert read_or_refused(HOSTILE[name])
    assert "Said." in document_of(line("Said.")).text


def test_every_piece_of_a_file_is_read_or_refused():
    whole = pdf(line("Said."), image())
    for end in range(0, len(whole), 97):
        for data in (whole[:end], whole[end:], whole[:end] + b"\xff" * 40 + whole[end + 40 :]):
            assert read_or_refused(data)


def test_a_crash_of_the_reading_process_loses_one_file(monkeypatch):
    document_of(line("Said."))
    [process] = parent._children
    process.kill()
    process.wait()
    assert "Said." in document_of(line("Said.")).text
    start = parent._start

    def dying():
        made = start()
        made.kill()
        return made

    parent.stop()
    monkeypatch.setattr(parent, "_start", dying)
    with pytest.raises(Unfit, match="crashed"):
        document_of(line("Said."))
    monkeypatch.undo()
    assert "Said." in document_of(line("Said.")).text


def test_a_file_that_takes_too_long_is_skipped(monkeypatch):
    document_of(line("Said."))
    monkeypatch.setattr(parent, "MAX_SECONDS", 0.2)
    [process] = parent._children
    os.kill(process.pid, 19)  # it stops, and is still there
    with pytest.raises(Unfit, match="could not be read within"):
        document_of(line("Said."))
    assert process.poll() is not None
    monkeypatch.undo()
    assert "Said." in document_of(line("Said.")).text


def test_the_reading_process_has_no_secret_can_write_no_file_and_has_bounded_memory(monkeypatch):
    parent.stop()
    monkeypatch.setenv("OPENAI_API_KEY", "swordfish")
    document_of(line("Said."))
    process = Path(f"/proc/{parent._children[0].pid}")
    assert b"swordfish" not in (process / "environ").read_bytes()
    limits = (process / "limits").read_text().splitlines()
    found = {entry[:26].strip(): entry[26:].split()[0] for entry in limits}
    assert found["Max address space"] == str(2 * 2**30)
    assert found["Max file size"] == found["Max core file size"] == "0"
