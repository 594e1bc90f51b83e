"""The golden set that comes with ragqa, held against the notes it is about."""

from collections import Counter
from pathlib import Path

from saying import plain_text
from support import CORPUS

from ragqa.evaluation.measures import answer_found
from ragqa.evaluation.sets import read_questions

FILE = Path(__file__).parent.parent.parent / "eval" / "questions.jsonl"
QUESTIONS = read_questions(FILE)
UNANSWERED = ("near", "far")


def test_there_are_enough_questions_of_each_sort():
    kinds = Counter(question.kind for question in QUESTIONS)
    assert len(QUESTIONS) >= 200
    assert min(kinds["near"], kinds["far"]) >= 30
    assert all(count >= 15 for count in kinds.values())
    assert len({question.question.casefold() for question in QUESTIONS}) == len(QUESTIONS)


def test_every_kind_is_divided_about_evenly_between_tune_and_test():
    halves = Counter((question.kind, question.half) for question in QUESTIONS)
    for kind in {question.kind for question in QUESTIONS}:
        assert abs(halves[kind, "tune"] - halves[kind, "test"]) <= 5
    assert {half for _, half in halves} == {"tune", "test"}


def test_gold_quotes_stand_once_in_their_notes_and_hold_the_answer():
    texts = {
        gold.note: (CORPUS / gold.note).read_text("utf-8") for q in QUESTIONS for gold in q.gold
    }
    for question in QUESTIONS:
        assert bool(question.gold) == (question.kind not in UNANSWERED), question.id
        assert len(question.parts) == 2 or question.kind != "compare", question.id
        for gold in question.gold:
            assert texts[gold.note].count(gold.quote) == 1, f"{gold.note}: {gold.quote}"
            said = plain_text(gold.quote)
            assert answer_found([gold.quote, said], [question.answer[gold.part - 1]]), gold.quote


def test_no_gold_is_shared_by_the_halves():
    half_of = {}
    for question in QUESTIONS:
        for gold in question.gold:
            assert half_of.setdefault((gold.note, gold.quote), question.half) == question.half, gold
