import pytest

from ragqa.notes import markdown, parse_note
from ragqa.types import Stamp


def outline(text: str) -> list[tuple[str, int, str, str]]:
    """Each block's kind, level, label or labels, and text."""
    note = parse_note("a.md", text, "", Stamp(0, 0))
    return [
        (b.kind.value, b.level, b.label or " | ".join(b.labels), text[b.start : b.end])
        for b in note.blocks
    ]


def kinds(text: str) -> list[str]:
    return [kind for kind, *_ in outline(text)]


@pytest.mark.parametrize(
    ("source", "level", "label"),
    [
        ("# One", 1, "One"),
        ("### Three ###", 3, "Three"),
        ("One\n===", 1, "One"),
        ("Two\n---", 2, "Two"),
        ("## *A* **b** `c*d` [e](f.md)", 2, "A b c*d e"),
        ("# [[target|Shown]] and [[other]]", 1, "Shown and other"),
        ("# ![alt text](a.png) &amp; \\* a<br>b<sup>2</sup>", 1, "alt text & * a b2"),
        ("# a\tb", 1, "a b"),
        ("# " + "x" * 400, 1, "x" * 300),
    ],
)
def test_a_heading_is_labelled_by_its_words(source, level, label):
    assert outline(source) == [("heading", level, label, source)]


def test_what_cannot_head_a_section_is_no_heading():
    assert outline("# ![](logo.png)\n\n#\n\nA paragraph\nabove a rule\n---\n") == [
        ("paragraph", 0, "", "# ![](logo.png)"),
        ("rule", 0, "", "#"),
        ("paragraph", 0, "", "A paragraph\nabove a rule\n---"),
    ]


def test_a_heading_in_a_quote_or_list_heads_nothing():
    assert outline("> # Quoted\n\n- # Listed\n") == [
        ("paragraph", 0, "", "> # Quoted"),
        ("item", 1, "", "- # Listed"),
    ]


def test_each_item_is_a_block_with_its_depth_and_what_introduces_it():
    text = (
        "There are:\n\n"
        "- one\n  goes on\n"
        "- two, which has:\n  1. sub one\n  2. sub two\n\n     more of it\n"
        "\n- three\n\n  its second paragraph\n\n"
        "No list.\n\n* alone\n"
    )
    assert outline(text) == [
        ("paragraph", 0, "", "There are:"),
        ("item", 1, "There are:", "- one\n  goes on"),
        ("item", 1, "There are:", "- two, which has:"),
        ("item", 2, "two, which has:", "  1. sub one"),
        ("item", 2, "two, which has:", "  2. sub two"),
        ("paragraph", 2, "", "     more of it"),
        ("item", 1, "There are:", "- three"),
        ("paragraph", 1, "", "  its second paragraph"),
        ("paragraph", 0, "", "No list."),
        ("item", 1, "", "* alone"),
    ]


@pytest.mark.parametrize(
    ("before", "label"),
    [
        ("**Bold** line:", "Bold line:"),
        ("First line.\nLast line:", "Last line:"),
        ("\u6709\u4e09\u79cd\uff1a", "\u6709\u4e09\u79cd\uff1a"),
        ("Word " * 100 + "end. The short of it:", "The short of it:"),
        ("It is not free. In rough order of\neffort:", "In rough order of effort:"),
        ("No colon", ""),
        ("# A heading:", ""),
    ],
)
def test_the_last_sentence_before_a_list_introduces_it_if_it_ends_with_a_colon(before, label):
    assert outline(f"{before}\n\n- item\n")[-1] == ("item", 1, label, "- item")


def test_marks_without_words_are_rules():
    assert outline("> a\n>\n> b\n\n-\n\n***\n") == [
        ("paragraph", 0, "", "> a"),
        ("rule", 0, "", ">"),
        ("paragraph", 0, "", "> b"),
        ("rule", 0, "", "-"),
        ("rule", 0, "", "***"),
    ]


def test_the_name_of_a_place_in_myst_is_no_text():
    assert outline("(a.place)=\n\n# A\n\n(b)= 1 is text\n") == [
        ("rule", 0, "", "(a.place)="),
        ("heading", 1, "A", "# A"),
        ("paragraph", 0, "", "(b)= 1 is text"),
    ]


def test_an_item_may_begin_below_its_marker():
    assert outline("-\n  text\n- - inner\n") == [
        ("item", 1, "", "-\n  text"),
        ("item", 2, "", "- - inner"),
    ]


def test_callouts_and_task_items_are_paragraphs_and_items():
    assert outline("> [!note] Mind\n> the gap\n\n- [ ] to do\n- [x] done\n") == [
        ("paragraph", 0, "", "> [!note] Mind\n> the gap"),
        ("item", 1, "", "- [ ] to do"),
        ("item", 1, "", "- [x] done"),
    ]


def test_a_table_is_a_head_and_rows_labelled_by_the_header():
    text = "Before\n\n| **A** | b \\| c |\n|:--|---|\n| 1 | 2 |\n| 3 |\n\nAfter\n"
    assert outline(text) == [
        ("paragraph", 0, "", "Before"),
        ("table_head", 0, "", "| **A** | b \\| c |\n|:--|---|"),
        ("row", 0, "A | b | c", "| 1 | 2 |"),
        ("row", 0, "A | b | c", "| 3 |"),
        ("paragraph", 0, "", "After"),
    ]


def test_each_table_has_its_own_header():
    text = "|a|\n|-|\n|1|\n\n|b|\n|-|\n|2|\n"
    assert [label for kind, _, label, _ in outline(text) if kind == "row"] == ["a", "b"]


def test_code_keeps_its_fences_and_is_not_looked_into():
    text = "```python\n# no heading\n\n- no item\n```\n\n    indented\n\n    code\n\n~~~\nopen\n"
    assert outline(text) == [
        ("code", 0, "", "```python\n# no heading\n\n- no item\n```"),
        ("code", 0, "", "    indented\n\n    code"),
        ("code", 0, "", "~~~\nopen"),
    ]


def test_code_in_an_item_has_the_items_depth():
    assert outline("- step\n\n  ```\n  run\n  ```\n") == [
        ("item", 1, "", "- step"),
        ("code", 1, "", "  ```\n  run\n  ```"),
    ]


def test_html_and_what_the_parser_drops_are_kept():
    text = "<div>\nhtml\n</div>\n\n[ref]: https://example.com 'Title'\n[^1]: a footnote\n"
    assert outline(text) == [
        ("html", 0, "", "<div>\nhtml\n</div>"),
        ("paragraph", 0, "", "[ref]: https://example.com 'Title'"),
        ("paragraph", 0, "", "[^1]: a footnote"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_spans_are_exact_for_every_line_end(end):
    text = end.join(["# T\x0cx", "", "a\u2028b", "c\x0b", "", "- d\x85", "", ""])
    assert outline(text) == [
        ("heading", 1, "T x", "# T\x0cx"),
        ("paragraph", 0, "", f"a\u2028b{end}c\x0b"),
        ("item", 1, "", "- d\x85"),
    ]


def test_a_long_note_parsed_in_parts_has_the_same_blocks(monkeypatch):
    section = (
        "## Section\n\nA paragraph\nof two lines\n\n```\n# code\n\n```\n\n"
        "Listed:\n\n- a\n  - b\n- c\n\n|h|\n|-|\n|1|\n|2|\n\n> quote\n\n[r]: x.md\n\n"
    )
    text = section * 6
    whole = outline(text)
    assert len(whole) == 6 * 12
    for lines in range(7, 40):
        monkeypatch.setattr(markdown, "PART_LINES", lines)
        assert outline(text) == whole


def test_a_block_longer_than_a_part_is_cut_and_nothing_is_lost(monkeypatch):
    monkeypatch.setattr(markdown, "PART_CHARS", 40)
    text = "- item\n" * 50 + "\nEnd\n"
    assert outline(text) == [("item", 1, "", "- item")] * 50 + [("paragraph", 0, "", "End")]


def test_a_line_too_long_to_parse_is_a_paragraph():
    line = "# " + "*word* [[link]] " * 5_000
    text = f"# Before\n{line}\n# After\n"
    assert kinds(text) == ["heading", "paragraph", "heading"]


def test_ten_thousand_headings_are_ten_thousand_blocks():
    assert kinds("# a\n" * 10_000) == ["heading"] * 10_000


@pytest.mark.parametrize(
    "text",
    [
        "".join("  " * depth + "- item\n" for depth in range(300)) + "\n# Below\n",
        "".join(">" * depth + " quote\n" for depth in range(300)) + "\n# Below\n",
        "- " * 5_000 + "item\n\n# Below\n",
        ">" * 5_000 + "quote\n\n# Below\n",
        "[" * 20_000 + "\n\n# Below\n",
        "*a **b " * 3_000 + "\n\n# Below\n",
    ],
    ids=["lists", "quotes", "list line", "quote line", "brackets", "emphasis"],
)
def test_deep_nesting_ends_and_no_text_is_lost(text):
    blocks = outline(text)
    assert "# Below" in blocks[-1][3]
    assert "".join("".join(block[3].split()) for block in blocks) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("Some #one, (#two) and **#three**.", ("one", "two", "three")),
        ("#at-the-start/of/a_line\n- #item", ("at-the-start/of/a_line", "item")),
        ("## A heading #tagged", ("tagged",)),
        ("#2026 #y2k #\u4e2d\u6587 #\u00dcber!", ("y2k", "\u4e2d\u6587", "\u00dcber")),
        ("No#tag \\#escaped `#code` https://a.b/#part ## # #/ [a](b.md#c)", ()),
        ("```\n#fenced\n```\n\n    #indented\n", ()),
        ("#again #again", ("again",)),
    ],
)
def test_tags_in_the_text_are_found_as_obsidian_finds_them(text, tags):
    assert parse_note("a.md", text, "0" * 64, Stamp(1, 2)).tags == tags


def pieces(text: str) -> list[tuple[str, str]]:
    note = parse_note("a.md", text, "", Stamp(0, 0))
    return [(b.kind.value, text[b.start : b.end]) for b in note.blocks]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Now ~~20~~ 35 kg.", [("rule", "Now"), ("struck", "~~20~~"), ("paragraph", "35 kg.")]),
        (
            "It is tall. It has %%x%% two legs.",
            [
                ("paragraph", "It is tall."),
                ("rule", "It has"),
                ("comment", "%%x%%"),
                ("paragraph", "two legs."),
            ],
        ),
        ("Blue ~~today~~", [("paragraph", "Blue"), ("struck", "~~today~~")]),
        (
            "Serves 4 ~~or 5~~ people.",
            [("paragraph", "Serves 4"), ("struck", "~~or 5~~"), ("paragraph", "people.")],
        ),
    ],
)
def test_a_sentence_that_hidden_text_cuts_off_is_not_quoted_unless_it_has_a_figure(text, expected):
    assert pieces(text) == expected


def test_what_html_strikes_out_is_struck_out():
    expected = [("struck", "<del>Port 8080.</del>"), ("paragraph", "Port 9090.")]
    assert pieces("<del>Port 8080.</del> Port 9090.") == expected
    assert pieces("a <delta> b </delta> c") == [("paragraph", "a <delta> b </delta> c")]


def test_front_matter_may_be_one_mapping_in_braces():
    note = parse_note("a.md", '---\n{"title": "J", "password": "x"}\n---\nBody.', "", Stamp(0, 0))
    assert (note.title, note.warnings) == ("J", ())
