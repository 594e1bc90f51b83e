import json

import pytest
from cases import each_of

from ragqa.errors import UsageError
from ragqa.evaluation.measures import ANSWER_MEASURES
from ragqa.evaluation.summary import compare, read_evaluation


def row(id_, recall=1.0, *, missed=None, answer=None, answered=None, **more):
    """A question of an evaluation; `missed` is the stage that lost it.

    `answer` has shown@1 and shown@3.
    """
    found = {
        "id": id_,
        "question": f"What of {id_}?",
        "hybrid": {"recall@5": recall, "ndcg@10": recall / 2},
        "ranks": {"hybrid": [1]},
        "missed": missed and {"stage": missed},
    }
    if answer is not None:
        found |= dict(zip(ANSWER_MEASURES, answer, strict=True))
    if answered is not None:
        found["answered"] = answered
    return found | more


def evaluation(*rows, **more):
    about = {"version": 1, "dataset": "questions", "mode": "questions"}
    return about | {"questions": list(rows)} | more


def saved(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return path


def test_questions_are_paired_by_id_and_wording_whatever_their_order():
    a = evaluation(*(row(id_, 0.0) for id_ in "abcdf"))
    b = evaluation(*(row(id_, 1.0) for id_ in "edcb"), row("f", question="Something else?"))
    found = compare(a, b)
    assert (found["paired"], found["only_in_a"], found["only_in_b"]) == (3, 2, 2)
    assert found["measures"]["hybrid.recall@5"]["questions"] == 3


def test_evaluations_without_a_question_in_common_cannot_be_compared():
    with pytest.raises(UsageError, match="no question in common") as raised:
        compare(evaluation(row("a")), evaluation(row("b")))
    assert "the same questions" in raised.value.hint


def test_a_difference_is_that_of_b_less_a():
    a = evaluation(row("a", 0.5), row("b", 1.0), row("c", 0.0), row("d", 0.25))
    b = evaluation(row("a", 1.0), row("b", 0.5), row("c", 1.0), row("d", 0.25))
    found = compare(a, b)["measures"]
    one = found["hybrid.recall@5"]
    assert (one["questions"], one["better"], one["worse"]) == (4, 2, 1)
    assert (one["a"], one["b"], one["difference"]) == (0.4375, 0.6875, 0.25)
    assert one["interval"][0] < 0.25 < one["interval"][1]
    # Of the 8 ways to swap the pairs that differ, 0.5, 0.5 and 1, only 2 come to less than 1.
    assert one["p"] == pytest.approx(6 / 8, abs=0.02)
    assert found["hybrid.ndcg@10"]["difference"] == 0.125


def test_an_evaluation_does_not_differ_from_itself():
    same = evaluation(row("a", 0.5, answer=[1, 1], answered=True), row("b", missed="dense"))
    found = compare(same, same)
    assert found["flipped"] == []
    for one in found["measures"].values():
        assert (one["difference"], one["interval"], one["p"]) == (0, [0, 0], 1)
        assert (one["better"], one["worse"]) == (0, 0)


def test_a_measure_is_compared_on_the_questions_that_have_it_in_both():
    a = evaluation(row("a", answer=[0, 1]), row("b", answer=[0, 0]), row("c"))
    b = evaluation(row("a", answer=[1, 1]), row("b"), row("c"), row("d"))
    found = compare(a, b)["measures"]
    assert found["shown@1"]["questions"] == 1
    assert [found[name]["difference"] for name in ANSWER_MEASURES] == [1, 0]
    assert found["hybrid.recall@5"]["questions"] == 3
    assert "dense.recall@5" not in found


def test_an_answer_that_only_one_of_them_shows_or_gives_is_a_flip_told_with_its_question():
    a = evaluation(row("a", answer=[0, 0.5]), row("b", answered=True), row("c"))
    b = evaluation(row("a", answer=[0, 1]), row("b", answered=False), row("c", answer=[0, 0]))
    assert compare(a, b)["flipped"] == [
        {"id": "a", "question": "What of a?", "what": "shown", "a": False, "b": True},
        {"id": "b", "question": "What of b?", "what": "answered", "a": True, "b": False},
    ]


def test_an_evaluation_is_read_as_it_was_printed(tmp_path):
    document = evaluation(row("é\u2028"), settings={"candidates": 200})
    assert read_evaluation(saved(tmp_path, document)) == document


@each_of("no_evaluations")
def test_a_file_that_is_no_evaluation_is_named_with_how_to_make_one(tmp_path, text):
    path = saved(tmp_path, text)
    with pytest.raises(UsageError) as raised:
        read_evaluation(path)
    assert raised.value.message.startswith(f"{path} is not an evaluation: ")
    assert "ragqa eval --json" in raised.value.hint


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"none\.json is not an evaluation: No such file"):
        read_evaluation(tmp_path / "none.json")


@pytest.mark.parametrize(
    "rows",
    [
        7,
        [{}],
        *([row("a") | change] for change in ({"hybrid": None}, {"hybrid": {"recall@5": "high"}})),
    ],
)
def test_what_no_evaluation_prints_is_no_crash(rows):
    with pytest.raises(UsageError, match="not as ragqa eval --json printed them") as raised:
        compare(evaluation() | {"questions": rows}, evaluation(row("a", answer=[0, 0])))
    assert "ragqa eval --json" in raised.value.hint


def quoted(id_, coverage, noise, **more):
    return row(id_, coverage=coverage, noise=noise, good=coverage >= 0.7 and noise <= 0.5, **more)


def test_of_noise_less_is_better_and_of_coverage_more_is():
    a = evaluation(quoted("a", 0.5, 0.2), quoted("b", 0.8, 0.6), quoted("c", 1.0, 0.1))
    b = evaluation(quoted("a", 0.9, 0.4), quoted("b", 0.8, 0.1), quoted("c", 0.9, 0.0))
    found = compare(a, b)["measures"]
    assert [(found[name]["better"], found[name]["worse"]) for name in ("coverage", "noise")] == [
        (1, 1),
        (2, 1),
    ]
    assert found["noise"]["difference"] == pytest.approx(-0.1333, abs=1e-4)
    assert (found["good"]["a"], found["good"]["b"]) == (0.3333, 1.0)
