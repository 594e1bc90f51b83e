"""The real model over the real corpus: do questions find the note that answers them?"""

import json
from pathlib import Path

import pytest
from support import CORPUS

import ragqa

QUESTIONS = [
    json.loads(line)
    for line in (Path(__file__).parent / "ranking" / "questions.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]


@pytest.fixture(scope="module")
def wiki(wiki_index):
    with ragqa.open_index(CORPUS, index=wiki_index) as index:
        yield index


@pytest.fixture(scope="module")
def ranks(wiki):
    """For each question the rank of its note among the hits, from 1; None where it is not there."""
    found = {}
    for row in QUESTIONS:
        paths = [hit.passage.path for hit in wiki.search(row["question"]).hits]
        found[row["question"]] = paths.index(row["note"]) + 1 if row["note"] in paths else None
    return found


@pytest.mark.parametrize("row", QUESTIONS, ids=lambda row: row["question"][:40])
def test_a_gold_quote_still_stands_in_its_note(row):
    assert row["quote"] in (CORPUS / row["note"]).read_text(encoding="utf-8")


def test_there_are_enough_questions():
    assert len({row["question"] for row in QUESTIONS}) >= 25


def test_nine_questions_in_ten_find_their_note_among_the_first_five_passages(ranks):
    missed = [question for question, rank in ranks.items() if rank is None]
    assert len(missed) <= len(QUESTIONS) // 10, missed


def test_two_questions_in_three_find_their_note_first(ranks):
    not_first = {question: rank for question, rank in ranks.items() if rank != 1}
    assert len(not_first) <= len(QUESTIONS) // 3, not_first


def test_the_question_of_the_readme_is_answered_from_the_decision_framework(wiki):
    answer = wiki.ask("when should I fine-tune?")
    assert answer.citations[0].path == "fine-tuning/decision-framework.md"
    assert answer.text.startswith("Fine-tune when")


@pytest.mark.parametrize(
    "question",
    [
        "how do I prune roses in winter?",
        "best pizza dough recipe",
        "who won the 1998 football world cup?",
        "how do I change the oil of a car?",
    ],
)
def test_what_the_notes_do_not_touch_is_not_answered(wiki, question):
    answer = wiki.ask(question)
    assert not answer.answered
    assert answer.citations == ()
    assert answer.hits
