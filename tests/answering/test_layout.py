"""How a note is laid out in sections, blocks and items."""

from dataclasses import replace

from excerpting import MARKDOWN, layout_of, passages_of
from hypothesis import given
from support import trying

from ragqa.answering.layout import Layout, all_match_note, section_of
from ragqa.types import Kind


def runs(layout, of):
    """The text of each run that a method gives, once, in order."""
    return list(dict.fromkeys(layout.quote(of(i)) for i in range(len(layout.pieces))))


def texts(layout):
    return [layout.quote((i, i)) for i in range(len(layout.pieces))]


@trying(150)
@given(text=MARKDOWN)
def test_runs_are_around_their_piece_and_no_section_goes_over_a_heading_or_what_is_hidden(text):
    passages = passages_of(text, window=30, target=20)
    if not passages:
        return
    layout = Layout.of(text, passages[::-1])
    rules = [unit for p in passages for unit in p.units if unit.kind is Kind.RULE]
    assert len(layout.pieces) + len(rules) == sum(len(p.units) for p in passages)
    for i, piece in enumerate(layout.pieces):
        unit = piece.unit
        assert piece.passage.start <= unit.start < unit.end <= piece.passage.end
        assert all(layout.at(at) == i for at in (unit.start, unit.end - 1))
        assert layout.quote((i, i)) == text[unit.start : unit.end]
        assert piece.words >= 1
        narrower = (i, i)
        for of in (layout.item, layout.item_with_nested, layout.block, layout.section):
            wider = of(i)
            assert wider[0] <= narrower[0] <= narrower[1] <= wider[1]
            inside = layout.pieces[wider[0] : wider[1] + 1]
            assert len({one.unit.section for one in inside}) == 1
            assert layout.words(wider) == sum(one.words for one in inside)
            narrower = wider
        assert all(one.kind is not Kind.HEADING for one in inside[1:])
        for k in range(wider[0], wider[1]):
            assert not text[slice(layout.span((k, k))[1], layout.span((k + 1, k + 1))[0])].strip()
        if piece.kind is not Kind.CODE:
            assert not any(mark in layout.quote((i, i)) for mark in ("~~no", "%%c", "<!--"))


NOTE = """
# Colours

Red is warm. Blue
is not.

> Said he.
> And she.

## Warm

### Red

- red
  - crimson

    It is dark. Very.

    ```
    #dc143c
    ```
  - ruby
- amber

1. Mix.
2. Stir.

| name | hex |
|------|-----|
| red  | f00 |

```sh
mix
```

## None

## Cold

Blue.
"""


def test_a_section_goes_from_one_heading_to_the_next():
    layout = layout_of(NOTE)
    sections = runs(layout, layout.section)
    assert [one.splitlines()[0] for one in sections] == [
        "# Colours",
        "Red is warm. Blue",
        "## Warm",
        "### Red",
        "- red",
        "## None",
        "## Cold",
        "Blue.",
    ]
    assert sections[1].endswith("And she.")
    assert sections[3].endswith("mix\n```")
    blue = texts(layout).index("Blue.")
    assert [*layout.headings_above(blue)] == ["None", "Cold"]
    assert [*layout.headings_above(layout.at(NOTE.index("amber")))] == ["Warm", "Red"]


def test_an_item_has_its_paragraphs_and_code_and_with_nested_ones_all_below_it():
    layout = layout_of(NOTE)
    crimson, red = (layout.at(NOTE.index(word)) for word in ("crimson", "- red"))
    dark = layout.at(NOTE.index("Very"))
    assert layout.item(dark) == layout.item(crimson) == layout.item_with_nested(dark)
    assert layout.quote(layout.item(dark)).endswith("```")
    assert layout.quote(layout.item(red)) == "- red"
    assert layout.quote(layout.item_with_nested(red)).endswith("- ruby")


def test_the_depth_of_a_unit_is_the_number_of_items_that_it_is_nested_in():
    layout = layout_of("- a\n\t- b\n\n\t  text\n\t\t- c\n\nText.\n\n> - d\n>   - e\n")
    assert [piece.unit.depth for piece in layout.pieces] == [1, 2, 2, 3, 0, 1, 2]


def test_items_in_a_quotation_are_items_and_a_quotation_behind_a_list_is_none_of_it():
    text = "> - a\n>   - b\n> - c\n\nText.\n\n- d\n  > Said in d.\n- e\n\n> Said apart.\n"
    layout = layout_of(text)
    assert layout.item_with_nested(0) == (0, 1)
    d, apart = layout.at(text.index("- d")), layout.at(text.index("apart"))
    assert layout.quote(layout.item(d)) == "- d\n  > Said in d."
    assert layout.block(apart) == (apart, apart)


def test_what_is_hidden_or_ruled_off_ends_a_section_but_white_space_does_not():
    text = (
        "One.\n\n<!-- no -->\n\nTwo. ~~no~~ Three.\n\n---\n\nFour.\n\n\u3000\u3000Five.\n\f\nSix.\n"
    )
    layout = layout_of(text)
    assert runs(layout, layout.section) == [
        "One.",
        "Two.",
        "Three.",
        "Four.\n\n\u3000\u3000Five.\n\f\nSix.",
    ]


def test_what_ends_with_a_colon_or_question_mark_announces_something():
    layout = layout_of("A list:\n\nIt is **so:**\n\n他说：\n\nIs it?\n\nAt 7:30.\n")
    assert [layout.announces(i) for i in range(5)] == [True, True, True, True, False]


def test_passages_that_overlap_in_a_forged_index_are_laid_out_once_each():
    text = "One. Two. Three.\n"
    (passage,) = passages_of(text)
    part = replace(passage, start=5, text=text[5:16], units=passage.units[1:])
    layout = Layout.of(text, [part, passage])
    assert texts(layout) == ["One.", "Two.", "Three."]


LONG = "# A\n\nOne.\n\n## B\n\nThese are they:\n\n" + "- one of very many items of a list\n" * 60


def with_section(passage, layout, most_words=1000):
    found = section_of(passage, lambda _: layout, most_words=most_words)
    assert all_match_note(LONG, [found])
    assert (found.id, found.heading) == (passage.id, passage.heading)
    return found


def test_a_passage_with_the_rest_of_its_section_stands_in_its_note():
    passages = passages_of(LONG)
    layout = Layout.of(LONG, passages)
    whole = with_section(passages[-1], layout)
    assert whole.text == LONG[LONG.index("These") :].strip()
    assert len(whole.units) == 61
    assert with_section(passages[1], layout).text == f"## B\n\n{whole.text}"
    assert with_section(passages[0], layout).text == passages[0].text
    assert with_section(passages[-1], layout, most_words=400) == passages[-1]
