"""Models of confidence of one's own: used where they fit, told of where they do not."""

import json
import os
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import INFO

from ragqa.answering.calibration_file import FILE, Calibration, Refitted, in_use, own_document
from ragqa.answering.confidence import FEATURES, shipped

EMBEDDER = INFO.embedder
DAY = date(2026, 3, 1)


def mine(threshold=0.4):
    return replace(shipped(), all=replace(shipped().all, threshold=threshold))


def document(embedder=EMBEDDER):
    return own_document(mine(), Refitted.WEIGHTS, embedder, day=DAY)


def write(folder, value):
    text = value if isinstance(value, str) else json.dumps(value)
    (folder / FILE).write_text(text, encoding="utf-8")


def changed(**of_all):
    found = document()
    found["models"]["all"] |= of_all
    return found


def test_without_a_file_the_shipped_models_are_used_and_nothing_is_said(tmp_path):
    found = in_use(tmp_path / "nowhere", EMBEDDER)
    assert (found.models, found.calibration, found.warnings) == (shipped(), "shipped", [])


def test_a_file_is_read_as_it_was_written(tmp_path):
    write(tmp_path, document())
    found = in_use(tmp_path, EMBEDDER)
    assert (found.models, found.calibration, found.date) == (mine(), "own", "2026-03-01")
    assert found.warnings == []
    assert "your own questions on 2026-03-01" in found.source


def test_the_name_of_an_embedder_does_not_matter_and_its_weights_do(tmp_path):
    write(tmp_path, document())
    assert in_use(tmp_path, replace(EMBEDDER, name="other")).calibration is Calibration.OWN
    found = in_use(tmp_path, replace(EMBEDDER, weights_sha256="f" * 64))
    assert (found.models, found.calibration) == (shipped(), "shipped")
    assert "another embedder" in found.problem


def test_a_file_of_another_shipped_model_is_not_used(tmp_path):
    write(tmp_path, document() | {"shipped_sha256": "0" * 64})
    assert "another version" in in_use(tmp_path, EMBEDDER).problem


BAD = {
    "empty": "",
    "cut short": json.dumps(document())[:-40],
    "a list": "[1]",
    "deep": "[" * 30_000,
    "no models": {key: value for key, value in document().items() if key != "models"},
    "no date": {key: value for key, value in document().items() if key != "date"},
    "a date that is none": document() | {"date": "2026-02-30\x1b[31m"},
    "a date that is very long": document() | {"date": "2" * 5000},
    "a date that is a number": document() | {"date": 7},
    "nothing known refitted": document() | {"refitted": "everything"},
    "a feature that is not known": changed(features=["score", "score_gap", "match", "passwd"]),
    "a feature twice": changed(features=["score", "score", "match", "coverage"]),
    "NaN": changed(intercept=float("nan")),
    "infinite": changed(weights=[1, 1, 1, float("inf")]),
    "enormous": changed(weights=[1, 1, 1, 1e300]),
    "a whole number too long for a float": changed(intercept=10**400),
    "a deviation of nearly nothing": changed(deviations=[1, 1, 1, 1e-300]),
    "a threshold that is no probability": changed(threshold=1.5),
    "a text for a number": changed(intercept="0"),
    "a truth for a number": changed(intercept=True),
    "too large": json.dumps(document()) + " " * 2**16,
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD.keys())
def test_a_file_that_is_not_sound_is_not_used_and_the_warning_says_what_mends_it(tmp_path, value):
    write(tmp_path, value)
    found = in_use(tmp_path, EMBEDDER)
    assert (found.models, found.calibration) == (shipped(), "shipped")
    (warning,) = found.warnings
    assert str(tmp_path / FILE) in warning
    assert "ragqa calibrate --reset" in warning
    assert len(found.problem) < len(str(tmp_path)) + 200


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: path.symlink_to("other")])
def test_what_is_no_regular_file_is_neither_waited_for_nor_followed(tmp_path, make):
    write(tmp_path, document())
    (tmp_path / FILE).rename(tmp_path / "other")
    make(tmp_path / FILE)
    found = in_use(tmp_path, EMBEDDER)
    assert found.calibration is Calibration.SHIPPED
    assert found.problem


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from([*document()["models"]["all"], *document()]), value=VALUES)
def test_whatever_stands_in_a_file_confidence_is_a_probability(tmp_path, key, value):
    found = document()
    place = found["models"]["all"] if key in found["models"]["all"] else found
    place[key] = value
    write(tmp_path, found)
    used = in_use(tmp_path, EMBEDDER)
    features = dict.fromkeys(FEATURES, 0.5)
    assert 0 <= used.models.all.probability(features) <= 1
    assert (used.calibration is Calibration.OWN) == (not used.problem)
