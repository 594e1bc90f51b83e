"""Making a follow-up stand alone by rule."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import INFO, make_answer

from ragqa.chatting import Exchange, context, needs_context
from ragqa.chatting import completed as completed_from
from ragqa.search.question import MAX_QUESTION_BYTES, clean_question
from ragqa.text.words import query_terms
from ragqa.types import Hit, Passage, Pieces


def answered(question, heading=(), quote=""):
    """An answer that cites one passage."""
    return make_answer(question=question, heading=heading, quote=quote)


LORA = answered(
    "what is LoRA exactly?",
    ("Low-rank adaptation", "How LoRA works"),
    "LoRA freezes the weights and trains two small matrices.",
)


class Snapshot:
    """As much of a snapshot as the rule asks: terms that it does not know are rare."""

    info = replace(INFO, passages=100)

    def __init__(self, idf=None, languages=None):
        self._idf = idf or {}
        self.info = replace(self.info, languages=languages or {})

    def idf(self, terms):
        return {term: self._idf.get(term, 4.0) for term in terms}


def found(score=0.0, heading="Something", idf=None):
    """Retrieval that finds one passage with this score below this heading."""

    def find(question):
        passage = Passage(
            1, 1, "a.md", "Notes", 0, 1, (1, 1), ("Notes", heading), "x", (), "0" * 64
        )
        hits = (Hit(passage, score, None, None),)
        return Snapshot(idf).idf(query_terms(question)), hits

    return find


def completed(question, turn=LORA, *, find=None, snapshot=None):
    """The question as the rule has it asked."""
    snapshot = snapshot or Snapshot()
    if not needs_context(question, snapshot, find or found(score=1.0)):
        return question
    return completed_from(question, turn, snapshot)


@pytest.mark.parametrize(
    "question",
    [
        "does it need labelled data?",
        "how many of them are there?",
        "and for long documents?",
        "what about QLoRA?",
        "why?",
        "what learning rate then?",
        "is there a better method?",
    ],
)
def test_a_question_that_refers_back_or_goes_on_takes_what_it_is_about(question):
    assert completed(question).startswith(question)
    assert completed(question).endswith("(LoRA)")


@pytest.mark.parametrize(
    "question",
    [
        "when should I use prompt caching?",
        "is BM25 better than embeddings?",
        "does the text of a reasoning model show how it got to the answer?",
    ],
)
def test_a_question_that_stands_alone_stays_as_it_is(question):
    assert completed(question) == question


def test_a_whole_question_takes_something_only_if_the_notes_have_nothing_for_it_as_it_is():
    question = "what training data is needed?"
    assert completed(question, find=found(score=0.9)) == question
    assert completed(question, find=found(score=0.3)) == f"{question} (LoRA)"


def test_a_whole_question_that_names_a_heading_by_a_rare_word_takes_nothing():
    question = "how does DPO work?"
    headed = found(score=0.3, heading="DPO and its relatives", idf={"work": 1.0})
    assert completed(question, find=headed) == question
    common = found(score=0.3, heading="DPO and its relatives", idf={"work": 1.0, "dpo": 1.0})
    assert completed(question, find=common) == f"{question} (LoRA)"


def test_a_whole_question_with_a_word_that_no_note_has_is_on_something_else():
    unheard = math.log1p((Snapshot.info.passages + 0.5) / 0.5)
    once = math.log1p((Snapshot.info.passages - 0.5) / 1.5)
    question = "how do I prune roses?"
    assert completed(question, find=found(score=0.2, idf={"rose": unheard})) == question
    assert completed(question, find=found(score=0.2, idf={"rose": once})) == f"{question} (LoRA)"
    assert completed("and roses?", find=found(idf={"rose": unheard})) == "and roses? (LoRA)"


def test_of_the_words_before_the_rare_ones_that_the_cited_notes_speak_of_are_taken():
    turn = answered(
        "how large do judges say that golden sets should be for a chatbot?",
        ("Golden sets", "Size"),
        "A set should be large enough.",
    )
    snapshot = Snapshot({"larg": 1.0, "golden": 5.0, "set": 3.0})
    assert completed("why?", turn, snapshot=snapshot) == "why? (golden, sets)"


def test_where_the_cited_notes_have_other_words_their_heading_is_taken():
    turn = answered("does saying please help?", ("Prompting", "Politeness"), "It does not.")
    assert completed("why?", turn) == "why? (Politeness)"


def test_nothing_is_taken_twice():
    assert completed("and does LoRA need a GPU?") == "and does LoRA need a GPU?"


def test_a_question_that_would_become_too_long_stays_as_it_is():
    question = "and " + "x" * (MAX_QUESTION_BYTES - 4)
    assert completed(question) == question


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)


@given(
    WORDS.filter(lambda text: any(c.isalnum() for c in text)),
    WORDS,
    st.lists(WORDS, max_size=3).map(tuple),
    WORDS,
    st.floats(0, 2),
)
def test_whatever_was_said_it_is_the_question_with_little_behind_it(
    question, before, heading, quote, score
):
    question = clean_question(question)
    turn = answered(before, heading, quote)
    told = completed(question, turn, find=found(score=score))
    assert told.startswith(question)
    assert len(told) <= len(question) + 200
    assert "\n" not in told


def test_english_forms_refer_back_in_english_alone():
    found_all = found(score=1.0)
    german = Snapshot(languages={"de": Pieces()})
    assert needs_context("so its labelled data", Snapshot(), found_all)
    assert not needs_context("so its labelled data", german, found_all)
    assert needs_context("und warum?", german, found_all)


# What a follow-up may lean on

NO_ANSWER = {"answered": False, "citations": (), "text": ""}


def test_a_follow_up_leans_on_what_was_answered_since_a_question_without_an_answer_stood_alone():
    lora = Exchange("what is LoRA?", answered("what is LoRA?"))
    other = Exchange("who founded Anthropic?", answered("who founded Anthropic?"))
    leaning = Exchange("why?", make_answer(question="why? (LoRA)", **NO_ANSWER))
    alone = Exchange(
        "how do I prune roses?", make_answer(question="how do I prune roses?", **NO_ANSWER)
    )
    assert context([]) == []
    assert context([lora, other]) == [lora, other]
    assert context([lora, leaning]) == [lora]
    assert context([lora, alone]) == []
    assert context([lora, alone, other]) == [other]
