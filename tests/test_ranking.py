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


def test_most_questions_find_their_note_first_and_nine_in_ten_among_the_first_five(wiki):
    ranks = []
    for row in QUESTIONS:
        paths = [hit.passage.path for hit in wiki.search(row["question"]).hits]
        ranks.append(paths.index(row["note"]) if row["note"] in paths else 99)
    assert sum(rank > 5 for rank in ranks) <= len(QUESTIONS) // 10
    assert sum(rank > 0 for rank in ranks) <= len(QUESTIONS) // 3


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
