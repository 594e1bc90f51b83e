"""PDF: pages, columns, headings, tables, what is left out, and hostile files."""

import os
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from pdfs import image, line, paragraph, pdf, written

from ragqa.notes import parse_note
from ragqa.notes.decoding import Unfit
from ragqa.notes.extraction import parent
from ragqa.notes.formats import FORMATS, readable
from ragqa.types import Kind, Stamp

pytest.importorskip("pypdfium2")

READER = FORMATS["pdf"].reader
BODY = ("Wombats dig burrows in the ground that are", "thirty metres long and very cool in summer.")


def text_of(*pages, **more):
    return READER.decode(pdf(*pages, **more))


def said(text):
    """The blocks of extracted text, each with its kind."""
    note = parse_note("a.pdf", text, "", Stamp(0, 0))
    return [(b.kind, note.text[b.start : b.end]) for b in note.blocks]


def place(text, words):
    start = readable("a.pdf", text).index(words)
    return READER.locate(text, (start, start + len(words)))


def test_lines_are_joined_into_paragraphs_and_paragraphs_kept_apart():
    text = text_of(paragraph(*BODY) + paragraph("Quokkas smile.", y=650))
    assert said(text) == [(Kind.PARAGRAPH, " ".join(BODY)), (Kind.PARAGRAPH, "Quokkas smile.")]


def test_a_heading_is_told_by_its_size_and_by_bold_letters():
    text = text_of(
        line("Marsupials", y=740, size=20)
        + line("Wombats", y=720, size=14)
        + line("Where they live", font="B", y=715 - 15)
        + paragraph(*BODY, y=680)
    )
    heads = [block for block in said(text) if block[0] is Kind.HEADING]
    assert [words for _, words in heads] == ["# Marsupials", "## Wombats", "### Where they live"]


def test_a_heading_is_told_by_the_bookmarks():
    outline = "/Outlines << /First << /Title (1 Burrows) /Dest [4 0 R /Fit] >> /Count 1 >>"
    assert (Kind.HEADING, "# 1. Burrows") in said(
        text_of(line("1. Burrows", y=740) + paragraph(*BODY), more=outline)
    )


def test_columns_are_read_one_after_the_other_whatever_the_order_of_the_file():
    left = [f"Left column line number {n} is here" for n in range(6)]
    right = [f"Right column line number {n} is here" for n in range(6)]
    head = line("A title over both of the columns, long enough to span", y=730, size=14)
    by_row = "".join(
        line(a, y=700 - 12 * n) + line(b, x=320, y=700 - 12 * n)
        for n, (a, b) in enumerate(zip(left, right, strict=True))
    )
    by_column = paragraph(*left) + paragraph(*right, x=320)
    wanted = [" ".join(left), " ".join(right)]
    for content in (by_row, by_column, paragraph(*right, x=320) + paragraph(*left)):
        found = [words for kind, words in said(text_of(head + content)) if kind is Kind.PARAGRAPH]
        assert found == wanted


def test_a_table_has_rows_with_its_header():
    rows = [("Animal", "Weight", "Burrow"), ("Wombat", "26 kg", "30 m"), ("Numbat", "1 kg", "2 m")]
    content = "".join(
        line(cell, x=72 + 120 * column, y=700 - 14 * number)
        for number, row in enumerate(rows)
        for column, cell in enumerate(row)
    )
    note = parse_note("a.pdf", text_of(content), "", Stamp(0, 0))
    shown = [(note.text[b.start : b.end], b.labels) for b in note.blocks if b.kind is Kind.ROW]
    assert shown[-1] == ("| Numbat | 1 kg | 2 m |", ("Animal", "Weight", "Burrow"))


def test_bullets_are_items_and_code_keeps_its_lines():
    text = text_of(
        paragraph("• dig", "• sleep")
        + paragraph("def dig():", font="M", y=600)
        + line("return 30", x=96, y=588, font="M")
        + paragraph(*BODY, y=500)
    )
    assert said(text)[:3] == [
        (Kind.ITEM, "- dig"),
        (Kind.ITEM, "- sleep"),
        (Kind.CODE, "```\ndef dig():\n    return 30\n```"),
    ]


def test_a_hyphen_at_the_end_of_a_line_joins_a_word_unless_it_belongs_there():
    text = text_of(
        paragraph("The bur-", "row is a well-", "known one, and well-known", "it is in Australia.")
    )
    assert said(text) == [
        (Kind.PARAGRAPH, "The burrow is a well-known one, and well-known it is in Australia.")
    ]


def numbered(*pages):
    """Pages with these lines between a running header and the page's number."""
    return [
        line("Annual report 2024", y=770) + paragraph(*said) + line(f"{n}", x=300, y=40)
        for n, said in enumerate(pages, start=7)
    ]


def test_running_headers_and_page_numbers_are_left_out():
    text = text_of(*numbered(["Wombats dig."], ["Quokkas smile."], ["Numbats eat."]))
    assert [words for _, words in said(text)] == ["Wombats dig.", "Quokkas smile.", "Numbats eat."]


def test_what_differs_by_a_figure_that_is_not_the_pages_is_kept():
    totals = [line("The same", y=770) + line(f"Total: {n} euros", y=40) for n in (310, 12, 45)]
    assert [words for _, words in said(text_of(*totals))] == [
        "Total: 310 euros",
        "Total: 12 euros",
        "Total: 45 euros",
    ]


TICKET = ("Harbour choir concert, 14 March", "Doors open at 19:30 in the old boathouse")


@pytest.mark.parametrize("count", [2, 3, 5])
def test_equal_pages_keep_their_text(count):
    same = [paragraph(*TICKET)] * count
    kept = [(Kind.PARAGRAPH, " ".join(TICKET))] * count
    assert said(text_of(*same)) == kept
    assert said(text_of(paragraph(*BODY, y=600), *same))[1:] == kept


def test_two_pages_are_too_few_for_a_running_header_but_not_for_a_page_number():
    pages = [paragraph(*TICKET, f"Row 7, seat {n}") + line(f"{n}", y=40) for n in (21, 22)]
    assert [words for _, words in said(text_of(*pages))] == [
        " ".join([*TICKET, f"Row 7, seat {n}"]) for n in (21, 22)
    ]


@pytest.mark.parametrize(
    ("footer", "kept"),
    [
        ("Row 7, seat {}", 6),
        ("Total: {}", 6),
        ("Invoice INV-{}", 6),
        ("{} euros", 6),
        ("- {} -", 3),
        ("Page {} of 30", 3),
        ("Yearly report, page {}", 3),
        ("Yearly report | {}", 3),
        ("{} \u2013 Yearly report", 3),
        ("A-{}", 3),
    ],
)
def test_a_number_that_grows_with_the_page_is_the_pages_only_if_it_stands_apart(footer, kept):
    pages = [
        paragraph(f"About {word}.") + line(footer.format(n), y=40)
        for n, word in enumerate(("owls", "wrens", "coots"), start=21)
    ]
    assert len(said(text_of(*pages))) == kept


def test_a_page_number_that_a_wide_gap_parts_from_a_header_is_left_out_with_it():
    pages = [
        line("Yearly report", y=770) + line(f"{n}", y=770, x=500) + paragraph(f"About {word}.")
        for n, word in enumerate(("owls", "wrens", "coots"), start=21)
    ]
    assert [words for _, words in said(text_of(*pages))] == [
        "About owls.",
        "About wrens.",
        "About coots.",
    ]


def test_a_sentence_goes_on_over_the_end_of_a_page():
    text = text_of(*numbered(["A wombat dug", "and dug in"], ["its burrow. It slept."], ["So."]))
    assert [" ".join(words.split()) for _, words in said(text)] == [
        "A wombat dug and dug in its burrow. It slept.",
        "So.",
    ]
    words = readable("a.pdf", text)
    assert READER.locate(text, (words.index("A wombat"), words.index(" It"))) == "pp. 1-2"
    assert place(text, "It slept.") == "p. 2"


def test_a_place_is_named_by_the_printed_label_and_the_page():
    labels = "0 << /S /r >> 2 << /S /D /St 1 >>"
    text = text_of(*(line(f"Said on page {word}.") for word in "abcd"), labels=labels)
    assert place(text, "Said on page a.") == "p. i (page 1 of the file)"
    assert place(text, "Said on page d.") == "p. 2 (page 4 of the file)"
    assert READER.locate(text, (0, len(text))) == "pp. i-2 (pages 1-4 of the file)"
    same = text_of(*(line(f"Said on page {word}.") for word in "abcd"), labels="0 << /S /D >>")
    assert place(same, "Said on page d.") == "p. 4"
    assert place(text_of(line("Said.")), "Said.") == "p. 1"


def test_pages_without_text_are_left_out_one_by_one_with_the_reason():
    text = text_of(line("Said here."), image(), line("Said there."), image(), "")
    note = parse_note("a.pdf", text, "", Stamp(0, 0))
    assert note.warnings == ("pages 2, 4 are left out: only images, perhaps a scan",)
    assert place(text, "Said there.") == "p. 3"


def test_a_page_with_too_many_characters_is_named_in_a_warning():
    crowded = "".join(line("x" * 1000, size=0.5, y=y) for y in range(100, 301))
    text = text_of(line("Said here."), crowded, line("Said there."))
    assert parse_note("a.pdf", text, "", Stamp(0, 0)).warnings == (
        "the rest of page 2 is left out: it has more than 200,000 characters",
    )
    assert place(text, "Said there.") == "p. 3"


def test_a_bad_page_loses_that_page_only():
    bad = pdf(line("One."), line("Two."), line("Three."))
    bad = bad.replace(b"/Kids [4 0 R 6 0 R 8 0 R]", b"/Kids [4 0 R 99 0 R 8 0 R]")
    text = READER.decode(bad)
    assert "One." in text
    assert "Three." in text
    assert "page 2 is left out: damaged" in parse_note("a.pdf", text, "", Stamp(0, 0)).warnings
    assert place(text, "Three.") == "p. 3"


def test_a_turned_page_is_read_as_people_see_it():
    turned = "".join(
        f"BT /F 10 Tf 0 1 -1 0 {100 + 12 * n} 72 Tm ({words}) Tj ET\n"
        for n, words in enumerate(BODY)
    )
    assert said(text_of(turned, rotate=90)) == [(Kind.PARAGRAPH, " ".join(BODY))]


@pytest.mark.parametrize(
    "words",
    [
        "<!-- gone",
        "a <% b %>",
        "a %% b",
        "~~c~~",
        "#tag and # head",
        "> quoted",
        "[[link]] [^1]",
        r"a \* b `c`",
    ],
)
def test_what_looks_like_markup_is_text(words):
    note = parse_note("a.pdf", text_of(paragraph(words, *BODY)), "", Stamp(0, 0))
    assert [b.kind for b in note.blocks] == [Kind.PARAGRAPH]
    assert not note.tags
    assert not note.links


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a PDF"),
        (b"%PDF-1.7\n", "not a PDF"),
        (pdf(line("Said."))[:300], "not a PDF"),
        (pdf(image()), "none of its pages has text: only images, perhaps a scan"),
        (pdf(""), "none of its pages has text: they are empty"),
        (pdf(), "not a PDF"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(data, why):
    with pytest.raises(Unfit, match=why):
        READER.decode(data)


def read_or_refused(data):
    try:
        return READER.decode(data)
    except Unfit as refused:
        return str(refused)


HOSTILE = {
    "a loop of pages": written(
        [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 9 /Kids [2 0 R 2 0 R] >>"]
    ),
    "a billion pages": pdf(line("Said.")).replace(b"/Count 1 ", b"/Count 999999999 "),
    "deep nesting": pdf(line("Said."), more="/X " + "[" * 50_000),
    "deep graphics": pdf("q " * 200_000 + line("Said.")),
    "a bomb": pdf(zlib.compress(b"q " * 20_000_000), filtered="/Filter /FlateDecode"),
    "a loop of forms": pdf("/I Do " * 1000).replace(b"/Subtype /Image", b"/Subtype /Form "),
    "a loop of bookmarks": pdf(
        line("Said."), more="/Outlines << /First 1 0 R >> /First 1 0 R /Next 1 0 R /Title (x)"
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_read_or_refused_and_the_next_one_read(name):
    assert read_or_refused(HOSTILE[name])
    assert "Said." in text_of(line("Said."))


def test_every_piece_of_a_file_is_read_or_refused():
    whole = pdf(line("Said."), image())
    for end in range(0, len(whole), 97):
        for data in (whole[:end], whole[end:], whole[:end] + b"\xff" * 40 + whole[end + 40 :]):
            assert read_or_refused(data)


def test_a_crash_of_the_reading_process_loses_one_file(monkeypatch):
    assert "Said." in text_of(line("Said."))
    process = parent._child.process
    process.kill()
    process.wait()
    assert "Said." in text_of(line("Said."))
    start = parent._start

    def dying():
        made = start()
        made.kill()
        return made

    parent._child.stop()
    monkeypatch.setattr(parent, "_start", dying)
    with pytest.raises(Unfit, match="crashed"):
        text_of(line("Said."))
    monkeypatch.undo()
    assert "Said." in text_of(line("Said."))


ENDING = """
import json, sys
while request := sys.stdin.buffer.readline():
    _, size, left_out = json.loads(request)
    sys.stdin.buffer.read(size)
    print(flush=True)
    if 1 not in left_out:
        sys.exit(1)
    print(json.dumps({"text": f"without {left_out}"}), flush=True)
"""


def test_a_page_that_ends_the_reading_process_again_is_left_out(monkeypatch):
    started = []

    def start():
        command = [sys.executable, "-c", ENDING]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return started[-1]

    parent._child.stop()
    monkeypatch.setattr(parent, "_start", start)
    try:
        assert parent.extract("pdf", b"any") == "without [1]"
        assert len(started) == 3
        with pytest.raises(Unfit, match="crashed"):
            parent.extract("docx", b"any")
    finally:
        parent._child.stop()


def test_a_page_that_is_left_out_is_told_and_the_others_are_read():
    data = pdf(line("First."), line("Second."), line("Third."))
    from ragqa.notes.formats import pdf_pages

    text = pdf_pages.extract(data, lambda: None, left_out=[1])
    assert ["First." in text, "Second." in text, "Third." in text] == [True, False, True]
    (warning,) = READER.parse(text).warnings
    assert warning == "page 2 is left out: reading it crashes, or takes too long"


def test_a_file_that_takes_too_long_is_skipped(monkeypatch):
    assert "Said." in text_of(line("Said."))
    monkeypatch.setattr(parent, "MAX_SILENCE", 0.2)
    process = parent._child.process
    os.kill(process.pid, 19)  # it stops, and is still there
    started = time.monotonic()
    with pytest.raises(Unfit, match="could not be read within"):
        text_of(line("Said."))
    assert time.monotonic() - started < 60
    assert process.poll() is not None
    monkeypatch.undo()
    assert "Said." in text_of(line("Said."))


def test_the_reading_process_can_write_no_file_and_has_bounded_memory():
    text_of(line("Said."))
    limits = Path(f"/proc/{parent._child.process.pid}/limits").read_text().splitlines()
    found = {entry[:26].strip(): entry[26:].split()[0] for entry in limits}
    assert found["Max address space"] == str(2 * 2**30)
    assert found["Max file size"] == found["Max core file size"] == "0"


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(parent, "find_spec", lambda _: None)
    with pytest.raises(Unfit, match=r"pip install 'ragqa\[pdf\]'"):
        text_of(line("Said."))
