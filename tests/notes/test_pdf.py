"""PDF: pages, columns, headings, tables, what is left out, and hostile files."""

import os
import time
import zlib
from pathlib import Path

import pytest
from pdfs import image, line, paragraph, pdf, written

from ragqa.notes import parse_note
from ragqa.notes.extraction import parent
from ragqa.notes.formats import FORMATS, Unfit
from ragqa.types import Kind, Stamp

pytest.importorskip("pypdfium2")

FORMAT = FORMATS["pdf"]
BODY = ("Wombats dig burrows in the ground that are", "thirty metres long and very cool in summer.")


def document_of(*pages, **more):
    return FORMAT.convert(pdf(*pages, **more))


def said(document):
    """The blocks of a document, each with its kind."""
    note = parse_note("a.pdf", document, "", Stamp(0, 0))
    return [(b.kind, note.text[b.start : b.end]) for b in note.blocks]


def place(document, words):
    start = document.text.index(words)
    return document.locate((start, start + len(words)))


def test_lines_are_joined_into_paragraphs_and_paragraphs_kept_apart():
    text = document_of(paragraph(*BODY) + paragraph("Quokkas smile.", y=650))
    assert said(text) == [(Kind.PARAGRAPH, " ".join(BODY)), (Kind.PARAGRAPH, "Quokkas smile.")]


def test_a_heading_is_told_by_its_size_and_by_bold_letters():
    text = document_of(
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
        document_of(line("1. Burrows", y=740) + paragraph(*BODY), more=outline)
    )


def test_columns_are_read_one_after_the_other_whatever_the_order_of_the_file():
    left, right = (
        [f"{side} column line number {n} is here{'.' * (n == 5)}" for n in range(6)]
        for side in ("Left", "Right")
    )
    head = line("A title over both of the columns, long enough to span", y=730, size=14)
    by_row = "".join(
        line(a, y=700 - 12 * n) + line(b, x=320, y=700 - 12 * n)
        for n, (a, b) in enumerate(zip(left, right, strict=True))
    )
    by_column = paragraph(*left) + paragraph(*right, x=320)
    wanted = [" ".join(left), " ".join(right)]
    for content in (by_row, by_column, paragraph(*right, x=320) + paragraph(*left)):
        found = [
            words for kind, words in said(document_of(head + content)) if kind is Kind.PARAGRAPH
        ]
        assert found == wanted


def table(*rows, y=700, x=72, width=120):
    """Rows of cells, each cell one line or more; white space parts the rows."""
    content = ""
    for row in rows:
        content += "".join(paragraph(*cell, x=x + width * n, y=y) for n, cell in enumerate(row))
        y -= 12 * max(map(len, row)) + 8
    return content


WRAPPED = (
    (["Animal"], ["Its burrow"]),
    (["Wombat"], ["Thirty metres long and", "very cool in summer"]),
    (["The northern", "numbat"], ["Two metres"]),
)
ROWS = [
    "| Wombat | Thirty metres long and very cool in summer |",
    "| The northern numbat | Two metres |",
]


def rows_of(text):
    return [words for kind, words in said(text) if kind is Kind.ROW]


def test_a_cell_of_several_lines_is_one_and_a_heading_below_ends_the_table():
    below = line("Quokkas", y=612, font="B") + paragraph(*BODY, y=590)
    text = document_of(paragraph(*BODY, y=740) + table(*WRAPPED) + below)
    assert rows_of(text) == ROWS
    labels = {
        b.labels for b in parse_note("a.pdf", text, "", Stamp(0, 0)).blocks if b.kind is Kind.ROW
    }
    assert labels == {("Animal", "Its burrow")}
    assert said(text)[-2:] == [(Kind.HEADING, "# Quokkas"), (Kind.PARAGRAPH, " ".join(BODY))]


def test_rules_part_cells_that_no_wide_gap_parts():
    cells = (("Place", "Depth"), ("Alpha", "three"), ("Bravo", "seven"))
    content = "".join(
        line(cell, x=72 + 31 * column, y=700 - 16 * number)
        for number, row in enumerate(cells)
        for column, cell in enumerate(row)
    )
    rules = "".join(f"{x} 660 0.7 55 re f\n" for x in (69, 100.5, 133))
    assert rows_of(document_of(content + rules)) == ["| Alpha | three |", "| Bravo | seven |"]
    assert rows_of(document_of(content)) == []


def test_a_table_code_and_a_list_go_on_over_the_end_of_a_page():
    body = paragraph(*BODY, y=740)
    code = (paragraph("def dig():", font="M", y=500), line("return 30", x=96, y=700, font="M"))
    text = document_of(body + table(*WRAPPED) + code[0], code[1] + paragraph(*BODY, y=600))
    assert "def dig(): " in text.text
    assert [kind for kind, _ in said(text)].count(Kind.CODE) == 1
    text = document_of(
        body + table(*WRAPPED), table(WRAPPED[0], *WRAPPED[1:]) + paragraph(*BODY, y=500)
    )
    assert [words.strip() for words in rows_of(text)] == [*ROWS, *ROWS]
    ends = (text.text.rindex("Wombat"), text.text.rindex("numbat"))
    assert text.locate(ends) == "p. 2"
    text = document_of(body + paragraph("\u2022 dig", y=500), paragraph("\u2022 sleep", *BODY))
    assert [kind for kind, _ in said(text)] == [Kind.PARAGRAPH, Kind.ITEM, Kind.ITEM]


def test_a_sentence_goes_on_in_the_next_column():
    left = [f"of the left column, number {n}, is here" for n in range(5)]
    right = [f"and the right column, number {n}, is here" for n in range(5)]
    assert said(document_of(paragraph(*left) + paragraph(*right, x=320))) == [
        (Kind.PARAGRAPH, " ".join([*left, *right]))
    ]


def test_bullets_may_be_drawn_and_larger_than_the_text_and_are_nested_by_their_indentation():
    drawn = "".join(f"{x} {y} 4 4 re f\n" for x, y in ((72, 700), (72, 640), (102, 670)))
    text = document_of(
        drawn
        + line("Wombats dig", x=84, y=697, size=14)
        + line("in summer", x=114, y=667, size=14)
        + line("Quokkas smile", x=84, y=637, size=14)
        + paragraph(*BODY, *BODY, y=500)
    )
    assert said(text)[:3] == [
        (Kind.ITEM, "- Wombats dig"),
        (Kind.ITEM, "    - in summer"),
        (Kind.ITEM, "- Quokkas smile"),
    ]


def test_bullets_are_items_and_code_keeps_its_lines():
    text = document_of(
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
    text = document_of(
        paragraph(
            "The bur-", "row is a well-", "known burrow, and well-known", "it is in Australia."
        )
    )
    assert said(text) == [
        (Kind.PARAGRAPH, "The burrow is a well-known burrow, and well-known it is in Australia.")
    ]


def numbered(*pages):
    """Pages with these lines between a running header and the page's number."""
    return [
        line("Annual report 2024", y=770) + paragraph(*said) + line(f"{n}", x=300, y=40)
        for n, said in enumerate(pages, start=7)
    ]


def test_running_headers_and_page_numbers_are_left_out():
    text = document_of(*numbered(["Wombats dig."], ["Quokkas smile."], ["Numbats eat."]))
    assert [words for _, words in said(text)] == ["Wombats dig.", "Quokkas smile.", "Numbats eat."]


HEADS = {
    "left and right pages have other cells": [("{}", "The sea"), ("The sea", "{}")],
    "left and right pages have another title": [("A. Wren", "The sea"), ("June 2009", "The sea")],
    "it is larger than the text": [("THE SEA",)],
}


@pytest.mark.parametrize("heads", HEADS.values(), ids=HEADS)
def test_a_header_may_differ_on_left_and_right_pages_and_be_large(heads):
    size, birds = 12 if len(heads) == 1 else 10, ("Owls", "Wrens", "Coots", "Terns", "Geese")
    pages = [
        paragraph(f"{bird} eat fish.")
        + "".join(
            line(cell.format(number), x=72 + 200 * at, y=770, size=size)
            for at, cell in enumerate(heads[number % len(heads)])
        )
        for number, bird in enumerate(birds)
    ]
    assert [words for _, words in said(document_of(*pages))] == [
        f"{bird} eat fish." for bird in birds
    ]


def test_a_value_that_one_page_has_beside_a_repeated_name_is_kept():
    pages = [
        paragraph(f"About {word}.") + line("Status", y=40) + line(status, x=300, y=40)
        for word, status in zip(("owls", "wrens", "coots"), ("open", "shut", "lost"), strict=True)
    ]
    assert "Status lost" in document_of(*pages).text


TICKET = ("Harbour choir concert, 14 March", "Doors open at 19:30 in the old boathouse")


@pytest.mark.parametrize("count", [2, 3, 5])
def test_equal_pages_keep_their_text(count):
    same = [paragraph(*TICKET)] * count
    kept = [(Kind.PARAGRAPH, " ".join(TICKET))] * count
    assert said(document_of(*same)) == kept
    assert said(document_of(paragraph(*BODY, y=600), *same))[1:] == kept


def test_two_pages_are_too_few_for_a_running_header():
    pages = [paragraph(*TICKET, f"Row 7, seat {n}") for n in (21, 22)]
    assert [words for _, words in said(document_of(*pages))] == [
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
    assert len(said(document_of(*pages))) == kept


def test_a_sentence_goes_on_over_the_end_of_a_page():
    text = document_of(
        *numbered(["A wombat dug", "and dug in"], ["its burrow. It slept."], ["So."])
    )
    assert [" ".join(words.split()) for _, words in said(text)] == [
        "A wombat dug and dug in its burrow. It slept.",
        "So.",
    ]
    words = text.text
    assert text.locate((words.index("A wombat"), words.index(" It"))) == "pp. 1-2"
    assert place(text, "It slept.") == "p. 2"


def test_a_place_is_named_by_the_printed_label_and_the_page():
    labels = "0 << /S /r >> 2 << /S /D /St 1 >>"
    text = document_of(*(line(f"Said on page {word}.") for word in "abcd"), labels=labels)
    assert place(text, "Said on page a.") == "p. i (page 1 of the file)"
    assert place(text, "Said on page d.") == "p. 2 (page 4 of the file)"
    assert text.locate((0, len(text.text))) == "pp. i-2 (pages 1-4 of the file)"
    same = document_of(*(line(f"Said on page {word}.") for word in "abcd"), labels="0 << /S /D >>")
    assert place(same, "Said on page d.") == "p. 4"
    assert place(document_of(line("Said.")), "Said.") == "p. 1"


def test_pages_without_text_are_left_out_one_by_one_with_the_reason():
    text = document_of(line("Said here."), image(), line("Said there."), image(), "")
    note = parse_note("a.pdf", text, "", Stamp(0, 0))
    assert note.warnings == ("pages 2, 4 are left out: only images, perhaps a scan",)
    assert place(text, "Said there.") == "p. 3"


def test_a_page_with_too_many_characters_is_named_in_a_warning():
    crowded = "".join(line("x" * 1000, size=0.5, y=y) for y in range(100, 301))
    text = document_of(line("Said here."), crowded, line("Said there."))
    assert parse_note("a.pdf", text, "", Stamp(0, 0)).warnings == (
        "the rest of page 2 is left out: it has more than 200,000 characters",
    )
    assert place(text, "Said there.") == "p. 3"


def test_a_bad_page_loses_that_page_only():
    bad = pdf(line("One."), line("Two."), line("Three."))
    bad = bad.replace(b"/Kids [4 0 R 6 0 R 8 0 R]", b"/Kids [4 0 R 99 0 R 8 0 R]")
    text = FORMAT.convert(bad)
    assert "One." in text.text
    assert "Three." in text.text
    assert "page 2 is left out: damaged" in parse_note("a.pdf", text, "", Stamp(0, 0)).warnings
    assert place(text, "Three.") == "p. 3"


def test_a_turned_page_is_read_as_people_see_it():
    turned = "".join(
        f"BT /F 10 Tf 0 1 -1 0 {100 + 12 * n} 72 Tm ({words}) Tj ET\n"
        for n, words in enumerate(BODY)
    )
    assert said(document_of(turned, rotate=90)) == [(Kind.PARAGRAPH, " ".join(BODY))]


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
    note = parse_note("a.pdf", document_of(paragraph(words, *BODY)), "", Stamp(0, 0))
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
        FORMAT.convert(data)


def read_or_refused(data):
    try:
        return FORMAT.convert(data).text
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
    assert "Said." in document_of(line("Said.")).text


def test_every_piece_of_a_file_is_read_or_refused():
    whole = pdf(line("Said."), image())
    for end in range(0, len(whole), 97):
        for data in (whole[:end], whole[end:], whole[:end] + b"\xff" * 40 + whole[end + 40 :]):
            assert read_or_refused(data)


def test_a_crash_of_the_reading_process_loses_one_file(monkeypatch):
    assert "Said." in document_of(line("Said.")).text
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
    assert "Said." in document_of(line("Said.")).text
    monkeypatch.setattr(parent, "MAX_SECONDS", 0.2)
    [process] = parent._children
    os.kill(process.pid, 19)  # it stops, and is still there
    started = time.monotonic()
    with pytest.raises(Unfit, match="could not be read within"):
        document_of(line("Said."))
    assert time.monotonic() - started < 60
    assert process.poll() is not None
    monkeypatch.undo()
    assert "Said." in document_of(line("Said.")).text


def test_the_reading_process_can_write_no_file_and_has_bounded_memory():
    document_of(line("Said."))
    limits = Path(f"/proc/{parent._children[0].pid}/limits").read_text().splitlines()
    found = {entry[:26].strip(): entry[26:].split()[0] for entry in limits}
    assert found["Max address space"] == str(2 * 2**30)
    assert found["Max file size"] == found["Max core file size"] == "0"


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(parent, "find_spec", lambda _: None)
    with pytest.raises(Unfit, match=r"pip install 'ragqa\[pdf\]'"):
        document_of(line("Said."))
