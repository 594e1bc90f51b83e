"""The golden set that comes with ragqa, held against the notes it is about."""

from pathlib import Path

from saying import plain_text
from support import CORPUS

from ragqa.evaluation.measures import answer_found
from ragqa.evaluation.questions import read_questions

EVAL = Path(__file__).parents[2] / "eval"
HALVES = [read_questions(EVAL / name) for name in ("questions.jsonl", "questions-tune.jsonl")]
QUESTIONS = [question for half in HALVES for question in half]
UNANSWERED = ("near", "far")


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


def test_no_gold_is_shared_by_the_files():
    test, tune = ({(gold.note, gold.quote) for q in half for gold in q.gold} for half in HALVES)
    assert not test & tune
