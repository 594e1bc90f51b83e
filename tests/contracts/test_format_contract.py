"""What every format of notes promises: spans, order, hostile bytes, limits."""

import itertools
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from offices import docx, epub, heading, item, ods, odt, pptx, said, xlsx
from pdfs import line, paragraph, pdf
from support import trying

from ragqa.answering.layout import all_match_note
from ragqa.config.settings import OPTIONAL_FORMATS
from ragqa.notes import extraction, parse_note, read_note, read_text, walk_notes
from ragqa.notes.formats import FORMATS, Unfit, limits
from ragqa.passages import Chunking
from ragqa.passages.split import split_note
from ragqa.types import Corpus, Kind, Skipped

MAX = 5_000_000
SAYS = "Wombats dig burrows of thirty metres."


def notebook(*sources):
    cells = [{"cell_type": "markdown", "source": source} for source in sources]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4})


SAMPLES = {
    "markdown": f"# Wombats\n\n{SAYS}\n\n- dig\n- sleep\n",
    "plain": f"Wombats\n\n{SAYS}\n\n- dig\n- sleep\n",
    "org": f"* Wombats\n\n{SAYS}\n\n- dig\n- sleep\n",
    "html": f"<h1>Wombats</h1><p>{SAYS}</p>\n<ul><li>dig<li>sleep</ul>",
    "epub": epub(f"<h1>Wombats</h1><p>{SAYS}</p>", "<ul><li>dig</li><li>sleep</li></ul>"),
    "odt": odt(
        f'<text:h text:outline-level="1">Wombats</text:h><text:p>{SAYS}</text:p><text:list>'
        "<text:list-item><text:p>dig</text:p></text:list-item>"
        "<text:list-item><text:p>sleep</text:p></text:list-item></text:list>"
    ),
    "ods": ods(Wombats=[("They do", "Or"), (SAYS, "sleep")], More=[("a", "b"), ("c", "d")]),
    "pptx": pptx(("Wombats", SAYS, "- dig", "- sleep"), ("More", "Quokkas.")),
    "xlsx": xlsx(Wombats=[("They do", "Or"), (SAYS, "sleep")], More=[("a", "b"), ("c", "d")]),
    "rtf": rf"{{\rtf1 {{\pard\outlinelevel0 Wombats\par}}{{\pard {SAYS}\par}}}}",
    "eml": f"Subject: Wombats\nContent-Type: text/html\n\n<p>{SAYS}</p><ul><li>dig<li>sleep</ul>",
    "ipynb": notebook("# Wombats", f"{SAYS}\n\n- dig\n- sleep\n"),
    "pdf": pdf(
        line("Wombats", y=720, size=18)
        + line(SAYS)
        + paragraph("- dig", "- sleep", y=670)
        + paragraph(SAYS, SAYS, SAYS, y=600)
    ),
    "docx": docx(heading("Wombats"), said(SAYS), item("dig"), item("sleep")),
}
"""A note in each format, with the same heading, sentence and list."""

# Pieces that mean something in one of the formats, in any order.
PIECES = st.sampled_from(
    [
        "<p>", "</p>", "<li>", "<ul>", "</ul>", "<ol>", "<td>", "<tr>", "<table>", "</table>",
        "<th>", "<pre>", "</pre>", "<h2>", "</h2>", "<code>", "</code>", "<b>", "</b>", "<nav>",
        "</nav>", "<!--", "-->", "<script>", "</script>", "<p|hidden>", "<title>", "</title>",
        '<a|href="x">', "<br>", "<br/>", "&amp;", "&lt;div&gt;", "&nosuch;", "&#0;", "&#xD800;",
        "&", "<", ">", '<a|"', "'", '"', "|", "``", "```", "#|x", "*|x", "**|x", "-|x",
        "#+begin_src|x", "#+end_src", "#+title:|t", ":P:", ":END:", "|a|b|", "|-+-|", "[[a][b]]",
        "=c=", "~d~", "*e*", "/f/", "+g+", "~~h~~", "%%", "<2024-01-02>", "[fn:1]", "[", "]", '{"',
        "}", "---", "words", "Words.", "1.|x", "é", "東京", "\u2060", "́",
    ]
) | st.sampled_from([" ", "\n", "\n\n", "\r\n", "\r", "\t", "\f", "    "])  # fmt: skip
TEXTS = st.lists(PIECES, max_size=40).map(lambda found: "".join(found).replace("|", " ", 3))


STARTS = {
    "rtf": r"{\rtf1 ",
    "eml": "Subject: Words\n\n",
    "html": "<p>Words.</p>",
    "org": "Words.\n",
}


def sample(form):
    data = SAMPLES[form.name]
    return data if isinstance(data, bytes) else data.encode()


def path_in(form):
    return f"note{form.suffixes[-1]}"


def parsed(form, document):
    return parse_note(path_in(form), document)


@pytest.fixture(params=FORMATS.values(), ids=FORMATS)
def form(request):
    return request.param


def test_the_settings_name_the_formats_that_are_not_always_read():
    assert {one.name for one in FORMATS.values() if one.version} == set(OPTIONAL_FORMATS)


def test_title_sentence_and_items_are_found(form):
    note = parsed(form, extraction.convert(form, sample(form)))
    said = [note.text[b.start : b.end] for b in note.blocks if b.kind is Kind.PARAGRAPH]
    items = [note.text[b.start : b.end] for b in note.blocks if b.kind is Kind.ITEM]
    headings = [block.label for block in note.blocks if block.kind is Kind.HEADING]
    rows = [note.text[b.start : b.end] for b in note.blocks if b.kind is Kind.ROW]
    if form.name in ("ods", "xlsx"):
        assert headings == ["Wombats", "More"]
        assert rows == [f"| {SAYS} | sleep |", "| c | d |"]
        return
    assert "Wombats" in (note.title, *headings[:1])
    assert SAYS in said
    if form.name != "rtf":  # whose lists are paragraphs
        assert [item.split()[-1] for item in items] == ["dig", "sleep"]


def test_a_file_that_is_not_read_by_default_is_counted_until_it_is_switched_on(form, tmp_path):
    (tmp_path / path_in(form)).write_bytes(sample(form))
    off = walk_notes(Corpus.of(tmp_path), max_note_bytes=MAX)
    assert bool(off.files) == (not form.version)
    assert dict(off.others) == ({form.suffixes[-1]: 1} if form.version else {})
    on = walk_notes(Corpus.of(tmp_path), max_note_bytes=MAX, formats=[form.name])
    assert [file.path for file in on.files] == [path_in(form)]
    assert not on.others


def test_a_file_over_the_limit_of_its_format_is_skipped_with_the_reason(form, tmp_path):
    most = limits([form.name], 10)[form.suffixes[-1]]
    with (tmp_path / path_in(form)).open("wb") as file:
        file.truncate(most + 1)
    walk = walk_notes(Corpus.of(tmp_path), max_note_bytes=10, formats=[form.name])
    assert [skip.reason.partition(" bytes")[0] for skip in walk.skipped] == [
        f"too large: {most + 1:,}"
    ]
    read = read_text(Corpus.of(tmp_path), path_in(form), max_note_bytes=10)
    assert isinstance(read, Skipped)
    assert "more than" in read.reason


def test_the_digest_changes_with_the_version_of_the_reader(form, tmp_path):
    (tmp_path / path_in(form)).write_bytes(sample(form))
    read = read_note(Corpus.of(tmp_path), path_in(form), max_note_bytes=MAX)
    digest, dash, mark = read.sha256.partition("-")
    assert len(digest) == 64
    assert dash + mark == (f"-{form.name}{form.version}" if form.version else "")


@pytest.mark.parametrize("data", [b"", b" \n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_an_empty_note_or_skipped_with_a_reason(form, data, tmp_path):
    (tmp_path / path_in(form)).write_bytes(data)
    read = read_note(Corpus.of(tmp_path), path_in(form), max_note_bytes=MAX)
    assert read.reason if isinstance(read, Skipped) else read.blocks == ()


def test_a_place_that_is_named_is_found_by_its_name(form):
    document = extraction.convert(form, sample(form))
    blocks = parsed(form, document).blocks
    for first, last in itertools.combinations_with_replacement(blocks, 2):
        named = document.locate((first.start, last.end))
        assert bool(named) == bool(document.what)
        assert bool(named) == (form.name in OPTIONAL_FORMATS)
        if named:
            start, end = document.span_at(named)
            assert start <= first.start < last.end <= end
            assert document.locate((start, end)) == named


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@trying(60)
def test_hostile_bytes_are_a_note_or_refused_in_words(data):
    for form in FORMATS.values():
        try:
            document = extraction.convert(form, data)
        except Unfit:
            continue
        note = parsed(form, document)
        assert note.text == document.text == document.text.encode().decode()


def documents(text):
    """Each format with what it makes of a file that says this."""
    for form in FORMATS.values():
        if form.name in ("markdown", "plain", "html", "org", "eml", "rtf", "ipynb"):
            said = notebook(text) if form.name == "ipynb" else f"{STARTS.get(form.name, '')}{text}"
            with suppress(Unfit):
                yield form, extraction.convert(form, said.encode())


@given(TEXTS)
@trying(100)
def test_blocks_and_passages_stand_in_the_text_and_have_places(text):
    for form, document in documents(text):
        note = parsed(form, document)
        end = 0
        for block in note.blocks:
            assert end <= block.start < block.end <= len(document.text), (form.name, block)
            end = block.end
        passages = split_note(
            note, chunking=Chunking(), window=256, count_tokens=lambda texts: [*map(len, texts)]
        )
        assert all_match_note(document.text, passages)
        for passage in passages:
            named = document.locate((passage.start, passage.end))
            assert bool(named) == bool(document.what)
            assert not named or document.span_at(named)
