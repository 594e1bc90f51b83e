"""What an answer does not speak of, with the embedder that needs no model."""

import pytest
from cases import each_of
from certain import certain_to
from excerpting import asked, passages_of
from msgspec.structs import replace

from ragqa.answering import Answering, Notes, compose
from ragqa.answering.judge import shipped
from ragqa.answering.missing import missing
from ragqa.answering.score import read, score
from ragqa.answering.sentences import candidates_of
from ragqa.embedders import embedder_for
from ragqa.text.words import index_terms
from ragqa.types import Hit

EMBEDDER = embedder_for("hashed:256", building=False)
NOTE = (
    "# Quantization\n\n"
    "Quantization stores each weight in 8 bits.\n\n"
    "DistilBERT is 40 percent smaller than BERT.\n\n"
    "Sonnet 4 came out on 22 May 2025.\n"
)


def found(question, *, idf=None, text=NOTE, **more):
    """The question, and the one passage of a note."""
    (passage,) = passages_of(text)
    more |= {"vectors": EMBEDDER.embed_query(question)}
    return asked(question, idf=idf, **more), (Hit(passage, 1.0, 0.5, 1.0),)


def missing_from(question, said, *, idf, text, **more):
    """What of the question the sentence that says this does not speak of."""
    reading = read(*found(question, idf=idf, text=text, **more), EMBEDDER)
    scored = score(reading, candidates_of(reading.hits))
    lacking, _ = missing(reading, [one for one in scored if said in one.text], Notes())
    return [*lacking.unsaid, *filter(None, [lacking.not_there])]


@each_of("missing")
def test_what_the_shown_sentence_has_in_no_spelling_is_missing(
    question, note, said, idf, german, missing
):
    read_in = {"languages": ("de",), "readable": 0.5} if german else {}
    assert missing_from(question, said, idf=idf, text=note, **read_in) == missing


@pytest.mark.parametrize(
    ("question", "short"),
    [("when did Sonnet 4 come out", "22 May 2025"), ("when did Sonnet 4.5 come out", "")],
)
def test_no_short_answer_is_marked_where_something_is_missing(question, short, monkeypatch):
    models = {"all": replace(shipped()["all"], threshold=0.0)}
    monkeypatch.setattr("ragqa.answering.judge.shipped", lambda: models)
    idf = {"sonnet": 3.0, "4": 1.0, "5": 1.0}
    composed = compose(*found(question, idf=idf), EMBEDDER, Answering(excerpts=1, words=80), None)
    (answer,) = (citation.short_answer for citation in composed.citations)
    assert (answer.text if answer else "") == short
    assert bool(composed.missing) is not bool(short)


def test_nothing_is_missing_where_the_embedder_cannot_read_the_question():
    lacking, places = missing(read(asked("图书馆", readable=0.0), (), EMBEDDER), [], Notes())
    assert (bool(lacking), places) == (False, [])


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
    said = compose(*found(question, idf=idf), EMBEDDER, Answering(), None)
    assert said.answered is answered
    assert ("apple" in said.missing.unsaid) is ("apple" in question)
    assert bool(said.text) is answered
