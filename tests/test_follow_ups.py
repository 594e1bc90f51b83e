"""What a chat understands: its commands, and questions that lean on the one before."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from cases import each_of
from hypothesis import given
from hypothesis import strategies as st
from support import INFO, make_answer

from ragqa.follow_ups import COMMANDS, Exchange, command_in, completed, numbered, stand_alone
from ragqa.search.question import MAX_QUESTION_BYTES, clean_question
from ragqa.types import Passage, Pieces, Written, WrittenSentence


@pytest.mark.parametrize("name", COMMANDS)
def test_a_line_that_begins_with_a_command_is_one(name):
    assert command_in(f" {name} a b \n") == (name, "a b")
    assert command_in(name) == (name, "")


@pytest.mark.parametrize("line", ["what is /why?", "/etc/passwd holds what?", "why"])
def test_other_lines_are_questions(line):
    assert command_in(line) is None


def test_sources_are_numbered_throughout_a_chat():
    first = make_answer()
    none = replace(first, answered=False, citations=(), text="")
    sentences = (
        WrittenSentence("", ("As ", 1, " says, it is."), (1,)),
        WrittenSentence("", (), (1,)),
    )
    second = replace(first, written=Written("scripted:x", sentences))
    further = tuple(replace(first.citations[0], n=n) for n in (2, 3))
    first = replace(first, also=further)
    told = [one.answer for one in numbered([Exchange("?", one) for one in (first, none, second)])]
    said = [sentence.cited_text.strip() for sentence in told[2].written.sentences]
    assert said == ["As [4] says, it is.", "[4]"]
    assert [[c.n for c in (*one.citations, *one.also)] for one in told] == [[1, 2, 3], [], [4]]


def answered(question, heading=(), quote=None):
    """An answer whose source has all words of the question, unless a quote is given."""
    return make_answer(
        question=question, heading=heading, quote=question if quote is None else quote
    )


def unanswered(question):
    return make_answer(question=question, answered=False, citations=(), text="")


class Snapshot:
    """As much of a snapshot as the rule asks: notes about a garage, and how rare words are."""

    def __init__(self, idf=None, languages=None):
        self.info = replace(INFO, passages=100, languages=languages or {})
        self._idf = idf or {}

    def idf(self, terms):
        return {term: self._idf.get(term, 4.0) for term in terms}

    def best(self, *_):
        return [(0, 1.0)]

    def passages(self, _):
        text = "The rent of the garage is 85 euros by contract."
        return [Passage(1, 1, "a.md", "Garage", 0, 1, (1, 1), (), text, (), "0" * 64)]


@each_of("followups")
def test_a_question_takes_words_of_the_one_before_only_if_its_form_refers_to_it(
    before, question, asked
):
    assert completed(question, answered(before), Snapshot()) == asked


def test_of_the_words_before_the_rare_ones_that_the_cited_notes_speak_of_are_taken():
    turn = answered(
        "how large do judges say that golden sets should be for a chatbot?",
        ("Golden sets", "Size"),
        "A set should be large enough.",
    )
    snapshot = Snapshot({"larg": 1.0, "golden": 5.0, "set": 3.0})
    assert completed("why?", turn, snapshot) == "why? (golden, sets)"


def test_where_the_cited_notes_have_other_words_their_heading_is_taken():
    turn = answered("does saying please help?", ("Prompting", "Politeness"), "It does not.")
    assert completed("why?", turn, Snapshot()) == "why? (Politeness)"


def test_a_question_that_would_become_too_long_stays_as_it_is():
    question = "it " + "x" * (MAX_QUESTION_BYTES - 4)
    assert completed(question, answered("what is LoRA?"), Snapshot()) == question


def test_english_forms_refer_back_in_english_alone():
    german = Snapshot(languages={"de": Pieces()})
    before = answered("was kostet die Garage?")
    assert completed("so its labelled data", before, german) == "so its labelled data"
    assert completed("und warum?", before, german) == "und warum? (kostet, Garage)"


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)


@given(
    WORDS.filter(lambda text: any(c.isalnum() for c in text)),
    WORDS,
    st.lists(WORDS, max_size=3).map(tuple),
    WORDS,
)
def test_whatever_was_said_it_is_the_question_with_little_behind_it(
    question, before, heading, quote
):
    question = clean_question(question)
    told = completed(question, answered(before, heading, quote), Snapshot())
    assert told.startswith(question)
    assert len(told) <= len(question) + 200
    assert "\n" not in told


def test_a_follow_up_leans_on_what_was_answered_since_a_question_without_an_answer_stood_alone():
    lora = Exchange("what is LoRA?", answered("what is LoRA?"))
    other = Exchange("who founded Anthropic?", answered("who founded Anthropic?"))
    leaning = Exchange("why?", unanswered("why? (LoRA)"))
    alone = Exchange("how do I prune roses?", unanswered("how do I prune roses?"))
    for earlier, told in (
        ([], "why?"),
        ([lora, other], "why? (founded, Anthropic)"),
        ([lora, leaning], "why? (LoRA)"),
        ([lora, alone], "why?"),
        ([lora, alone, other], "why? (founded, Anthropic)"),
    ):
        assert stand_alone(SimpleNamespace(snapshot=Snapshot), "why?", earlier) == told
