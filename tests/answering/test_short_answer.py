"""The characters of a sentence that answer a question directly."""

import pytest
from cases import each_of
from excerpting import asked
from hypothesis import given
from hypothesis import strategies as st

from ragqa.answering.answer_type import place_in, short_answer


@each_of("short_answers")
def test_what_the_question_asks_for_is_marked_where_it_is_clear_what_answers(
    question, sentence, short
):
    span = short_answer(asked(question), sentence)
    assert (span and sentence[slice(*span)]) == short


@pytest.mark.parametrize("asked_in", ["en", "de"])
def test_nothing_is_marked_in_a_sentence_of_another_language(asked_in):
    question = asked("when was it released?", languages=(asked_in,))
    assert short_answer(question, "Am 2024-05-03 kam es heraus.", "de") is None


def test_words_of_the_sentence_are_found_in_the_quote_across_a_line_break_but_only_once():
    assert place_in("was in New\n  York.", "New York") == (7, 17)
    assert place_in("5 of 5", "5") is None
    assert place_in("15 files", "5") is None
    assert place_in("of **A. B** and C", "A. B and C") is None


PIECES = (
    "1999|May|12|5|%|GB|Bob|Ann|by|in|the|and|,|.|(|)|;|one|\u00c9va|J.|-|million|files|3,5|\n|12th"
    "|century|BC|Dr.|O'Neil|$|wrote|X\u00a0Y|Paris|hours"
)
SENTENCES = st.lists(st.sampled_from(PIECES.split("|"))).map(" ".join)


@given(
    st.sampled_from(["when was it", "who wrote it", "where is it", "how many files", "x date"]),
    st.one_of(SENTENCES, st.text()),
)
def test_any_text_gives_a_span_within_it_or_none(question, text):
    span = short_answer(asked(question), text)
    if span is not None:
        start, end = span
        assert 0 <= start < end <= len(text)
        assert text[start:end].strip()
