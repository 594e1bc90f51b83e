"""What an answer does not speak of, with the embedder that needs no model."""

import math
from dataclasses import replace

import pytest
from excerpting import asked

from ragqa.answering import Answering, compose
from ragqa.answering.judge import Model, Models, shipped
from ragqa.answering.missing import missing
from ragqa.answering.reading import read
from ragqa.answering.score import score
from ragqa.answering.sentences import candidates_of
from ragqa.embedders import embedder_for
from ragqa.notes import parse_note
from ragqa.passages import Chunking
from ragqa.passages.split import split_note
from ragqa.text.words import index_terms
from ragqa.types import Hit, Stamp

EMBEDDER = embedder_for("hashed:256", building=False)
NOTE = (
    "# Quantization\n\n"
    "Quantization stores each weight in 8 bits.\n\n"
    "DistilBERT is 40 percent smaller than BERT.\n\n"
    "Sonnet 4 came out on 22 May 2025.\n"
)


def found(question, *, idf=None, text=NOTE, **more):
    """The question, and the one passage of a note."""
    note = parse_note("note.md", text, "0" * 64, Stamp(0, 0))
    (passage,) = split_note(
        note,
        chunking=Chunking(),
        window=EMBEDDER.info.window,
        count_tokens=EMBEDDER.count_tokens,
    )
    more |= {"vectors": EMBEDDER.embed_query(question)}
    return asked(question, idf=idf, **more), (Hit(passage, 1.0, 0.5, 1.0),)


def missing_from(question, said, *, idf=None, text=NOTE, **more):
    """What of the question the sentence that says this does not speak of."""
    reading = read(*found(question, idf=idf, text=text, **more), EMBEDDER)
    scored = score(reading, candidates_of(reading.hits))
    return missing(reading, [one for one in scored if said in one.text])


def test_a_rare_word_that_no_passage_has_is_named_as_the_question_writes_it():
    idf = {"int4": 5.0, "weight": 1.0}
    assert missing_from("INT4 weights", "8 bits", idf=idf) == ("INT4",)


def test_a_word_that_the_passage_has_is_not_named():
    assert missing_from("quantization bits", "8 bits", idf={"quantiz": 5.0, "bit": 5.0}) == ()


def test_a_misspelt_word_is_not_missing():
    assert missing_from("quantisation bits", "8 bits", idf={"quantis": 5.0, "bit": 5.0}) == ()


def test_a_german_noun_is_no_name_but_an_abbreviation_is():
    idf = {"ruhezustand": 5.0, "lvm": 5.0}
    german = {"languages": ("de",), "readable": 0.5}
    question = "Wie geht der Ruhezustand mit LVM"
    assert missing_from(question, "8 bits", idf=idf, **german) == ("LVM",)
    assert missing_from(question, "8 bits", idf=idf) == ("Ruhezustand", "LVM")


def test_what_is_wanted_is_only_named_in_english():
    question = "Wann wurde die Quantisierung erfunden?"
    assert missing_from(question, "8 bits", languages=("de",), readable=0.5) == ()


def test_a_common_word_is_not_named():
    idf = {"quantiz": 5.0, "zebra": 1.0}
    assert missing_from("quantization zebra", "8 bits", idf=idf) == ()


@pytest.mark.parametrize(
    ("question", "said", "expected"),
    [
        ("when was quantization invented", "8 bits", ("a date",)),
        ("how many layers does it have", "8 bits", ("a number of layers",)),
        ("how many training layers could it have", "8 bits", ("a number of layers",)),
        ("How Many Layers Does It Have", "8 bits", ("a number of Layers",)),
        ("when did it come out", "came out", ()),
        ("when did Sonnet 4.5 come out", "came out", ("a date for Sonnet 4.5",)),
        ("what percent is RoBERTa smaller", "40 percent", ("a percentage for RoBERTa",)),
        ("why is it smaller", "40 percent", ()),
        ("who made it smaller", "8 bits", ()),
        ("where does attention go wrong", "8 bits", ()),
        ("when is quantization worth it", "8 bits", ()),
        ("when does RAG beat quantization", "8 bits", ()),
        ("how much does the weight matter", "came out", ()),
        ("how long does it take", "came out", ()),
    ],
)
def test_what_is_asked_for_is_named_where_no_sentence_has_it(question, said, expected):
    assert missing_from(question, said) == expected


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("INT8", "They are stored as int8."),
        ("GPU", "It has two GPUs."),
        ("Is it Anthropic", "It is Anthropic\u2019s."),
        ("GPT-4", "It was made by GPT 4."),
        ("GPT-4", "It is made by GPT-4."),
        ("1,000", "There are 1000 rows."),
        ("128k", "There are 128,000 rows."),
        ("5", "There are five rows."),
        ("50%", "It is at 50 percent."),
        ("C++20", "It is in C++20, mostly."),
        ("gpt-4", "It is GPT-4-based."),
        ("is it GPUs", "It is a GPU."),
    ],
)
def test_a_name_or_figure_is_there_in_any_of_its_spellings(question, sentence):
    idf = dict.fromkeys(index_terms(question), 5.0)
    assert missing_from(question, sentence, idf=idf, text=f"# A\n\n{sentence}\n") == ()


@pytest.mark.parametrize(
    ("question", "sentence", "named"),
    [
        ("is it GPT-4?", "It is GPT-4o.", "GPT-4"),
        ("is it GPT-4?", "It is GPT-4-Turbo.", "GPT-4"),
        ("is it Python 3.1?", "It is Python 3.11.", "Python 3.1"),
        ("is it Python 3?", "It is Python 3.11.", "Python 3"),
        ("was it in 5?", "It was 256.", "5"),
        ("is it Mixtral?", "It is Mistral.", "Mixtral"),
    ],
)
def test_a_name_or_figure_is_not_there_where_only_what_is_like_it_is(question, sentence, named):
    idf = dict.fromkeys(index_terms(named), 5.0)
    assert missing_from(question, sentence, idf=idf, text=f"# A\n\n{sentence}\n") == (named,)


@pytest.mark.parametrize(
    "question", ["What Are Quantisation Weights", "WHAT ARE QUANTISATION BITS"]
)
def test_capitals_tell_no_names_where_most_words_have_them(question):
    assert missing_from(question, "8 bits", idf={"quantis": 5.0}) == ()


def test_a_thing_is_named_once_and_a_year_without_its_preposition():
    idf = {"layer": 5.0, "2024": 5.0, "sold": 5.0}
    missing = missing_from("how many layers sold in 2024", "8 bits", idf=idf)
    assert missing == ("2024", "a number of layers")


@pytest.mark.parametrize(
    ("question", "short"),
    [("when did Sonnet 4 come out", "22 May 2025"), ("when did Sonnet 4.5 come out", "")],
)
def test_no_short_answer_is_marked_where_something_is_missing(question, short, monkeypatch):
    models = replace(shipped(), all=replace(shipped().all, threshold=0.0))
    monkeypatch.setattr("ragqa.answering.judge.shipped", lambda: models)
    composed = compose(*found(question), EMBEDDER, Answering(excerpts=1, words=80))
    (answer,) = (citation.short_answer for citation in composed.citations)
    assert (answer.text if answer else "") == short
    assert bool(composed.missing) is not bool(short)


def test_nothing_is_missing_where_the_embedder_cannot_read_the_question():
    assert missing(read(asked("图书馆", readable=0.0), (), EMBEDDER), []) == ()


def certain_to(confidence):
    """Models that give each question this confidence."""
    logit = math.log(confidence / (1 - confidence))
    model = Model(("coverage",), (0.0,), (1.0,), (0.0,), logit, threshold=0.1)
    return Models(all=model, terms=model)


@pytest.mark.parametrize(
    ("question", "confidence", "answered"),
    [
        ("how do I quantize my apple trees?", 0.2, False),
        ("how do I quantize my apple trees?", 0.3, True),
        ("how is each weight of an apple stored?", 0.2, True),
        ("how is each weight stored?", 0.15, True),
    ],
)
def test_what_is_unlikely_to_answer_and_lacks_most_of_a_question_is_not_close(
    question, confidence, answered, monkeypatch
):
    monkeypatch.setattr("ragqa.answering.judge.shipped", lambda: certain_to(confidence))
    idf = {"quantiz": 2.0, "weight": 2.0, "store": 2.0, "appl": 3.0, "tree": 3.0}
    idf = {term: idf[term] for term in index_terms(question) if term in idf}
    said = compose(*found(question, idf=idf), EMBEDDER, Answering())
    assert said.answered is answered
    assert ("apple" in said.missing) is ("apple" in question)
    assert bool(said.text) is answered
