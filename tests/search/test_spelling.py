"""Words of a question that no note has, and the words of the notes that they are read as."""

from contextlib import contextmanager

import pytest
from cases import each_of
from hypothesis import given
from hypothesis import strategies as st
from index.building import commit, entry, quick_folder

from ragqa.embedders import embedder_for
from ragqa.index import Store
from ragqa.search.question import languages_for
from ragqa.search.spelling import correct_spelling
from ragqa.types import Correction

HASHED = embedder_for("hashed:64", building=False)
NOTES = (
    entry(
        "memory.md",
        "Quantization makes the weights of a model smaller.",
        "A model keeps its weights in memory while it runs.",
        "Small are Mistral models. The model server waits for models.",
    ),
    entry("birds.md", "The penguin cannot fly.", "Fares are paid per mile.", "A formal formula."),
)


class Knowing:
    """As much of an embedder as is asked: some words are one token, all others are two."""

    def __init__(self, *words):
        self._words = words

    def count_tokens(self, texts):
        return [2 + (0 if not text else 1 if text in self._words else 2) for text in texts]


@contextmanager
def indexed(*entries):
    with quick_folder() as folder:
        store = Store(folder / "index")
        commit(store, *entries)
        with store.snapshot() as snapshot:
            yield snapshot


@pytest.fixture(scope="module")
def snapshot():
    with indexed(*NOTES) as snapshot:
        yield snapshot


def corrected(snapshot, question, embedder=HASHED):
    """The question with its spelling corrected, and the corrections."""
    return correct_spelling(snapshot, embedder, question, languages_for(snapshot, question))


@pytest.fixture
def read_as(snapshot):
    return lambda question, embedder=HASHED: corrected(snapshot, question, embedder)[0]


def test_a_misspelt_word_is_read_as_the_nearest_word_and_told(snapshot):
    question, corrections = corrected(snapshot, "what does quantisaton do to weights?")
    assert question == "what does quantization do to weights?"
    assert corrections == (Correction("quantisaton", "quantization"),)


@each_of("spelling")
def test_slips_of_the_keyboard_are_read_as_the_notes_write_the_word_and_nothing_else_is(
    read_as, typed, read
):
    assert read_as(typed) == read


@pytest.mark.parametrize(
    ("known", "read"), [("per", "fares"), ("fades", "fades"), ("fade", "fades")]
)
def test_a_word_that_the_embedder_knows_is_not_misspelt(read_as, known, read):
    assert read_as("fades per mile", Knowing(known)) == f"{read} per mile"


def test_the_more_frequent_of_two_near_words_is_taken():
    with indexed(entry("a.md", "a mode", "a model", "another model")) as snapshot:
        assert corrected(snapshot, "which modle")[0] == "which model"


@given(st.text(max_size=80))
def test_any_text_can_be_read_and_nothing_but_words_is_replaced(snapshot, text):
    question, corrections = corrected(snapshot, text)
    for one in corrections:
        text = text.replace(one.typed, one.read)
    assert question == text
