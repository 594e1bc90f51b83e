"""What an answer does not speak of, with the embedder that needs no model."""

import pytest

from ragqa.answering.candidates import candidates_of
from ragqa.answering.missing import missing
from ragqa.answering.reading import read
from ragqa.answering.scoring import score
from ragqa.embedders import embedder_for
from ragqa.notes import parse_note
from ragqa.passages import Chunking, split_note
from ragqa.types import Hit, Retrieved, Stamp

EMBEDDER = embedder_for("hashed:256", building=False)
NOTE = (
    "# Quantization\n\n"
    "Quantization stores each weight in 8 bits.\n\n"
    "DistilBERT is 40 percent smaller than BERT.\n\n"
    "Sonnet 4 came out on 22 May 2025.\n"
)


def missing_from(question, said, *, idf=None):
    """What of the question the sentence that says this does not speak of."""
    note = parse_note("note.md", NOTE, "0" * 64, Stamp(0, 0))
    (passage,) = split_note(
        note,
        chunking=Chunking(),
        window=EMBEDDER.info.window,
        count_tokens=EMBEDDER.count_tokens,
    )
    hits = (Hit(passage, 1.0, 0.5, 1.0),)
    found = Retrieved(question, hits, EMBEDDER.embed_query(question), idf or {}, False)
    reading = read(found, EMBEDDER)
    scored = score(reading, candidates_of(reading.hits))
    return missing(reading, [one for one in scored if said in one.candidate.text])


def test_a_rare_word_that_no_passage_has_is_named_as_the_question_writes_it():
    idf = {"int4": 5.0, "weight": 1.0}
    assert missing_from("INT4 weights", "8 bits", idf=idf) == ("INT4",)


def test_a_word_that_the_passage_has_is_not_named():
    assert missing_from("quantization bits", "8 bits", idf={"quantiz": 5.0, "bit": 5.0}) == ()


def test_a_misspelt_word_is_not_missing():
    assert missing_from("quantisation bits", "8 bits", idf={"quantis": 5.0, "bit": 5.0}) == ()


def test_a_common_word_is_not_named():
    idf = {"quantiz": 5.0, "zebra": 1.0}
    assert missing_from("quantization zebra", "8 bits", idf=idf) == ()


@pytest.mark.parametrize(
    ("question", "said", "expected"),
    [
        ("when was quantization invented", "8 bits", ("a date",)),
        ("how many layers does it have", "8 bits", ("a number of layers",)),
        ("when did it come out", "came out", ()),
        ("when did Sonnet 4.5 come out", "came out", ("a date for Sonnet 4.5",)),
        ("what percent is RoBERTa smaller", "40 percent", ("a number of percent for RoBERTa",)),
        ("why is it smaller", "40 percent", ()),
    ],
)
def test_what_is_asked_for_is_named_where_no_sentence_has_it(question, said, expected):
    assert missing_from(question, said) == expected


def test_nothing_is_missing_where_the_embedder_cannot_read_the_question():
    found = Retrieved("图书馆", (), EMBEDDER.embed_query("图书馆"), {}, by_terms_alone=True)
    assert missing(read(found, EMBEDDER), []) == ()
