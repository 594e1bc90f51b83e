"""Text to terms."""

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ragqa.text.words import UNSPACED, index_terms, is_latin, query_terms, tokenize, unspaced_count


def test_terms_are_folded_stemmed_words():
    assert index_terms("Fine-tuning the Models’ café") == ["fine", "tune", "the", "model", "cafe"]


def test_query_terms_leave_out_stop_words_unless_there_is_nothing_else():
    assert query_terms("what is the learning rate?") == ["learn", "rate"]
    assert query_terms("who are you") == ["who", "are", "you"]
    assert query_terms("rate of the learning rate") == ["rate", "learn", "rate"]


def test_question_words_of_unspaced_scripts_are_stop_words():
    assert query_terms("什么是注意力") == query_terms("注意力是什么") == ["注意", "意力"]
    assert query_terms("是什么") != []


def test_unspaced_scripts_become_characters_and_pairs():
    assert index_terms("注意力") == ["注", "意", "力", "注意", "意力"]
    assert query_terms("注意力") == ["注意", "意力"]
    assert query_terms("猫") == ["猫"]


def test_characters_of_unspaced_scripts_are_counted():
    assert [
        unspaced_count(text) for text in ("caf\u00e9 \u2014 5", "\u6ce8\u610f\u529b AI", "")
    ] == [0, 3, 0]


@given(st.text(max_size=60))
def test_every_query_term_is_a_term_of_the_same_text_when_indexed(text):
    assert set(query_terms(text)) <= set(index_terms(text))


def test_the_script_of_a_question_is_told_by_its_letters():
    assert is_latin("What is naïve Bayes?")
    assert is_latin("42")
    assert not is_latin("什么是 attention 机制的作用")


@given(st.text())
def test_text_is_split_into_the_same_tokens_whether_or_not_a_script_without_spaces_is_in_it(text):
    spaced = re.sub(f"[{UNSPACED}]", " ", unicodedata.normalize("NFKC", text).casefold())
    assert tokenize(f"{spaced} \u7684") == [*tokenize(spaced), "\u7684"]
