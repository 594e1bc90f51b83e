"""Fitting confidence: numbers only."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.answering.confidence import shipped
from ragqa.evaluation import statistics
from ragqa.evaluation.calibrating.examples import Example, ExampleKind, everyday_questions
from ragqa.evaluation.calibrating.fitting import (
    ASSUMED_ANSWERABLE,
    MAX_OFF_TOPIC,
    MAX_WITHHELD,
    PENALTY,
    Mixture,
    answerable,
    answered,
    answering_threshold,
    cross_validated,
    probabilities,
    quality,
    raise_threshold,
    refit,
)
from ragqa.evaluation.questions import read_questions
from ragqa.types import SURE_FROM

MODEL = shipped().all
GOLDEN = Path(__file__).parent.parent.parent / "eval" / "questions.jsonl"


def at(deviations, kind, question):
    """An example whose features are so many deviations above their means."""
    columns = zip(MODEL.names, MODEL.means, MODEL.deviations, strict=True)
    features = {name: mean + deviations * deviation for name, mean, deviation in columns}
    return Example(question, kind, features)


def examples(count=60, *, seed=1, unanswerable=0, shift=0.0):
    """Questions with their near misses and everyday ones, told apart by and large."""
    rng = random.Random(seed)  # noqa: S311 - test data, not secrets
    found = []
    for n in range(count):
        found.append(at(rng.gauss(0.5 + shift, 0.7), ExampleKind.ANSWERABLE, f"question {n}"))
        found.append(at(rng.gauss(-0.4 + shift, 0.7), ExampleKind.NEAR, f"question {n}"))
        found.append(at(rng.gauss(-1.5 + shift, 0.4), ExampleKind.EVERYDAY, f"everyday {n}"))
    found += [
        at(rng.gauss(-0.5, 0.7), ExampleKind.UNANSWERABLE, f"without {n}")
        for n in range(unanswerable)
    ]
    return found


def penalised(model, found, weights):
    logits = np.array([np.log(p / (1 - p)) for p in probabilities(model, found)])
    away = np.array([*model.weights, model.intercept]) - [*MODEL.weights, MODEL.intercept]
    losses = np.logaddexp(0, logits) - answerable(found) * logits
    return float(weights @ losses + PENALTY * away @ away)


@trying(25)
@given(seed=st.integers(0, 99), count=st.integers(2, 40), shift=st.floats(-1.5, 1.5))
def test_a_refitted_model_fits_at_least_as_well_as_the_shipped_one(seed, count, shift):
    found = examples(count, seed=seed, shift=shift)
    weights = Mixture.of(found).weights(found)
    fitted = refit(MODEL, found, weights)
    assert penalised(fitted, found, weights) <= penalised(MODEL, found, weights) + 1e-6
    assert (fitted.names, fitted.means, fitted.deviations) == (
        MODEL.names,
        MODEL.means,
        MODEL.deviations,
    )


def test_a_strong_pull_leaves_the_model_and_few_examples_move_it_less_than_many():
    found = examples(60, shift=-1.0)
    weights = Mixture.of(found).weights(found)

    def moved(**how):
        scale = how.pop("scale", 1.0)
        fitted = refit(MODEL, found, weights * scale, **how)
        return abs(fitted.intercept - MODEL.intercept)

    assert moved(penalty=1e9) < 1e-4
    assert 0 < moved(scale=0.1) < moved() < moved(scale=10)


def test_where_everything_is_answered_with_too_little_confidence_it_rises():
    found = examples(60, shift=-1.0)
    fitted = refit(MODEL, found, Mixture.of(found).weights(found))
    yes = answerable(found) == 1
    assert probabilities(fitted, found)[yes].mean() > probabilities(MODEL, found)[yes].mean()


def test_the_order_of_examples_does_not_matter():
    found = examples(30)
    turned = found[::-1]
    one, other = (refit(MODEL, rows, Mixture.of(rows).weights(rows)) for rows in (found, turned))
    assert one.weights == pytest.approx(other.weights, abs=1e-3)


@pytest.mark.parametrize("unanswerable", [0, 9, 10, 40])
def test_examples_count_as_many_as_the_questions_and_the_answerable_share_is_kept(unanswerable):
    found = examples(30, unanswerable=unanswerable)
    mixture = Mixture.of(found)
    weights = mixture.weights(found)
    assert weights.sum() == pytest.approx(30 + unanswerable)
    share = weights[answerable(found) == 1].sum() / weights.sum()
    assert share == pytest.approx(mixture.answerable)
    assert mixture.is_own == (unanswerable >= 10)
    assert share == pytest.approx(
        30 / (30 + unanswerable) if mixture.is_own else ASSUMED_ANSWERABLE
    )


def test_a_few_unanswerable_questions_among_very_many_are_no_statement_of_how_often():
    assert not Mixture.of(examples(100, unanswerable=12)).is_own


def test_kinds_that_are_not_there_leave_their_share_to_the_others():
    found = [one for one in examples(30) if one.kind is not ExampleKind.EVERYDAY]
    weights = Mixture.of(found).weights(found)
    assert weights[answerable(found) == 0].sum() / weights.sum() == pytest.approx(
        1 - ASSUMED_ANSWERABLE
    )


def test_what_is_said_of_a_question_comes_from_a_model_that_saw_neither_it_nor_its_near_miss():
    found = examples(30)
    mixture = Mixture.of(found)
    before = cross_validated(MODEL, found, mixture, seed=7)
    twin = next(i for i, one in enumerate(found) if one.kind is ExampleKind.NEAR)
    spoilt = [*found]
    spoilt[twin] = at(9.0, ExampleKind.NEAR, found[twin].question)
    after = cross_validated(MODEL, spoilt, mixture, seed=7)
    (itself,) = (
        i for i, one in enumerate(found) if one.question == found[twin].question and i != twin
    )
    assert after[itself] == before[itself]
    assert np.abs(after - before).max() > 0.001


@trying(40)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=80))
def test_at_most_a_tenth_of_answerable_questions_is_below_the_threshold(confidence):
    found = [at(0, ExampleKind.ANSWERABLE, str(n)) for n in range(len(confidence))]
    threshold = answering_threshold(np.array(confidence), found)
    assert np.mean([c < threshold for c in confidence]) <= MAX_WITHHELD
    # It is rounded to four places.
    assert np.mean([c < threshold + 0.0002 for c in confidence]) > MAX_WITHHELD


@trying(25)
@given(seed=st.integers(0, 99), shift=st.floats(-2, 2))
def test_made_questions_raise_the_threshold_at_most_so_far_that_they_are_answered(seed, shift):
    found = examples(40, seed=seed, shift=shift)
    threshold = raise_threshold(MODEL, found)
    assert MODEL.threshold <= threshold <= SURE_FROM
    if threshold > MODEL.threshold:
        confidence = probabilities(MODEL, found)
        assert (confidence[answerable(found) == 1] >= threshold).mean() >= 1 - MAX_WITHHELD
        everyday = confidence[[one.kind is ExampleKind.EVERYDAY for one in found]]
        assert (everyday >= MODEL.threshold).mean() > MAX_OFF_TOPIC


def test_where_no_everyday_question_is_left_the_threshold_stays():
    found = [one for one in examples(30, shift=2.0) if one.kind is not ExampleKind.EVERYDAY]
    assert raise_threshold(MODEL, found) == MODEL.threshold


def test_with_equal_weights_quality_is_what_the_evaluation_measures():
    found = examples(40)
    confidence, y = probabilities(MODEL, found), answerable(found) == 1
    told = quality(confidence, found, np.ones(len(found)))
    assert told["auroc"] == pytest.approx(statistics.auroc(confidence, y), abs=1e-4)
    assert told["ece"] == pytest.approx(statistics.calibration(confidence, y), abs=1e-4)
    for name in ("auroc", "ece"):
        low, high = told[f"{name}_interval"]
        assert low <= high
    assert [one["questions"] for one in told["reliability"]] == [
        one.questions for one in statistics.reliability(confidence, y)
    ]


def test_an_example_that_counts_double_is_as_good_as_two():
    found = examples(20)
    weights = np.array([1.0 + (n % 2) for n in range(len(found))])
    twice = [one for one, weight in zip(found, weights, strict=True) for _ in range(int(weight))]
    one = quality(probabilities(MODEL, found), found, weights)
    other = quality(probabilities(MODEL, twice), twice, np.ones(len(twice)))
    assert (one["auroc"], one["ece"]) == (other["auroc"], other["ece"])


def test_an_answer_that_is_not_given_has_no_confidence_to_count_either():
    found = examples(30)
    confidence = probabilities(MODEL, found)
    for told in answered(confidence, 0.9, found).values():
        assert told["confident"] == told["answered"]


def test_everyday_questions_are_many_all_different_and_none_of_those_it_is_measured_on():
    questions = everyday_questions()
    assert len(questions) >= 60
    assert len(set(questions)) == len(questions)
    golden = {question.question for question in read_questions(GOLDEN)}
    assert golden.isdisjoint(questions)


def test_a_model_with_a_fitted_threshold_is_else_the_shipped_one():
    found = examples(40, shift=1.0)
    raised = replace(MODEL, threshold=raise_threshold(MODEL, found))
    assert raised.threshold > MODEL.threshold
    assert (probabilities(raised, found) == probabilities(MODEL, found)).all()
