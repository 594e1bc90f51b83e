"""Making a follow-up stand alone by rule."""

from dataclasses import replace

from cases import each_of
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


def passage(title, heading, text):
    return Passage(1, 1, "a.md", title, 0, 1, (1, 1), (title, heading), text, (), "0" * 64)


PASSAGES = [
    passage("Garage", "Contract", "The rent of the garage is 85 euros."),
    passage("LoRA", "QLoRA", "QLoRA has its weights in 4 bits."),
]


class Snapshot:
    """As much of a snapshot as the rule asks: terms that it does not know are rare."""

    info = replace(INFO, passages=100)

    def __init__(self, idf=None, languages=None):
        self._idf = idf or {}
        self.info = replace(self.info, languages=languages or {})

    def idf(self, terms):
        return {term: self._idf.get(term, 4.0) for term in terms}

    def terms(self, *_):
        return [(at, 1.0) for at in range(len(PASSAGES))]

    def passages(self, ids):
        return [PASSAGES[at] for at in ids]


def found(score=0.0, heading="Something", idf=None):
    """Retrieval that finds one passage with this score below this heading."""

    def find(question):
        hits = (Hit(passage("Notes", heading, "x"), score, None, None),)
        return Snapshot(idf).idf(query_terms(question)), hits

    return find


def completed(question, turn=LORA, *, find=None, snapshot=None):
    """The question as the rule has it asked."""
    snapshot = snapshot or Snapshot()
    if not needs_context(question, turn, snapshot, find or found(score=1.0)):
        return question
    return completed_from(question, turn, snapshot)


@each_of("followups")
def test_a_question_that_refers_back_or_finds_nothing_as_it_is_takes_what_it_is_about(
    question, score, heading, idf, takes
):
    told = completed(question, find=found(score, heading, idf))
    assert told == f"{question} {takes}".strip()


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
    assert needs_context("so its labelled data", LORA, Snapshot(), found_all)
    assert not needs_context("so its labelled data", LORA, german, found_all)
    assert needs_context("und warum?", LORA, german, found_all)


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
