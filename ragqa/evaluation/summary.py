"""Summarise outcomes in one document, and hold it to targets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from statistics import NormalDist
from typing import Any

import numpy as np

from ragqa.config import Settings
from ragqa.errors import BelowTarget, UsageError
from ragqa.evaluation.asking import Outcome
from ragqa.evaluation.measures import (
    ANSWER_MEASURES,
    EXCERPT_MEASURES,
    LOWER_IS_BETTER,
    MEASURES,
    METHODS,
    NAMES,
    WORDS,
)
from ragqa.types import Answer, Citation, IndexInfo

Document = dict[str, Any]
"""What `ragqa eval --json` prints; `docs/evaluation.md` defines the measures."""

MEASURED = ("embedder", "language", "passage_tokens", "max_note_bytes", "reranker", "top_k")
"""The settings that affect an evaluation, and that it reports."""

SEED = 20_240_731
"""Fixed, so that resampling is reproducible."""

LEVEL = 0.95
RESAMPLES = 2000

_EXAMPLE = "ragqa eval --fail-under recall@5=0.95"
_KIND_MEASURES = ("recall@1", "recall@5", "ndcg@10")
_SCORES = (*ANSWER_MEASURES, *EXCERPT_MEASURES, *LOWER_IS_BETTER, *WORDS)


def about(settings: Settings, info: IndexInfo, warnings: Sequence[str]) -> Document:
    """The document's fields about settings and index, and the warnings."""
    return {
        "settings": {name: getattr(settings, name) for name in MEASURED},
        "index": {"embedder": info.embedder.name, "notes": info.notes, "passages": info.passages},
        "warnings": list(warnings),
    }


def summarise(outcomes: Sequence[Outcome]) -> Document:
    """Summarise the outcomes; measures that do not apply are omitted."""
    judged = [outcome for outcome in outcomes if outcome.measures]
    methods = METHODS if judged else ()
    columns = {
        f"{m}.{name}": [outcome.measures[m][name] for outcome in judged]
        for m in methods
        for name in MEASURES
    }
    means = _estimated(columns | _columns(outcomes))
    return {
        "queries": len(judged),
        "methods": {m: {name: means.pop(f"{m}.{name}") for name in MEASURES} for m in methods},
        **means,
        "kinds": _kinds(judged),
        "abstention": _abstention(outcomes),
        "questions": [_question(outcome) for outcome in outcomes],
    }


def _estimated(columns: Mapping[str, Sequence[float]]) -> Document:
    """The mean of each column that has values, and their `intervals`."""
    there = {name: values for name, values in columns.items() if values}
    means = {name: round(float(np.mean(values)), 4) for name, values in there.items()}
    intervals = {n: [round(bound, 4) for bound in share_interval(v)] for n, v in there.items()}
    return means | {"intervals": intervals}


def _columns(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    """The measures of answers, each over the questions that have it."""
    return {name: [o.scores[name] for o in outcomes if name in o.scores] for name in _SCORES}


def _kinds(judged: Sequence[Outcome]) -> Document:
    kinds: Document = {}
    for kind in sorted({outcome.task.kind for outcome in judged if outcome.task.kind}):
        these = [outcome for outcome in judged if outcome.task.kind == kind]
        ranked = {name: [o.measures["hybrid"][name] for o in these] for name in _KIND_MEASURES}
        kinds[kind] = {"questions": len(these), **_estimated(ranked | _columns(these))}
    return kinds


def _abstention(outcomes: Sequence[Outcome]) -> Document:
    """The shares of questions answered, without reserve, and naming what is missing, by sort.

    The sorts are the questions with a right answer, all that the notes answer, and the kinds of
    those that they do not.
    """
    sorts: dict[str, list[Answer]] = {"right": [], "answerable": []}
    for outcome in outcomes:
        share = outcome.scores.get("good", outcome.scores.get("shown@1"))
        is_right = outcome.task.answerable and share == 1
        kind = "answerable" if outcome.task.answerable else outcome.task.kind or "unanswerable"
        if outcome.answer is not None:
            for sort in ("right", kind) if is_right else (kind,):
                sorts.setdefault(sort, []).append(outcome.answer)
    tests: Mapping[str, Callable[[Answer], bool]] = {
        "answered": lambda answer: answer.answered,
        "sure": lambda answer: answer.sure,
        "named": lambda answer: answer.answered and bool(answer.no_note_has),
    }
    return {
        sort: {
            "questions": len(these),
            **_estimated({name: [*map(test, these)] for name, test in tests.items()}),
        }
        for sort, these in sorts.items()
        if these
    }


def _question(outcome: Outcome) -> Document:
    row: Document = {
        name: getattr(outcome.task, name) for name in ("id", "question", "kind", "answerable")
    }
    if outcome.measures:
        row |= {method: _rounded(outcome.measures[method]) for method in METHODS}
        row["ranks"] = {method: list(outcome.ranks[method]) for method in METHODS}
    row |= _rounded(outcome.scores)
    if outcome.answer is not None:
        row |= {"confidence": outcome.answer.confidence, "answered": outcome.answer.answered}
        row["missing"] = list(outcome.answer.no_note_has)
        row["cited"] = list(map(_place, outcome.answer.citations))
        row["also"] = list(map(_place, outcome.answer.also))
    return row | {"missed": None if outcome.missed is None else asdict(outcome.missed)}


def _place(citation: Citation) -> Document:
    return {name: getattr(citation, name) for name in ("path", "lines", "chars", "quote")}


def _rounded(values: Mapping[str, Any]) -> Document:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}


def share_interval(values: Sequence[float]) -> tuple[float, float]:
    """The bootstrap percentile interval (Efron, 1979) of the mean of values in [0, 1].

    If all are 0, or all are 1, the bootstrap shows no spread, so Wilson's interval (1927) is used.
    """
    if set(values) in ({0.0}, {1.0}):
        squared = NormalDist().inv_cdf((1 + LEVEL) / 2) ** 2
        off = squared / (len(values) + squared)
        return (1 - off, 1.0) if values[0] else (0.0, off)
    data = np.asarray(values, dtype=np.float64)
    chosen = np.random.default_rng(SEED).integers(0, len(data), (RESAMPLES, len(data)))
    low, high = np.quantile(data[chosen].mean(axis=1), ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)


Target = tuple[str, float]
"""A measure and its lowest acceptable value."""


def parse_target(text: str) -> Target:
    """Parse `MEASURE=NUMBER`; a ranking measure without a method means hybrid.

    :raises UsageError: it is malformed, or there is no such measure.
    """
    name, _, number = text.partition("=")
    measure = f"hybrid.{name}" if name in MEASURES else name
    if measure not in NAMES:
        raise UsageError(
            f"there is no measure {name!r}; there are: {', '.join((*MEASURES, *NAMES))}",
            hint=_EXAMPLE,
        )
    try:
        return measure, float(number)
    except ValueError as exc:
        raise UsageError(
            f"the target {text!r} has no number: expected MEASURE=NUMBER", hint=_EXAMPLE
        ) from exc


def check_targets(document: Document, targets: Sequence[Target]) -> None:
    """Check an evaluation against targets.

    :raises BelowTarget: at least one is missed; the message lists each with its value.
    :raises UsageError: there was no question to measure it on.
    """
    values = {name: document[name] for name in NAMES if name in document}
    for method, measures in document["methods"].items():
        values |= {f"{method}.{name}": value for name, value in measures.items()}
    below = []
    for measure, least in targets:
        if measure not in values:
            raise UsageError(f"there was no question to measure {measure} on")
        # Not `value < least`: nothing is below a target of NaN.
        if not values[measure] >= least:
            below.append(f"{measure} is {values[measure]:.4f}, below {least:g}")
    if below:
        raise BelowTarget(
            "; ".join(below), hint="see what was missed: ragqa eval --report FILE.html"
        )
