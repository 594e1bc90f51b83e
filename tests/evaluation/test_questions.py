import json

import pytest
from cases import each_of

from ragqa.errors import UsageError
from ragqa.evaluation.questions import Gold, GoldQuestion, read_questions

ROW = {
    "id": "a-001",
    "question": "When does the bakery open?",
    "kind": "fact",
    "gold": [{"note": "bakery.md", "quote": "It opens at seven.", "part": 1}],
    "answer": ["seven"],
}


def written(tmp_path, *rows):
    """A file with a line for each row; a text is a line as it is."""
    path = tmp_path / "asked.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def without(key):
    return {k: v for k, v in ROW.items() if k != key}


def with_excerpts(*excerpts, **changes):
    return without("gold") | {"answer": [], "excerpts": list(excerpts)} | changes


def test_a_question_is_read_with_its_gold_and_answers(tmp_path):
    row = ROW | {
        "gold": [
            {"note": "bakery.md", "quote": "It opens at seven.", "part": 2},
            {"note": "a/river.md", "quote": "It is cold."},
        ],
        "answer": ["cold", "seven"],
    }
    [question] = read_questions(written(tmp_path, row))
    assert question == GoldQuestion(
        id="a-001",
        question="When does the bakery open?",
        kind="fact",
        gold=(Gold("bakery.md", "It opens at seven.", 2), Gold("a/river.md", "It is cold.", 1)),
        answer=("cold", "seven"),
    )
    assert question.parts == (1, 2)


@pytest.mark.parametrize("row", [without("answer"), ROW | {"answer": []}])
def test_answers_may_be_left_out_where_they_are_not_to_be_measured(tmp_path, row):
    [question] = read_questions(written(tmp_path, row))
    assert (question.answer, question.parts) == ((), (1,))


def test_excerpts_are_read_in_the_place_of_gold(tmp_path):
    rows = [
        with_excerpts(*ROW["gold"]),
        with_excerpts(id="n", kind="near"),
    ]
    asked, near = read_questions(written(tmp_path, *rows))
    assert asked.gold == (Gold("bakery.md", "It opens at seven."),)
    assert (asked.excerpts, asked.answer) == (True, ())
    assert (near.excerpts, near.gold, near.kind) == (True, (), "near")


def test_a_file_has_gold_or_excerpts_and_never_both(tmp_path):
    mixed = written(tmp_path, ROW, with_excerpts(*ROW["gold"], id="b"))
    with pytest.raises(
        UsageError, match=r"line 2 is not a question: some questions .* gold and some have excerpts"
    ):
        read_questions(mixed)


@each_of("bad_questions")
def test_a_line_that_is_no_question_is_named_with_the_reason(tmp_path, bad, reason):
    with pytest.raises(UsageError, match=reason) as raised:
        read_questions(written(tmp_path, ROW | {"id": "first"}, bad))
    assert f"{tmp_path / 'asked.jsonl'}, line 2 is no" in raised.value.message
    assert '"gold"' in raised.value.hint


def test_a_file_that_is_not_there_is_named_with_the_way_to_name_one(tmp_path):
    with pytest.raises(UsageError, match=r"none\.jsonl cannot be read: No such file") as raised:
        read_questions(tmp_path / "none.jsonl")
    assert raised.value.hint.endswith("ragqa eval --questions FILE")


def test_a_file_without_a_question_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"there are no questions in .*asked\.jsonl"):
        read_questions(written(tmp_path, "\n \n"))
