"""Text to terms."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trying
from tongues import TEXTS

from ragqa.languages import LANGUAGES
from ragqa.text.words import (
    UNSPACED,
    index_terms,
    is_latin,
    is_stop_word,
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


@trying(300)
@given(ANY_TEXT, CODES)
def test_in_every_language_a_word_of_a_text_is_found_by_itself(text, language):
    terms = set(index_terms(text, language))
    assert set(query_terms(text, [language])) <= terms
    for word in text.split():
        assert set(query_terms(word, [language])) <= terms


@trying(300)
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


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("de", "Schlüssel", "Schlüsseln"),
        ("fr", "imprimante", "imprimantes"),
        ("es", "contraseña", "contraseñas"),
        ("it", "stampante", "stampanti"),
        ("pt", "impressora", "impressoras"),
        ("nl", "sleutel", "sleutels"),
        ("sv", "skrivare", "skrivaren"),
        ("ru", "ключ", "ключа"),
        ("ru", "printer", "printers"),
        ("zh", "printer", "printers"),
    ],
)
def test_forms_of_a_word_are_one_term_in_its_language(language, one, other):
    assert index_terms(one, language) == index_terms(other, language)


def test_accents_are_folded_after_stemming():
    assert index_terms("Schlüsseln", "de") == index_terms("schlusseln", "de") == ["schlussel"]
    assert index_terms("pěkná", "cs") == ["pekna"]


def test_codes_and_names_are_the_same_in_every_language():
    for code in LANGUAGES:
        assert index_terms("E4711 x86_64", code)[0] == "e4711"


@pytest.mark.parametrize("apostrophe", ["'", "\u2019"])
def test_an_article_that_hangs_on_a_word_hides_it_in_no_language_that_elides(apostrophe):
    for language, article, word in (
        ("fr", "l", "imprimante"),
        ("it", "dell", "ufficio"),
        ("ca", "l", "oficina"),
    ):
        hanging = f"{article}{apostrophe}{word}"
        assert index_terms(hanging, language)[1:] == index_terms(word, language)
    assert query_terms(f"qu{apostrophe}est-ce que l{apostrophe}imprimante ?", ["fr"]) == ["imprim"]
    assert index_terms(f"the printer{apostrophe}s", "en") == ["the", "printer"]


@pytest.mark.parametrize(
    ("language", "question", "terms"),
    [
        ("de", "Was geht ohne den Schlüssel nicht?", ["geht", "ohn", "schlussel", "nicht"]),
        ("fr", "comment entrer sans la clé ?", ["entrer", "san", "cle"]),
        ("es", "¿cómo entrar sin la llave?", ["entrar", "sin", "llav"]),
        ("it", "come si entra senza la chiave?", ["entra", "senz", "chiav"]),
        ("nl", "hoe kom je binnen zonder sleutel?", ["kom", "bin", "zonder", "sleutel"]),
    ],
)
def test_words_that_only_ask_are_dropped_and_negations_kept(language, question, terms):
    assert query_terms(question, [language]) == terms


def test_a_question_of_stop_words_alone_keeps_them():
    assert query_terms("wer ist das?", ["de"]) == ["wer", "ist", "das"]
    assert [is_stop_word(word, "de") for word in ("und", "ohne", "Haus")] == [True, False, False]


def test_short_runs_of_hiragana_are_particles_and_longer_ones_words_apart_from_their_neighbours():
    assert query_terms("台所の鍵は", ["ja"]) == ["台所", "鍵"]
    assert query_terms("鍵ありがと", ["ja"]) == [
        "鍵",
        "あり",
        "りが",
        "がと",
    ]
    assert query_terms("いぬ", ["ja"]) == ["いぬ"]


def test_each_word_of_a_question_has_its_terms_in_all_of_the_languages():
    assert query_forms("Wo ist der Laptop?", ["de", "en"]) == [["laptop"]]
    assert query_forms("Bildschirme reinigen", ["de", "en"]) == [
        ["bildschirm"],
        ["reinig", "reinigen"],
    ]


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("where is the printer?", "en"),
        ("wo ist der Drucker?", "de"),
        ("où est l'imprimante ?", "fr"),
        ("¿dónde está la impresora?", "es"),
    ],
)
def test_a_question_has_the_fewest_strange_words_in_its_own_language(question, language):
    strange = {code: strange_words(question, code) for code in ("en", "de", "fr", "es")}
    assert min(strange, key=strange.get) == language
    assert list(strange.values()).count(strange[language]) == 1


def test_a_turkish_capital_i_is_a_letter_of_its_word():
    assert tokenize("İstanbul") == ["istanbul"]


@pytest.mark.parametrize(
    ("question", "language", "kept"),
    [
        ("не работает без ключа", "ru", {"не", "без"}),
        ("fungerar inte utan nyckel", "sv", {"int", "utan"}),
        ("virker ikke uden nøgle", "da", {"ikk", "uden"}),
        ("ei toimi ilman avainta", "fi", {"ei"}),
    ],
)
def test_negations_are_searched_for_in_every_language_with_stop_words(question, language, kept):
    assert kept <= set(query_terms(question, [language]))
