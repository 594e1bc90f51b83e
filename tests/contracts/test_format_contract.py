"""What every format of notes promises: spans, order, hostile bytes, limits."""

import itertools
import json

import pytest
from docxs import docx, heading, item, said
from hypothesis import given
from hypothesis import strategies as st
from pdfs import line, paragraph, pdf
from support import trying

from ragqa.answering.matching import all_match_note
from ragqa.config.settings import OPTIONAL_FORMATS
from ragqa.notes import parse_note, read_note, read_text, readable, walk_notes
from ragqa.notes.decoding import Unfit
from ragqa.notes.formats import FORMATS, format_of, limits
from ragqa.passages import Chunking
from ragqa.passages.split import split_note
from ragqa.types import FILL, Corpus, Kind, NoteFile, Skipped, Stamp

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
    "ipynb": notebook("# Wombats", f"{SAYS}\n\n- dig\n- sleep\n"),
    "pdf": pdf(line("Wombats", y=720, size=18) + line(SAYS) + paragraph("- dig", "- sleep", y=670)),
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


def sample(form):
    data = SAMPLES[form.name]
    return data if isinstance(data, bytes) else data.encode()


def path_in(form):
    return f"note{form.suffixes[-1]}"


def parsed(form, text):
    return parse_note(path_in(form), text, "", Stamp(0, 0))


@pytest.fixture(params=FORMATS.values(), ids=FORMATS)
def form(request):
    return request.param


def test_the_settings_name_the_formats_that_are_not_always_read():
    assert {one.name for one in FORMATS.values() if not one.is_always_read} == set(OPTIONAL_FORMATS)


def test_every_format_has_a_sample():
    assert set(SAMPLES) == set(FORMATS)


def test_a_suffix_has_one_format(form):
    assert all(format_of(f"folder.md/Note{suffix.upper()}") is form for suffix in form.suffixes)


def test_title_sentence_and_items_are_found(form):
    text = form.decode(sample(form))
    note = parsed(form, text)
    said = [note.text[b.start : b.end] for b in note.blocks if b.kind is Kind.PARAGRAPH]
    items = [note.text[b.start : b.end] for b in note.blocks if b.kind is Kind.ITEM]
    assert note.title == "Wombats"
    assert said == [SAYS]
    assert [item.split()[-1] for item in items] == ["dig", "sleep"]


def test_a_file_that_is_not_read_by_default_is_counted_until_it_is_switched_on(form, tmp_path):
    (tmp_path / path_in(form)).write_bytes(sample(form))
    off = walk_notes(Corpus.of(tmp_path), max_note_bytes=MAX)
    assert bool(off.files) == form.is_always_read
    assert dict(off.others) == ({} if form.is_always_read else {form.suffixes[-1]: 1})
    on = walk_notes(Corpus.of(tmp_path), max_note_bytes=MAX, formats=[form.name])
    assert [file.path for file in on.files] == [path_in(form)]
    assert not on.others


def test_a_file_over_the_limit_of_its_format_is_skipped_with_the_reason(form, tmp_path):
    most = limits([form.name], 10)[form.suffixes[-1]]
    with (tmp_path / path_in(form)).open("wb") as file:
        file.truncate(most + 1)
    walk = walk_notes(Corpus.of(tmp_path), max_note_bytes=10, formats=[form.name])
    assert [skip.reason.split()[0] for skip in walk.skipped] == [f"{most + 1:,}"]
    read = read_text(Corpus.of(tmp_path), path_in(form), max_note_bytes=10)
    assert isinstance(read, Skipped)
    assert "more than" in read.reason


def test_the_digest_changes_with_the_version_of_the_reader(form, tmp_path):
    (tmp_path / path_in(form)).write_bytes(sample(form))
    read = read_note(Corpus.of(tmp_path), NoteFile(path_in(form), Stamp(0, 0)), max_note_bytes=MAX)
    digest, dash, mark = read.note.sha256.partition("-")
    assert len(digest) == 64
    assert dash + mark == (f"-{form.name}{form.version}" if form.version else "")


@pytest.mark.parametrize("data", [b"", b" \n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_an_empty_note_or_skipped_with_a_reason(form, data, tmp_path):
    (tmp_path / path_in(form)).write_bytes(data)
    read = read_note(Corpus.of(tmp_path), NoteFile(path_in(form), Stamp(0, 0)), max_note_bytes=MAX)
    assert read.reason if isinstance(read, Skipped) else read.note.blocks == ()


def source_of(form, text):
    """A note of a format that says this."""
    return form.decode(notebook(text).encode()) if form.name == "ipynb" else text


def test_a_place_that_is_named_is_found_by_its_name(form):
    text = form.decode(sample(form))
    blocks = parsed(form, text).blocks
    for first, last in itertools.combinations_with_replacement(blocks, 2):
        named = form.reader.locate(text, (first.start, last.end))
        assert bool(named) == form.is_extracted
        if named:
            start, end = form.reader.find(text, named)
            assert start <= first.start < last.end <= end
            assert form.reader.locate(text, (start, end)) == named


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@trying(60)
def test_hostile_bytes_are_a_note_or_refused_in_words(data):
    for form in FORMATS.values():
        try:
            text = form.decode(data)
        except Unfit:
            continue
        text.encode()
        parsed(form, text)


@given(TEXTS)
@trying(150)
def test_what_is_read_is_as_long_as_the_text_and_keeps_its_lines(text):
    for form in FORMATS.values():
        source = source_of(form, text)
        note = parsed(form, source)
        assert note.text == readable(path_in(form), source)
        assert len(note.text) == len(source)
        assert all(note.text[at] == "\n" for at, char in enumerate(source) if char == "\n")
        assert note.text.count("\n") == source.count("\n")


@given(TEXTS)
@trying(150)
def test_blocks_are_in_order_and_do_not_overlap_and_nothing_said_is_outside_them(text):
    for form in FORMATS.values():
        source = source_of(form, text)
        note = parsed(form, source)
        end = 0
        for block in note.blocks:
            assert end <= block.start < block.end <= len(source), (form.name, block)
            if form.has_markup:
                assert not note.text[end : block.start].replace(FILL, "").strip(), form.name
            end = block.end
        assert note == parsed(form, source)


@given(TEXTS)
@trying(40)
def test_passages_stand_in_what_is_read_and_quotes_in_the_text(text):
    for form in FORMATS.values():
        source = source_of(form, text)
        note = parsed(form, source)
        passages = split_note(
            note, chunking=Chunking(), window=256, count_tokens=lambda texts: [*map(len, texts)]
        )
        assert all_match_note(readable(path_in(form), source), passages)
        for passage in passages:
            form.reader.locate(source, (passage.start, passage.end))
