"""Words of a question that no note has, and the words of the notes that they are read as."""

from contextlib import closing, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stores.building import commit, entry, quick_folder

from ragqa.embedders import embedder_for
from ragqa.search.question import languages_for
from ragqa.search.spelling import correct_spelling, with_apostrophes
from ragqa.stores import open_store
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
        store = open_store(folder / "index")
        commit(store, *entries)
        with closing(store.snapshot()) as snapshot:
            yield snapshot


@pytest.fixture(scope="module")
def snapshot():
    with indexed(*NOTES) as snapshot:
        yield snapshot


def corrected(snapshot, question, embedder=HASHED):
    """The question with its spelling corrected, and the corrections."""
    return correct_spelling(snapshot, embedder, question, languages_for(snapshot, question))


@pytest.fixture
def read(snapshot):
    return lambda question, embedder=HASHED: corrected(snapshot, question, embedder)[0]


def test_a_misspelt_word_is_read_as_the_nearest_word_and_told(snapshot):
    question, corrections = corrected(snapshot, "what does quantisaton do to weights?")
    assert question == "what does quantization do to weights?"
    assert corrections == (Correction("quantisaton", "quantization"),)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("smaler weights", "smaller weights"),
        ("smallerr weights", "smaller weights"),
        ("samller weights", "smaller weights"),
        ("msaller weights", "smaller weights"),
        ("smakler weights", "smaller weights"),
        ("modl weights", "model weights"),
        ("mlie paid", "mile paid"),
        ("QUANTIZATION-awrae memry models", "QUANTIZATION-awrae memory models"),
        ("Smaler weights", "smaller weights"),
        ("are mistarl models small", "are Mistral models small"),
        ("smaler? (memry)", "smaller? (memory)"),
        ("memry and memry of a model", "memory and memory of a model"),
    ],
)
def test_slips_of_the_keyboard_are_corrected_as_the_notes_write_the_word(read, typed, expected):
    assert read(typed) == expected


@pytest.mark.parametrize(
    "question",
    [
        "weights of models",
        "quantize a model",
        "quantizing the models",
        "pangolin fly",
        "Is the Penguim here",
        "the PenguiM fly",
        "pengu1n fly",
        'what is "pengiun" fly',
        "what is 'pengiun' fly",
        "what is `pengiun` fly",
        "pengiun.fly and fly/pengiun and --pengiun and fly_pengiun",
        "milo per",
        "mule per",
        "formalism of a model",
        "xyzzyqwert model",
        "a" * 300,
        "企鵝 能 飛 嗎",
    ],
)
def test_what_is_known_and_names_codes_quotations_and_words_unlike_any_stay(read, question):
    assert read(question) == question


def test_a_word_that_only_ends_otherwise_is_a_word_of_its_own(read):
    assert read("formam formula") == "formam formula"
    assert read("penguinx fly") == "penguinx fly"


def test_a_word_that_the_embedder_knows_is_not_misspelt(read):
    assert read("fades per mile") == "fares per mile"
    for known in ("fades", "fade"):
        assert read("fades per mile", Knowing(known)) == "fades per mile"
    assert read("fades per mile", Knowing("per")) == "fares per mile"


def test_a_word_is_corrected_only_where_a_passage_has_it_beside_another_word(read):
    assert read("penguim") == "penguim"
    assert read("pengiun") == "penguin"
    assert read("pengiun fly") == "penguin fly"
    assert read("pengiun weights") == "pengiun weights"


def test_the_more_frequent_of_two_near_words_is_taken():
    with indexed(entry("a.md", "a mode", "a model", "another model")) as snapshot:
        assert corrected(snapshot, "which modle")[0] == "which model"


def test_a_question_with_many_unknown_words_is_about_something_else(read):
    words = "pengiun zzyzxa zzyzxb zzyzxc"
    assert read(f"fly {words}") == "fly penguin zzyzxa zzyzxb zzyzxc"
    assert read(f"fly {words} zzyzxd") == f"fly {words} zzyzxd"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("whats a model", "what's a model"),
        ("Whats a model and why dont they fly", "What's a model and why don't they fly"),
        ("isnt it, wasnt it?", "isn't it, wasn't it?"),
        ("its were id ill lets", "its were id ill lets"),
        ("what's a model", "what's a model"),
        ("`whats` and 'dont' and WHATS", "`whats` and 'dont' and WHATS"),
    ],
)
def test_a_contraction_without_its_apostrophe_is_read_with_it(typed, expected):
    assert with_apostrophes(typed) == expected


def test_a_contraction_is_no_correction(snapshot):
    assert corrected(snapshot, "whats a model")[1] == ()


@given(st.text(max_size=80))
def test_any_text_can_be_read_and_nothing_but_words_is_replaced(snapshot, text):
    question, corrections = corrected(snapshot, text)
    rest = with_apostrophes(text)
    for one in corrections:
        rest = rest.replace(one.typed, one.read)
    assert question == rest
