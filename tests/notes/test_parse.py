"""What a note is read as, and what holds for every note, whatever is in it."""

import pytest
from cases import cases
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import structs
from saying import blocks_said
from support import trying

from ragqa.notes import extraction, format_of, parse_note
from ragqa.notes.blocks import MAX_LABEL_CHARS, may_hide
from ragqa.notes.written import MAX_TAGS
from ragqa.types import HIDDEN, Kind, Note, NoteState, Stamp

PIECES = [
    *("# ", "## ", "#", "- ", "* ", "+ ", "1. ", "10) ", "> ", ">", "    ", "  ", "\t"),
    *("```", "~~~", "```python", "---", "...", "===", "***", "$$", "| a | b |", "|---|---|", "|"),
    *("<div>", "</div>", "<!--", "-->", '[a]: /b "c"', "[^1]: note", "[", "]", "\\", "&amp;"),
    *("[[a|b]]", "![[c]]", "[a](b.md)", "`code`", "**bold**", "_em_", "title: a", "&a", "*a"),
    *("word", "Some words.", "A line that introduces:", "\u4e2d\u6587", ":", "-", "=", "#"),
    *("\u2028", "\x0c", "\x0b", "\x85", "\xa0", "\0"),
]
STATE = NoteState(Stamp(0, 1_800_000_000_000_000_000), "", settled=True)
LINE_ENDS = ["\n", "\n\n", "\r\n", "\r", " ", "", "\n    ", "\n> "]

markdown_ish = st.lists(
    st.tuples(st.sampled_from(PIECES), st.sampled_from(LINE_ENDS)), max_size=40
).map(lambda pairs: "".join(piece + end for piece, end in pairs))

texts = st.one_of(st.text(max_size=80), markdown_ish)


def parse(text: str, path: str = "folder/some-note.md") -> Note:
    return parse_note(path, text)


def seen(note: Note) -> dict[str, object]:
    """What a case of `data/notes.jsonl` can say about a note."""
    blocks = [(block, note.text[block.start : block.end]) for block in note.blocks]
    return {
        "blocks": [[b.kind, b.level, b.label or " | ".join(b.labels), text] for b, text in blocks],
        "shown": [text for b, text in blocks if b.kind not in HIDDEN],
        "said": [[*block] for block in blocks_said(note, without=[*HIDDEN, Kind.RULE])],
        "title": note.title,
        "date": note.date,
        "tags": [*note.tags],
        "aliases": [*note.aliases],
        "links": [*note.links],
        "properties": [[*pair] for pair in note.properties],
        "warnings": [*note.warnings],
    }


@pytest.mark.parametrize(("path", "text", "expected"), cases("notes", "path", "text", "seen"))
def test_a_note_is_read_as_it_is_written(path, text, expected):
    path = path or "a.md"
    if path.endswith((".html", ".org")):
        pytest.importorskip("xberg")
    document = extraction.convert(format_of(path), text.encode())
    found = seen(parse_note(path, structs.replace(document, state=STATE)))
    assert {key: found[key] for key in expected} == expected


@given(
    front=st.sampled_from(["", "---\ntitle: x\n---\n"]),
    body=texts,
    suffix=st.sampled_from(["md", "txt"]),
)
@trying(100)
def test_blocks_are_in_order_whole_lines_and_hold_all_text_of_the_body(front, body, suffix):
    assume(front or not body.startswith("---"))
    text = front + body
    done = len(front)
    for block in parse(text, f"a.{suffix}").blocks:
        assert done <= block.start < block.end <= len(text)
        assert not text[done : block.start].strip()
        done = block.end
        assert text[block.start : block.end].strip()
        for label in (block.label, *block.labels):
            assert len(label) <= MAX_LABEL_CHARS
            assert label == " ".join(label.split())
        if may_hide(text):
            continue
        assert block.start == len(front) or text[block.start - 1] in "\r\n"
        assert block.end == len(text) or text[block.end] in "\r\n"
    assert not text[done:].strip()


@given(text=texts)
@trying(100)
def test_line_ends_make_no_difference_to_the_structure(text):
    def line(variant: str, at: int) -> int:
        before = variant[:at].replace("\r\n", "\n")
        return before.count("\n") + before.count("\r")

    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    first, second, third = (
        [
            (b.kind, b.level, b.label, b.labels, b.group, line(variant, b.start))
            for b in parse(variant).blocks
        ]
        for variant in (unix, unix.replace("\n", "\r\n"), unix.replace("\n", "\r"))
    )
    assert first == second == third


@given(front=st.text(st.sampled_from("ab:-[]{}&*!|>'\"#@\t \n,?%"), max_size=60))
@trying(100)
def test_any_front_matter_leaves_the_body_as_it_is(front):
    *_, last = seen(parse(f"---\n{front}\n---\n\n\nThe body.\n"))["shown"]
    assert last.endswith("The body.")


@pytest.mark.parametrize("front", ["a: [" * 5000, "x: " + "y" * 64_001])
def test_front_matter_without_end_is_warned_of_and_the_body_still_read(front):
    note = parse(f"---\n{front}\n---\nThe body.\n")
    assert seen(note)["shown"][-1] == "The body."
    assert note.warnings[0].startswith("front matter is read as text: ")


def test_a_title_is_text_of_bounded_length():
    assert parse(f"---\ntitle: {'9' * 50_000}\n---\n").title == "9" * 300
    assert parse("text", "caf\udce9.md").title == "caf\ufffd"


def test_a_note_has_at_most_so_many_tags_of_few_levels_and_says_what_does_not_count():
    names = [f"t{number}" for number in range(MAX_TAGS + 20)]
    for text in (f"---\ntags: [{', '.join(names)}]\n---\n", f"Text. #{' #'.join(names)}\n"):
        note = parse(text)
        assert note.tags == tuple(names[:MAX_TAGS])
        assert any("tags that do not count: 20" in warning for warning in note.warnings)
    assert parse(f"---\ntags: [{'a/' * 30_000}b, kept]\n---\nText.\n").tags == ("kept",)
