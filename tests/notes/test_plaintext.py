from pathlib import Path

import pytest

from ragqa.notes import parse_note
from ragqa.types import Stamp


def outline(text: str) -> list[tuple[str, int, str, str]]:
    """Each block's kind, level, label or labels, and text."""
    note = parse_note("a.txt", text, "", Stamp(0, 0))
    return [
        (b.kind.value, b.level, b.label or " | ".join(b.labels), text[b.start : b.end])
        for b in note.blocks
    ]


def headings(text: str) -> list[tuple[int, str]]:
    return [(level, label) for kind, level, label, _ in outline(text) if kind == "heading"]


LONG = (
    "A paragraph saved from a web page stands on one line, however long it is, and ends like this. "
    * 2
)
LONG = LONG.strip()

WRAPPED = """\
In hard-wrapped text a paragraph goes over many lines of about the
same length, none of which is a heading, although each of them is
short and most of them end without any punctuation at all as this
one does"""


def test_a_page_saved_without_blank_lines_comes_out_right():
    text = (Path(__file__).parents[1] / "inputs/notes/saved-page.txt").read_text("utf-8")
    blocks = outline(text)
    assert headings(text) == [
        (1, "Sourdough Starters"),
        (2, "Why Feeding Matters"),
        (2, "Ratios at a Glance"),
        (2, "Mixing, Proofing, Baking"),
        (2, "Connections"),
        (2, "Open Questions"),
        (2, "Related reading"),
    ]
    assert [text for kind, *_, text in blocks if kind == "table_head"] == [
        "| Ratio | Hours | Use |\n|---|---|---|"
    ]
    assert [(label, text) for kind, _, label, text in blocks if kind == "row"] == [
        ("Ratio | Hours | Use", "| 1:1:1 | 4 | same day |"),
        ("Ratio | Hours | Use", "| 1:5:5 | 12 | overnight |"),
    ]
    items = [(label, text) for kind, _, label, text in blocks if kind == "item"]
    assert [label for label, _ in items] == ["Bread goes through three stages:"] * 3 + [""] * 4
    assert items[0][1].startswith("-\nMixing \u2014 flour")
    assert items[1][1].startswith("-\nProofing \u2014 the dough")
    assert items[2][1] == "- Baking \u2014 a hot oven and steam for the first twenty minutes"
    assert items[6][1] == "2. How long can a dried starter be kept?"
    assert [kind for kind, *_ in blocks].count("paragraph") == 5
    assert not any("\n" in text for kind, *_, text in blocks if kind == "paragraph")


def test_each_long_line_is_a_paragraph():
    assert outline(f"Title\n{LONG}\n{LONG}\n")[1:] == [("paragraph", 0, "", LONG)] * 2


def test_hard_wrapped_lines_are_one_paragraph():
    text = f"The title\n\n{WRAPPED}\n\nA heading\n\n{WRAPPED}\n"
    assert outline(text) == [
        ("heading", 1, "The title", "The title"),
        ("paragraph", 0, "", WRAPPED),
        ("heading", 2, "A heading", "A heading"),
        ("paragraph", 0, "", WRAPPED),
    ]


def test_hard_wrapped_text_may_have_a_heading_right_above_it_and_none_at_its_top():
    assert headings(f"{WRAPPED}.\nA heading\n{WRAPPED}.\n") == [(2, "A heading")]


def test_a_few_longer_lines_do_not_make_wrapped_text_unwrapped():
    text = f"{WRAPPED}.\n\n" * 4 + "https://example.com/" + "x" * 100 + "\n"
    assert [kind for kind, *_ in outline(text)] == ["paragraph"] * 5


def test_wrapped_chinese_is_joined_and_one_paragraph_a_line_is_not():
    wrapped = "\u4e2d" * 60 + "\n" + "\u6587" * 60 + "\n" + "\u5b57" * 20 + "\u3002"
    assert [kind for kind, *_ in outline(wrapped)] == ["paragraph"]
    lines = [
        char * length + "\u3002"
        for char, length in (("\u4e2d", 90), ("\u6587", 40), ("\u5b57", 70))
    ]
    assert [text for *_, text in outline("\n".join(lines))] == lines


@pytest.mark.parametrize(
    "line",
    [
        "It ends.",
        "A question?",
        "Listed:",
        "It\u5b8c\u4e86\u3002",
        "https://example.com/page",
        "x" * 81,
    ],
)
def test_a_line_that_reads_as_a_sentence_link_or_paragraph_is_no_heading(line):
    assert headings(f"Title\n{LONG}\n\n{line}\n\n{LONG}\n") == [(1, "Title")]


def test_short_lines_below_each_other_are_one_paragraph():
    text = f"Shopping\n\nmilk\nbread\neggs\n\n{LONG}\n"
    assert outline(text)[1] == ("paragraph", 0, "", "milk\nbread\neggs")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("\n\n  A title.  \n\nText.\n", "a"),
        (f"{LONG}\n\nText.\n", "a"),
        ("- first item\n\nText.\n", "a"),
        ("Title\n=====\nText.\n", "Title"),
    ],
)
def test_the_first_line_is_the_title_unless_it_is_long_or_an_item_or_a_sentence(text, title):
    assert parse_note("a.txt", text, "", Stamp(0, 0)).title == title


def test_underlined_lines_are_headings():
    assert outline(f"Title\n=====\n{LONG}\nPart one\n--------\n{LONG}\n") == [
        ("heading", 1, "Title", "Title\n====="),
        ("paragraph", 0, "", LONG),
        ("heading", 2, "Part one", "Part one\n--------"),
        ("paragraph", 0, "", LONG),
    ]


def test_items_nest_by_their_indent_and_keep_what_is_indented_below_them():
    text = (
        "Things\n\nWe need:\n\n- one\n  goes on\n  - two\n\t* three\n- four\n\n1) five\n- \n* * *\n"
    )
    assert outline(text)[2:] == [
        ("item", 1, "We need:", "- one\n  goes on"),
        ("item", 2, "We need:", "  - two"),
        ("item", 3, "We need:", "\t* three"),
        ("item", 1, "We need:", "- four"),
        ("item", 1, "We need:", "1) five"),
        ("rule", 0, "", "- "),
        ("rule", 0, "", "* * *"),
    ]


def test_an_item_of_wrapped_text_goes_on_in_the_next_line():
    first, *rest = WRAPPED.split("\n")
    item = "\n".join([f"- {first[2:]}", *rest])
    assert outline(f"Title\n\n{WRAPPED}\n\n{item}\n")[-1] == ("item", 1, "", item)


def test_front_matter_is_read_in_plain_text_too():
    assert headings("---\ntags: a\n---\nTitle\n") == [(1, "Title")]
