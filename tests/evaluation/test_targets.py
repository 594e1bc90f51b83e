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


@pytest.mark.parametrize("text", ["recall@5", "recall@5=high", "recall@5=0.9=1"])
def test_a_target_without_a_number_is_quoted_with_an_example(text):
    with pytest.raises(UsageError, match="has no number") as raised:
        parse_target(text)
    assert repr(text) in raised.value.message
    assert "recall@5=0.95" in raised.value.hint


@pytest.mark.parametrize("name", ["", "recall@4", "other.recall@5"])
def test_a_target_for_what_is_no_measure_lists_those_that_there_are(name):
    with pytest.raises(UsageError) as raised:
        parse_target(f"{name}=0.5")
    assert raised.value.message.startswith(f"there is no measure {name!r}; there are: ndcg@10, ")
    assert "terms.mrr@10, shown@1, shown@3, good, good@3" in raised.value.message


@pytest.mark.parametrize("name", ["noise", "wrong"])
def test_there_are_no_targets_for_measures_of_which_less_is_better(name):
    with pytest.raises(UsageError, match=f"there is no measure '{name}'"):
        parse_target(f"{name}=0.1")


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
