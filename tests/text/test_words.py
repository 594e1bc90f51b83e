"""Text to terms."""

import re
import unicodedata

import pytest
from cases import cases
from hypothesis import given
from hypothesis import strategies as st
from support import trying
from tongues import TEXTS

from ragqa.languages import LANGUAGES
from ragqa.text.words import (
    UNSPACED,
    index_terms,
    is_latin,
    query_forms,
    query_terms,
    strange_words,
    tokenize,
    unspaced_count,
)

WORDS = sorted({word for texts in TEXTS.values() for text in texts for word in text.split()})
LETTERS = "".join(sorted({*"".join(WORDS), *" '\u2019-_.0\n"}))
CODES = st.sampled_from(sorted(LANGUAGES))
ANY_TEXT = st.one_of(
    st.text(max_size=60),
    st.text(LETTERS, max_size=60),
    st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join),
)


@pytest.mark.parametrize(("language", "text", "terms"), cases("terms", "language", "text", "index"))
def test_a_text_is_indexed_under_these_terms(language, text, terms):
    assert index_terms(text, language) == terms


@pytest.mark.parametrize(
    ("languages", "question", "terms"), cases("query_terms", "languages", "question", "terms")
)
def test_a_question_is_searched_for_with_these_terms_in_each_of_its_languages(
    languages, question, terms
):
    assert query_forms(question, languages) == terms


def test_scripts_are_told_by_their_letters():
    assert [
        unspaced_count(text) for text in ("caf\u00e9 \u2014 5", "\u6ce8\u610f\u529b AI", "")
    ] == [0, 3, 0]
    asked = ("What is na\u00efve Bayes?", "42", "\u4ec0\u4e48\u662f attention")
    assert [is_latin(text) for text in asked] == [True, True, False]


@given(st.text())
def test_text_is_split_into_the_same_tokens_whether_or_not_a_script_without_spaces_is_in_it(text):
    spaced = re.sub(f"[{UNSPACED}]", " ", unicodedata.normalize("NFKC", text).casefold())
    assert tokenize(f"{spaced} \u7684") == [*tokenize(spaced), "\u7684"]


@trying(100)
@given(ANY_TEXT, CODES)
def test_in_every_language_a_word_of_a_text_is_found_by_itself(text, language):
    terms = set(index_terms(text, language))
    assert set(query_terms(text, [language])) <= terms
    for word in text.split():
        assert set(query_terms(word, [language])) <= terms


@trying(100)
@given(ANY_TEXT, st.lists(CODES, min_size=1, unique=True))
def test_any_text_is_read_in_any_languages(text, languages):
    forms = query_forms(text, languages)
    assert all(0 < len(terms) <= len(languages) for terms in forms)
    assert [terms[0] for terms in forms] == [one[0] for one in query_forms(text, languages[:1])]
    assert all(strange_words(text, code) >= 0 for code in languages)
    terms = [
        term for one in (*forms, *(index_terms(text, code) for code in languages)) for term in one
    ]
    assert all(term and not re.search(r"\s", term) for term in terms)
