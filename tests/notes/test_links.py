import sys

import pytest

from ragqa.notes import parse_note
from ragqa.notes.markdown import MAX_BRACKETS
from ragqa.types import Link, Stamp


def links(text: str, path: str = "a.md") -> list[Link]:
    return list(parse_note(path, text, "", Stamp(0, 0)).links)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("[[target]]", "target"),
        ("see [[folder/My note]].", "folder/My note"),
        ("[[target|shown]]", "target"),
        ("[[target#A heading|shown]]", "target"),
        ("[[target#^block]]", "target"),
        ("![[picture.png]]", "picture.png"),
        ("# [[target]]", "target"),
        ("> - [[my_target_name]]", "my_target_name"),
        ("| a |\n|---|\n| [[target\\|shown]] |", "target"),
        ("**[[target]]**", "target"),
    ],
)
def test_wikilinks_give_their_target(text, target):
    assert links(text) == [Link(target, wiki=True)]


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("[a](other.md)", "other.md"),
        ("[a](../b/other.md#heading)", "../b/other.md"),
        ("[a](other%20note.md)", "other note.md"),
        ("[a](<other note.md> 'title')", "other note.md"),
        ("[a][ref]\n\n[ref]: other.md", "other.md"),
        ("[`code` and *more*](other.md)", "other.md"),
    ],
)
def test_markdown_links_to_files_give_their_target(text, target):
    assert links(text) == [Link(target, wiki=False)]


@pytest.mark.parametrize(
    "text",
    [
        "[a](https://example.com/b.md)",
        "[a](mailto:b@example.com)",
        "[a](//example.com)",
        "<https://example.com>",
        "[a](#heading)",
        "[[#heading]]",
        "[a]()",
        "![alt](picture.png)",
        "`[[target]]` and `[a](b.md)`",
        "```\n[[target]]\n```",
        "    [[target]]",
        "<!-- [[target]] -->",
        "[[two\nlines]]",
        "\\[[target]]",
    ],
)
def test_the_web_the_note_itself_and_code_give_no_link(text):
    assert links(text) == []


def test_links_are_told_once_in_reading_order():
    text = "[[b]] and [a](a.md)\n\n- [[c|see]] and [[b#x]]\n"
    assert links(text) == [Link("b", wiki=True), Link("a.md", wiki=False), Link("c", wiki=True)]


def test_links_in_plain_text_count():
    text = "Title\n\nSee [[one]] and [two](two.md) of this.\n"
    assert links(text, "a.txt") == [Link("one", wiki=True), Link("two.md", wiki=False)]


def test_more_brackets_than_an_author_writes_are_not_searched_for_links():
    note = parse_note("a.md", "# [[a]]\n\n" + "[" * MAX_BRACKETS, "", Stamp(0, 0))
    assert note.links == ()
    assert note.title == "[[a]]"
    assert len(note.warnings) == 1


def calls(text):
    """How many functions are called to parse a note."""
    count = 0

    def note_call(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note_call)
    try:
        parse_note("a.md", text, "", Stamp(0, 0))
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("atom", ["![", "[^", "[[a#", "[["])
def test_brackets_that_nothing_closes_are_read_in_few_steps(atom):
    shorter, longer = (calls("# A\n\n" + atom * (size // len(atom))) for size in (15_000, 30_000))
    assert shorter < 60 * 15_000
    assert longer < 2.2 * shorter + 1_000


def test_brackets_within_few_others_are_links_however_many():
    note = parse_note("a.md", "[1, 2) [[b]]\n\n" + "[[c]] [x](d.md)\n" * 1_500, "", Stamp(0, 0))
    assert {link.target for link in note.links} == {"b", "c", "d.md"}
    assert note.warnings == ()
