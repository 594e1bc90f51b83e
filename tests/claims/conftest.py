"""Holding sentences against passages: with the embedder that needs no model, and the real one."""

import pytest

from ragqa.claims.sources import Source, read_sources
from ragqa.claims.support import support_of
from ragqa.embedders import embedder_for


def every_word_alike(terms):
    """An idf by which all words are as rare as in a folder of some hundred notes."""
    return dict.fromkeys(terms, 4.0)


def checker(embedder):
    """A function that judges a sentence by passages: texts, or pairs of heading and text."""

    def check(sentence, *passages, cited=None, by_terms_alone=False, idf=every_word_alike):
        texts = [("", one) if isinstance(one, str) else one for one in passages]
        given = [one if isinstance(one, Source) else Source(*one) for one in texts]
        sources = read_sources(given, embedder, by_terms_alone=by_terms_alone)
        numbers = range(1, len(given) + 1) if cited is None else cited
        return support_of(sentence, numbers, sources, idf)

    return check


@pytest.fixture(scope="session")
def check():
    """Judge by words alone, for what does not depend on meaning."""
    by_words = checker(embedder_for("hashed:64", building=False))

    def judge(sentence, *passages, **more):
        return by_words(sentence, *passages, **({"by_terms_alone": True} | more))

    return judge


@pytest.fixture(scope="session")
def understand():
    """Judge with the model that ragqa asks with."""
    return checker(embedder_for("all-MiniLM-L6-v2", building=False))
