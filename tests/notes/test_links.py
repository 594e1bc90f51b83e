import pytest

from ragqa.notes import parse_note
from ragqa.notes.inline import MAX_BRACKETS
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
