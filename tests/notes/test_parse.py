"""What holds for every note, whatever is in it."""

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support import trying

from ragqa.notes import format_of, parse_note
from ragqa.notes.hidden import may_hide
from ragqa.notes.lines import MAX_LABEL_CHARS
from ragqa.notes.read import MAX_TAGS
from ragqa.types import Note, Stamp

PIECES = [
    *("# ", "## ", "#", "- ", "* ", "+ ", "1. ", "10) ", "> ", ">", "    ", "  ", "\t"),
    *("```", "~~~", "```python", "---", "...", "===", "***", "$$", "| a | b |", "|---|---|", "|"),
    *("<div>", "</div>", "<!--", "-->", '[a]: /b "c"', "[^1]: note", "[", "]", "\\", "&amp;"),
    *("[[a|b]]", "![[c]]", "[a](b.md)", "`code`", "**bold**", "_em_", "title: a", "&a", "*a"),
    *("word", "Some words.", "A line that introduces:", "\u4e2d\u6587", ":", "-", "=", "#"),
    *("\u2028", "\x0c", "\x0b", "\x85", "\xa0", "\0"),
]
LINE_ENDS = ["\n", "\n\n", "\r\n", "\r", " ", "", "\n    ", "\n> "]

markdown_ish = st.lists(
    st.tuples(st.sampled_from(PIECES), st.sampled_from(LINE_ENDS)), max_size=40
).map(lambda pairs: "".join(piece + end for piece, end in pairs))

texts = st.one_of(st.text(max_size=80), markdown_ish)


def parse(text: str, path: str = "folder/some-note.md") -> Note:
    return parse_note(path, text, "0" * 64, Stamp(size=1, mtime_ns=2))


@given(
    front=st.sampled_from(["", "---\ntitle: x\n---\n"]),
    body=texts,
    suffix=st.sampled_from(["md", "txt"]),
)
@trying(300)
def test_blocks_are_in_order_whole_lines_and_hold_all_text_of_the_body(front, body, suffix):
    assume(front or not body.startswith("---"))
    text = front + body
    done = len(front)
    for block in parse(text, f"a.{suffix}").blocks:
        assert done <= block.start < block.end <= len(text)
        assert not text[done : block.start].strip()
        done = block.end
        assert text[block.start : block.end].strip()
        if may_hide(text):
            continue
        assert block.start == len(front) or text[block.start - 1] in "\r\n"
        assert block.end == len(text) or text[block.end] in "\r\n"
    assert not text[done:].strip()


@given(text=texts)
@trying(100)
def test_labels_are_one_bounded_line(text):
    for block in parse(text).blocks:
        for label in (block.label, *block.labels):
            assert len(label) <= MAX_LABEL_CHARS
            assert label == " ".join(label.split())


@given(text=texts)
@trying(100)
def test_line_ends_make_no_difference_to_the_structure(text):
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    by_line_end = [
        [
            (b.kind, b.level, b.label, b.labels, b.group, _line(variant, b.start))
            for b in parse(variant).blocks
        ]
        for variant in (unix, unix.replace("\n", "\r\n"), unix.replace("\n", "\r"))
    ]
    assert by_line_end[0] == by_line_end[1] == by_line_end[2]


def _line(text: str, at: int) -> int:
    before = text[:at].replace("\r\n", "\n")
    return before.count("\n") + before.count("\r")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: From above\n---\n# Heading\n", "From above"),
        (
            "Text\n\n## Second\n\n# The *first* of `level` [one](x.md)\n\n# Other\n",
            "The first of level one",
        ),
        ("> # Quoted\n\n- # Listed\n", "some note"),
        ("# \n\nText", "some note"),
        ("", "some note"),
    ],
)
def test_the_title_is_the_authors_or_the_first_heading_or_the_files_name(text, title):
    assert parse(text).title == title


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("a/two-words_more.md", "two words more"),
        ("v1.2 notes.md", "v1.2 notes"),
        ("-_-.md", "-_-"),
        ("new\nline.md", "new line"),
        ("caf\udce9.md", "caf\ufffd"),  # the byte 0xE9, which is no UTF-8: a title is text
    ],
)
def test_a_note_without_a_title_takes_its_file_name(path, title):
    assert parse("text", path).title == title


def test_an_empty_note_and_one_of_front_matter_alone_are_notes_without_blocks():
    assert parse("").blocks == ()
    assert parse(" \n\n\t\n").blocks == ()
    alone = parse("---\ntitle: Alone\n---\n")
    assert (alone.title, alone.blocks, alone.warnings) == ("Alone", (), ())


def test_a_saved_page_is_told_apart_by_its_suffix():
    text = (Path(__file__).parents[1] / "inputs/notes/saved-page.txt").read_text("utf-8")
    assert parse(text, "page.TXT").title == "Sourdough Starters"
    assert parse(text, "page.md").title == "page"


@pytest.mark.parametrize(
    ("path", "text", "date"),
    [
        ("daily/2025-01-14.md", "Met Anna.", "2025-01-14"),
        ("2024-05-02 Standup.md", "Met Anna.", "2024-05-02"),
        ("Standup_2024-05-02.txt", "Met Anna.", "2024-05-02"),
        ("2024-05-02.md", "---\ndate: 2025-02-11\n---\nMet Anna.", "2025-02-11"),
        ("2024-05-02.md", "---\ndate: soon\n---\nMet Anna.", "2024-05-02"),
        ("2024-02-30 to 2024-03-01.md", "Met Anna.", "2024-03-01"),
        ("2024-05-02/standup.md", "Met Anna.", ""),
        ("2024-05-02-standup.md", "Met Anna.", "2024-05-02"),
        ("12024-05-02.md", "Met Anna.", ""),
        ("2024-5-2.md", "Met Anna.", ""),
    ],
)
def test_a_note_without_a_date_of_its_own_has_the_iso_date_in_its_files_name(path, text, date):
    assert parse(text, path).date == date


NAMES = [f"t{number}" for number in range(MAX_TAGS + 20)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.md", f"---\ntags: [{', '.join(NAMES)}]\n---\nText.\n"),
        ("a.md", f"Text. {' '.join(f'#{name}' for name in NAMES)}\n"),
        ("a.org", f"#+FILETAGS: :{':'.join(NAMES)}:\n\nText.\n"),
    ],
)
def test_a_note_has_at_most_so_many_tags_and_says_what_does_not_count(path, text):
    note = parse(format_of(path).convert(text.encode()), path)
    assert note.tags == tuple(NAMES[:MAX_TAGS])
    assert any("tags that do not count: 20" in warning for warning in note.warnings)


def test_a_tag_of_many_levels_does_not_count():
    note = parse(f"---\ntags: [{'a/' * 30_000}b, kept]\n---\nText.\n")
    assert note.tags == ("kept",)
    assert any("tags that do not count: 1" in warning for warning in note.warnings)
