"""How a note is laid out in sections, blocks and items."""

from cases import each_of
from excerpting import MARKDOWN, layout_of, passages_of
from hypothesis import given
from support import trying

from ragqa.answering.excerpt_blocks import blocks_of, excerpt_text
from ragqa.answering.layout import Layout, all_match_note, section_of
from ragqa.text.shown import unit_words
from ragqa.types import Kind


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
            assert not any(mark in layout.quote((i, i)) for mark in ("%%c", "<!--"))


@each_of("layouts")
def test_sections_blocks_and_items_are_those_that_a_reader_sees(note, at, run, quote):
    layout = layout_of(note)
    assert layout.quote(getattr(layout, run)(layout.at(note.index(at)))) == quote


def test_the_headings_right_above_a_section_are_told():
    text = "# Colours\n\nText.\n\n## Warm\n\n### Red\n\nAmber.\n\n## None\n\n## Cold\n\nBlue.\n"
    layout = layout_of(text)
    above = {word: [*layout.headings_above(layout.at(text.index(word)))] for word in ("Amb", "Bl")}
    assert above == {"Amb": ["Warm", "Red"], "Bl": ["None", "Cold"]}


def test_the_depth_of_a_unit_is_the_number_of_items_that_it_is_nested_in():
    layout = layout_of("- a\n\t- b\n\n\t  text\n\t\t- c\n\nText.\n\n> - d\n>   - e\n")
    assert [piece.unit.depth for piece in layout.pieces] == [1, 2, 2, 3, 0, 1, 2]


def test_what_ends_with_a_colon_or_question_mark_announces_something():
    layout = layout_of("A list:\n\nIt is **so:**\n\n他说：\n\nIs it?\n\nAt 7:30.\n")
    assert [layout.announces(i) for i in range(5)] == [True, True, True, True, False]


LONG = "# A\n\nOne.\n\n## B\n\nThese are they:\n\n" + "- one of very many items of a list\n" * 60


def with_section(passage, layout, most_words=1000):
    found = section_of(passage, layout, most_words=most_words)
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


NOTE = (
    "It is hot.[^a] It is dry.[^b]\n\nNobody knows.[^nowhere]\n\n"
    "It is [^b] [^a] [^b] both.\n\n    [^a]\n\n"
    "[^a]: Measured twice. By day.\n[^b]: Says Ann.\n\nThe end.\n"
)


def joined(begins, note=NOTE):
    layout = layout_of(note)
    piece = layout.at(note.index(begins))
    return [layout.quote(run) for run in layout.footnotes(piece)]


def test_a_mark_leads_to_its_whole_footnote_a_footnote_to_the_sentence_and_others_nowhere():
    assert joined("It is hot.[^a]") == ["[^a]: Measured twice. By day."]
    assert joined("It is [^b]") == ["[^b]: Says Ann.", "[^a]: Measured twice. By day."]
    assert joined("[^b]: Says Ann.") == ["It is dry.[^b]"]
    assert joined("Nobody knows.[^nowhere]") == joined("    [^a]") == []
    assert joined("[^a]: Alone.", "[^a]: Alone.\n") == []


@each_of("rows")
def test_a_row_or_a_part_of_one_is_said_with_the_labels_of_its_own_cells(note, begins, shown):
    layout = layout_of(note, window=60, target=40)
    at = note.index(begins)
    unit = layout.pieces[layout.at(at)].unit
    assert unit_words(unit) == shown
    assert excerpt_text(blocks_of([unit])) == shown
