"""Markdown that is long, deep or full of brackets."""

import pytest

from ragqa.notes import markdown, parse_note


def outline(text):
    """Each block's kind and text."""
    note = parse_note("a.md", text)
    return [(b.kind, b.level, b.label, b.labels, text[b.start : b.end]) for b in note.blocks]


def test_a_long_note_parsed_in_parts_has_the_same_blocks(monkeypatch):
    section = (
        "## Section\n\nA paragraph\nof two lines\n\n```\n# code\n\n```\n\n"
        "Listed:\n\n- a\n  - b\n- c\n\n|h|\n|-|\n|1|\n|2|\n\n> quote\n\n[r]: x.md\n\n"
    )
    text = section * 6
    whole = outline(text)
    assert len(whole) == 6 * 12
    for lines in range(7, 40, 4):
        monkeypatch.setattr(markdown, "PART_LINES", lines)
        assert outline(text) == whole


def test_a_block_longer_than_a_part_is_cut_and_nothing_is_lost(monkeypatch):
    monkeypatch.setattr(markdown, "PART_CHARS", 40)
    found = [(kind, text) for kind, *_, text in outline("- item\n" * 50 + "\nEnd\n")]
    assert found == [("item", "- item")] * 50 + [("paragraph", "End")]


def test_a_line_too_long_to_parse_is_a_paragraph():
    text = f"# Before\n# {'*word* [[link]] ' * 5_000}\n# After\n"
    assert [kind for kind, *_ in outline(text)] == ["heading", "paragraph", "heading"]


@pytest.mark.parametrize(
    "text",
    [
        "".join("  " * depth + "- item\n" for depth in range(300)),
        "- " * 5_000 + "item\n",
        ">" * 5_000 + "quote\n",
        *(atom * 20_000 + "\n" for atom in ("[", "![", "[^", "[[a#", "[[")),
        "*a **b " * 3_000 + "\n",
    ],
    ids=lambda text: text[:8],
)
def test_deep_nesting_ends_and_no_text_is_lost(text):
    text += "\n# Below\n"
    blocks = outline(text)
    assert "# Below" in blocks[-1][-1]
    assert "".join("".join(block[-1].split()) for block in blocks) == "".join(text.split())


def test_more_brackets_than_an_author_writes_are_not_searched_for_links():
    note = parse_note("a.md", "# [[a]]\n\n" + "[" * markdown.MAX_BRACKETS)
    assert (note.links, note.title, len(note.warnings)) == ((), "[[a]]", 1)
    note = parse_note("a.md", "[1, 2) [[b]]\n\n" + "[[c]] [x](d.md)\n" * 1_500)
    assert ({*note.links}, note.warnings) == ({"b", "c", "d.md"}, ())


def test_a_line_right_below_a_table_is_a_paragraph_and_a_hidden_row_ends_nothing():
    table = "| Tariff | ct |\n|---|---|\n| Day | 33 |\n"
    below = "The mortgage is due in May,\nthe rent in June."
    text = f"{table}{below}\n\n{table}%% no %%\n| Night | 21 |\n"
    assert [(kind, text) for kind, *_, text in outline(text)] == [
        ("table_head", "| Tariff | ct |\n|---|---|"),
        ("row", "| Day | 33 |"),
        ("paragraph", below),
        ("table_head", "| Tariff | ct |\n|---|---|"),
        ("row", "| Day | 33 |"),
        ("comment", "%% no %%"),
        ("row", "| Night | 21 |"),
    ]


@pytest.mark.parametrize("path", ["a.md", "a.txt"])
@pytest.mark.parametrize("piece", ["# a\n\n", "a|b\n-|-\n", "a\n\n", "=\n\nb\n\n", "- a\n"])
def test_what_follows_the_most_blocks_of_a_note_is_left_out_and_told(monkeypatch, path, piece):
    monkeypatch.setattr("ragqa.notes.blocks.MAX_BLOCKS", 50)
    monkeypatch.setattr("ragqa.notes.written.MAX_BLOCKS", 50)
    note = parse_note(path, piece * 200)
    assert len(note.blocks) == 50
    assert [warning for warning in note.warnings if "split the note" in warning]
    assert not parse_note(path, piece * 5).warnings
