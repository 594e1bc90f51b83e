"""Comments: what is one, and that no other block of a note has any of it.

That no passage has any: `passages/test_split_properties.py`.
"""

import pytest
from cases import cases

from ragqa.notes import parse_note
from ragqa.types import HIDDEN, Kind, Note


def parse(text: str, path: str = "note.md") -> Note:
    return parse_note(path, text)


def shown(text: str, path: str = "note.md") -> list[str]:
    """What can be read of a note, block by block."""
    return [text[b.start : b.end] for b in parse(text, path).blocks if b.kind not in HIDDEN]


@pytest.mark.parametrize(("text", "left"), cases("hidden", "text", "shown"))
def test_what_is_hidden_is_cut_out_of_its_block_and_nothing_else_is(text, left):
    assert shown(text) == left


@pytest.mark.parametrize("text", ["%%4 workers%% It is now 16", "The oven %%check that%% is hot."])
def test_plain_text_hides_the_same(text):
    assert shown(text, "note.txt")[-1] == shown(text)[-1]


def test_a_backtick_in_one_line_of_plain_text_shows_nothing_that_is_hidden_in_the_next():
    assert "secret" not in "".join(shown("One ` tick.\n%%secret%%\nOne ` more.\n", "note.txt"))


def test_no_label_title_or_link_has_anything_hidden():
    text = (
        "# Plan <!-- old --> new %%draft%%\n\nSteps <!-- soon -->:\n\n- one %%two%%\n"
        "  - [[a]] %%[[b]]%%\n\n"
        "| a %%x%% | b |\n|---|---|\n| 1 | 2 |\n"
    )
    note = parse(text)
    assert note.title == "Plan new"
    assert [block.label for block in note.blocks if block.kind is Kind.HEADING] == ["Plan new"]
    assert {block.label for block in note.blocks} == {"Plan new", "", "Steps :"}
    assert note.blocks[-1].labels == ("a", "b")
    assert list(note.links) == ["a"]


def test_a_comment_that_takes_the_rest_of_a_note_is_told():
    assert "not closed" in parse("One.\n\n<!-- two\n\nThree.\n").warnings[0]
    assert parse("One.\n\n<!-- two -->\n").warnings == ()


def test_a_label_and_a_title_show_what_is_struck_out_in_them():
    note = parse("# Plan ~~old~~ new\n\n| a ~~x~~ | b |\n|---|---|\n| 1 | 2 |\n")
    assert note.title == "Plan ~~old~~ new"
    assert note.blocks[-1].labels == ("a ~~x~~", "b")


TICKS = "`" * 200_000 + " a " + "`" * 100_000
MARKS = ("~~a ", "<!-- a ", "`a ``b ", "%% `%%` ", "%% a %% b ")


@pytest.mark.parametrize("text", [TICKS, f"%%\n{TICKS}", *(mark * 10_000 for mark in MARKS)])
def test_a_long_note_of_marks_is_read_at_once(text):
    pieces = "".join(text[b.start : b.end] for b in parse(text).blocks)
    assert "".join(pieces.split()) == "".join(text.split())
