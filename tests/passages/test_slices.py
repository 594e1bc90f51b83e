"""What is shown of each unit is found once, at indexing, and is nothing but the note's own text."""

import pytest
from citing import cited, units_of

from ragqa.answering.excerpt_blocks import blocks_of, excerpt_text
from ragqa.text.shown import unit_words
from ragqa.types import Slice


def said(note):
    return [unit_words(note[unit.start : unit.end], unit) for unit in units_of(note)]


@pytest.mark.parametrize(
    ("note", "sentences"),
    [
        ("*It is hot. It is red.* Yes.", ["It is hot.", "It is red.", "Yes."]),
        ("See [One. Two.\nThree. Four](http://a.b). Yes.", ["See One. Two. Three. Four.", "Yes."]),
        ("It says `a. b; c. d.\ne. f` here. Yes.", ["It says a. b; c. d. e. f here.", "Yes."]),
    ],
)
def test_markup_that_goes_over_several_sentences_is_in_none_of_them(note, sentences):
    assert said(note)[: len(sentences)] == sentences


def test_a_unit_without_markup_is_stored_without_slices():
    plain, marked = units_of("It is red.\n\nIt is **hot**.")
    assert plain.slices is None
    assert marked.slices == (Slice(0, 6), Slice(8, 11, 1), Slice(13, 14))


def test_an_excerpt_says_what_its_units_say():
    note = "- [x] **One** `a  b`\n  - two &amp; [three](x)\n"
    assert excerpt_text(blocks_of(note, units_of(note), 0)) == "- (done) One a  b\n  - two & three"
    assert cited(note).units == units_of(note)
