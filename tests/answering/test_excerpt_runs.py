"""The stretch of a note around the sentence that answers."""

import pytest
from cases import each_of
from excerpting import excerpt, layout_of
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.answering.excerpt_runs import (
    DEFINING_WORDS,
    EXCERPT_WORDS,
    SHORT_SCORE_SHARE,
    defining_run,
    excerpt_around,
)
from ragqa.text.words import query_terms


@trying(200)
@given(data=st.data(), number=st.integers(1, 9), words=st.integers(1, 40))
def test_no_other_run_around_the_best_piece_gains_more(data, number, words):
    layout = layout_of(
        "\n\n".join(f"This one{' so' * (words + n % 4)} is red." for n in range(number))
    )
    scores = data.draw(st.lists(st.floats(0, 2), min_size=number, max_size=number))
    best = data.draw(st.integers(0, number - 1))
    # For a short answer nothing else comes with the run.
    run = excerpt_around(layout, scores, best, short=True)

    def gain(begin, end):
        least = SHORT_SCORE_SHARE * scores[best]
        return sum(score - least for score in scores[begin : end + 1])

    others = [
        (begin, end)
        for begin in range(best + 1)
        for end in range(best, number)
        if begin == end or layout.words((begin, end)) <= EXCERPT_WORDS
    ]
    assert run in others
    assert gain(*run) == pytest.approx(max(gain(*other) for other in others))


@each_of("excerpts")
def test_an_excerpt_has_what_belongs_to_the_sentence_that_answers(note, best, question, also, said):
    assert excerpt(note, best, question, also=also) == said


LONG = "# A\n\nThese are they:\n\n" + "".join(
    f"- {number} of so many items that all of them are too long\n"
    for number in "abcdefghijklmnopqrst"
)


def test_of_a_long_list_there_is_only_what_answers():
    assert excerpt(LONG, "e of", also=["d of"]) == "\n".join(LONG.splitlines()[7:9])
    assert excerpt(LONG, "e of", "which items are they").count("\n") == 0


def test_of_a_long_list_that_is_announced_those_items_come_that_fit():
    said = excerpt(LONG, "These are")
    assert said.splitlines() == LONG.splitlines()[2:20]
    assert len(said.split()) <= 3 + 220


@pytest.mark.parametrize(("line", "shown"), [("Luck is rare.", 0), ("It has two sides.", 3)])
def test_a_list_below_a_sentence_comes_with_it_if_the_sentence_is_about_it(line, shown):
    note = f"# Luck\n\n{line}\n\n- Wifi: cellar\n- Router: attic\n- Lamp: hall\n"
    assert excerpt(note, line).count("\n- ") == shown


@pytest.mark.parametrize("hidden", ["%%none%%", "<!-- none -->", "%%\nnone\n\nnone\n%%"])
@pytest.mark.parametrize("question", ["who is red", "how to be red"])
def test_an_excerpt_never_goes_over_what_is_hidden(hidden, question):
    for text in (
        f"# Red\n\nOne is red. Two is red.\n\n{hidden}\n\nThree is red.\n",
        f"# Red\n\nOne is red. Two is red. {hidden} Three is red.\n",
        f"# Red\n\n- One is red.\n- Two is red. {hidden}\n- Three is red.\n",
        f"# Red\n\nOne is red. Two is red:\n\n{hidden}\n\n- Three is red.\n",
    ):
        for best, other in (("Two", "Three"), ("Three", "Two")):
            said = excerpt(text, best, question, also=[other])
            assert best in said
            assert other not in said
            assert "none" not in said


@each_of("cuts")
def test_cut_says_where_a_list_table_or_sentence_goes_on(text, begin, end, expected):
    layout = layout_of(text)
    assert layout.is_cut((layout.at(text.index(begin)), layout.at(text.index(end)))) == tuple(
        expected
    )


def test_an_excerpt_from_within_a_row_has_no_cells_of_other_columns():
    text = f"| Cat | A | B |\n|--|--|--|\n| row | {'x ' * 60}| {'yes ' * 60}|\n| q | r | s |\n"
    cells = f"| {'yes ' * 60}|"
    assert excerpt(text, "yes", also=["q", "row"], window=80, target=60) == cells


@pytest.mark.parametrize(
    "below", ["1. Turn both taps.\n2. Close them at 1.3 bar.", "Turn both taps."]
)
def test_a_short_line_that_stands_alone_has_what_stands_below_it(below):
    note = (
        f"# Boiler\n\nIt is in the kitchen.\n\npressure low again\n\n{below}\n\nThe key is red.\n"
    )
    said = excerpt(note, "pressure low", "how do I raise the pressure")
    assert said == f"pressure low again\n\n{below}"
    assert excerpt(note, "It is in", "where is it") == "It is in the kitchen."


def defined(text, subject):
    """How far a note is from being about a subject, and the paragraph that defines that."""
    layout = layout_of(text)
    found = defining_run(layout, query_terms(subject))
    return found and [found[0], layout.quote(found[1])]


@each_of("definitions")
def test_a_note_defines_what_it_or_a_section_of_it_is_called(text, subject, definition):
    assert defined(text, subject) == definition


def test_of_a_long_paragraph_there_is_the_beginning():
    text = "# Fig\n\n" + "The fig is a fruit of ten words in all here. " * 12
    _, quote = defined(text, "fig")
    assert DEFINING_WORDS - 11 < len(quote.split()) <= DEFINING_WORDS
    text = "# Fig\n\n" + "The fig is " + "very " * 100 + "sweet. It is red."
    assert defined(text, "fig")[1].endswith("sweet.")
