import pytest

from ragqa.errors import BelowTarget, UsageError
from ragqa.evaluation.summary import check_targets, parse_target

EVALUATION = {
    "dataset": "questions",
    "queries": 10,
    "partial": False,
    "methods": {
        "hybrid": {"ndcg@10": 0.8, "recall@5": 0.95},
        "dense": {"ndcg@10": 0.7, "recall@5": 0.9},
    },
    "shown@1": 0.6,
}


def check(*texts):
    check_targets(EVALUATION, [parse_target(text) for text in texts])


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("recall@5=0.95", ("hybrid.recall@5", 0.95)),
        ("hybrid.recall@5=0.95", ("hybrid.recall@5", 0.95)),
        ("dense.ndcg@10= 1", ("dense.ndcg@10", 1.0)),
    ],
)
def test_a_target_is_a_measure_and_the_least_it_may_be(text, target):
    assert parse_target(text) == target


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("recall@5", "'recall@5' has no number", "recall@5=0.95"),
        ("recall@5=high", "'recall@5=high' has no number", "recall@5=0.95"),
        ("recall@4=0.5", "there is no measure 'recall@4'; there are: ndcg@10, ", ""),
        ("other.recall@5=1", "terms.mrr@10, shown@1, shown@3, good, good@3", ""),
        # Of these less is better.
        ("noise=0.1", "there is no measure 'noise'", ""),
        ("wrong=0.1", "there is no measure 'wrong'", ""),
    ],
)
def test_a_target_without_a_number_or_for_what_is_no_measure_is_told(text, said, hint):
    with pytest.raises(UsageError) as raised:
        parse_target(text)
    assert said in raised.value.message
    assert hint in (raised.value.hint or "")


def test_targets_that_are_reached_raise_nothing():
    check("recall@5=0.95", "ndcg@10=0.5", "dense.recall@5=0.9", "shown@1=0.6")
    with pytest.raises(BelowTarget):
        check("recall@5=nan")


def test_every_target_that_is_not_reached_is_named_with_its_figures():
    with pytest.raises(BelowTarget) as raised:
        check("recall@5=0.96", "ndcg@10=0.8", "shown@1=0.75")
    assert raised.value.message == (
        "hybrid.recall@5 is 0.9500, below 0.96; shown@1 is 0.6000, below 0.75"
    )
    assert raised.value.exit_code == 1


@pytest.mark.parametrize("name", ["good", "shown@3", "terms.recall@5"])
def test_a_target_that_no_question_was_there_for_is_named(name):
    with pytest.raises(UsageError) as raised:
        check("recall@5=0", f"{name}=0")
    assert raised.value.message == f"there was no question to measure {name} on"
