"""The plain text of each unit is found once, at indexing."""

import pytest
from cases import cases
from citing import units_of
from hypothesis import given
from hypothesis import strategies as st
from saying import plain_text

from ragqa.answering.excerpt_blocks import blocks_of, excerpt_text
from ragqa.text.shown import TASK_STATES, unit_words
from ragqa.types import Kind


def said(note):
    return list(map(unit_words, units_of(note)))


@pytest.mark.parametrize(
    ("note", "sentences"),
    [
        ("*It is hot. It is red.* Yes.", ["It is hot.", "It is red.", "Yes."]),
        ("See [One. Two.\nThree. Four](http://a.b). Yes.", ["See One. Two. Three. Four.", "Yes."]),
        ("It says `a. b; c. d.\ne. f` here. Yes.", ["It says a. b; c. d. e. f here.", "Yes."]),
        ("{% comment %} One is. Two is. {% endcomment %} Yes.", ["", "", "Yes."]),
        ("> [!faq] Is it hot?\n> It is `red`. Yes.", ["Is it hot?", "It is red.", "Yes."]),
    ],
)
def test_markup_that_goes_over_several_sentences_is_in_none_of_them(note, sentences):
    assert said(note)[: len(sentences)] == sentences


def test_an_excerpt_says_what_its_units_say():
    units = units_of("- [x] **One** `a  b`\n  - two &amp; [three](x)\n")
    assert [unit.plain for unit in units] == ["(done) One a  b", "two & three"]
    assert excerpt_text(blocks_of(units)) == "- (done) One a  b\n  - two & three"


def test_a_line_that_a_mark_breaks_between_two_sentences_is_broken():
    units = units_of("It is hot.\\\nIt is `so`. Yes.<br>It is red.")
    assert excerpt_text(blocks_of(units)) == "It is hot.\nIt is so. Yes.\nIt is red."


def test_a_unit_knows_what_it_embeds():
    (unit,) = units_of("See ![[tea#Oolong|there]] and `![[not]]`.")
    assert unit.embeds == ("tea#Oolong",)


@pytest.mark.parametrize(
    ("kind", "markdown", "context", "labels", "plain"),
    cases("plain_text", "kind", "markdown", "context", "labels", "plain"),
)
def test_marks_go_and_words_stay(kind, markdown, context, labels, plain):
    found = plain_text(markdown, kind=Kind(kind), context=context or "", labels=labels or [])
    assert found == plain


@given(st.text(max_size=80), st.sampled_from(sorted(Kind)))
def test_any_text_has_a_plain_form_that_adds_no_letters_but_those_of_a_box(text, kind):
    plain = plain_text(text, kind=kind)
    for state in TASK_STATES.values():
        plain = plain.removeprefix(f"({state})")
    assert sum(c.isalnum() for c in plain) <= sum(c.isalnum() for c in text)
