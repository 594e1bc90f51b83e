"""Confidence: the models and the verdict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.answering.judge import shipped
from ragqa.types import Verdict, verdict_of
from ragqa.types.answers import SURE_FROM

FEATURES = sorted({name for model in shipped().values() for name in model.features})


@given(st.fixed_dictionaries({name: st.floats(-1e6, 1e6) for name in FEATURES}))
def test_a_probability_is_one_whatever_the_features_are(features):
    for model in shipped().values():
        assert 0 < model.threshold < 0.5
        assert 0 < model.probability(features) < 1


@pytest.mark.parametrize(
    ("confidence", "missing", "answered", "verdict"),
    [
        (SURE_FROM, (), True, Verdict.ANSWERED),
        (SURE_FROM - 0.01, (), True, Verdict.CLOSE),
        (0.9, ("INT4",), True, Verdict.CLOSE),
        (0.1, ("INT4",), False, Verdict.NOT_IN_NOTES),
    ],
)
def test_a_verdict_is_close_where_something_is_missing_or_it_is_not_sure(
    confidence, missing, answered, verdict
):
    assert verdict_of(confidence, missing, answered=answered) is verdict
