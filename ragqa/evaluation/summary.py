"""Summarise outcomes in one document: means with intervals, by method, kind and confidence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ragqa.config import Settings
from ragqa.evaluation import statistics
from ragqa.evaluation.measures import (
    ANSWER_MEASURES,
    MEASURES,
    METHODS,
    NOISE,
    OVERLAP_MEASURES,
)
from ragqa.evaluation.outcomes import Outcome, Quoted
from ragqa.types import IndexInfo, Verdict, verdict_of

Document = dict[str, Any]
"""What `ragqa eval --json` prints; `docs/evaluation.md` defines the measures."""

MEASURED = (
    "embedder",
    "embedder_scripts",
    "passage_tokens",
    "max_note_bytes",
    "reader",
    "candidates",
    "dense_weight",
    "top_k",
)
"""The settings that affect an evaluation, and that it reports."""

CURVE = 20
_KIND_MEASURES = ("recall@1", "recall@5", "ndcg@10")
_RISK_POINTS = 20


def about(settings: Settings, info: IndexInfo, warnings: Sequence[str]) -> Document:
    """The document's fields about settings and index, and the warnings."""
    return {
        "settings": {name: getattr(settings, name) for name in MEASURED},
        "index": {"embedder": info.embedder.name, "notes": info.notes, "passages": info.passages},
        "warnings": list(warnings),
    }


def summarise(outcomes: Sequence[Outcome]) -> Document:
    """Summarise the outcomes; measures that do not apply are omitted."""
    judged = [one for one in outcomes if one.measures["hybrid"]]
    intervals: dict[str, list[float]] = {}
    document: Document = {
        "queries": len(judged),
        "methods": {
            method: {
                name: _mean(
                    [one.measures[method][name] for one in judged], f"{method}.{name}", intervals
                )
                for name in MEASURES
            }
            for method in METHODS
            if judged
        },
    }
    document |= _means(outcomes, intervals)
    document |= _confidence(outcomes, intervals)
    return document | {
        "intervals": intervals,
        "kinds": _kinds(judged),
        "abstention": _abstention(outcomes),
        "recall_curve": {method: _curve(judged, method) for method in METHODS} if judged else {},
        "latency_ms": _latency(outcomes),
        "empty": {
            method: found
            for method in METHODS
            if (found := [one.id for one in judged if method in one.empty])
        },
        "questions": [_question(one) for one in outcomes],
    }


def _mean(values: Sequence[float], name: str, intervals: dict[str, list[float]]) -> float:
    """The mean of at least one value; stores its interval in `intervals` under the name."""
    intervals[name] = statistics.rounded(statistics.share_interval(values))
    return statistics.mean(values)


def _means(outcomes: Sequence[Outcome], intervals: dict[str, list[float]]) -> Document:
    """The means of the measures of answers, overlap and citations, over the questions with each.

    Noise is averaged over the questions that have citations.
    """
    answers = [one.answer for one in outcomes if one.answerable and one.answer is not None]
    overlaps = [one.overlap for one in outcomes if one.overlap is not None]
    scores = [one.quoted.score for one in outcomes if one.quoted and one.quoted.score]
    columns: dict[str, Sequence[float]] = {
        **dict(zip(ANSWER_MEASURES, zip(*answers, strict=True), strict=False)),
        **{name: [getattr(one, name) for one in overlaps] for name in OVERLAP_MEASURES},
        "good": [float(score.good) for score in scores],
        "coverage": [score.coverage for score in scores],
        NOISE: [score.noise for score in scores if score.noise is not None],
    }
    return {name: _mean(values, name, intervals) for name, values in columns.items() if values}


_OF_CONFIDENCE = {
    "auroc": statistics.auroc,
    "ece": statistics.calibration,
    "aurc": statistics.mean_risk,
}


def _confidence(outcomes: Sequence[Outcome], intervals: dict[str, list[float]]) -> Document:
    """The quality of confidence, if there are both answerable and unanswerable questions."""
    asked = [(one.confidence, one.answerable) for one in outcomes if one.confidence is not None]
    confidence, answerable = [c for c, _ in asked], [a for _, a in asked]
    if len(set(answerable)) < len((True, False)):
        return {}
    document: Document = {}
    for name, measure in _OF_CONFIDENCE.items():
        document[name] = round(measure(confidence, answerable), 4)
        bounds = statistics.measure_interval(measure, confidence, answerable)
        intervals[name] = statistics.rounded(bounds)
    curve = statistics.risk_coverage(confidence, answerable)
    shown = np.unique(np.linspace(0, len(curve) - 1, _RISK_POINTS + 1).round().astype(int))
    bins = statistics.reliability(confidence, answerable)
    return document | {
        "risk_coverage": [statistics.rounded(curve[at]) for at in shown.tolist()],
        "reliability": [_rounded(asdict(one)) for one in bins],
    }


def _kinds(judged: Sequence[Outcome]) -> Document:
    kinds: Document = {}
    for kind in sorted({one.kind for one in judged if one.kind}):
        these = [one for one in judged if one.kind == kind]
        intervals: dict[str, list[float]] = {}
        found: Document = {"questions": len(these)}
        for name in _KIND_MEASURES:
            found[name] = _mean([one.measures["hybrid"][name] for one in these], name, intervals)
        found |= _means(these, intervals)
        kinds[kind] = found | {"intervals": intervals}
    return kinds


def _abstention(outcomes: Sequence[Outcome]) -> Document:
    """The shares of questions answered, surely or naming what is missing, by sort of question."""
    asked = [one for one in outcomes if one.confidence is not None]
    if all(one.answerable for one in asked):
        return {}
    sorts: dict[str, list[Outcome]] = {"answerable": [one for one in asked if one.answerable]}
    for one in asked:
        if not one.answerable:
            sorts.setdefault(one.kind or "unanswerable", []).append(one)
    table = {}
    for sort, these in sorts.items():
        if these:
            intervals: dict[str, list[float]] = {}
            answered = [float(bool(one.answered)) for one in these]
            sure = [float(_is_sure(one)) for one in these]
            named = [float(bool(one.answered and one.missing)) for one in these]
            table[sort] = {
                "questions": len(these),
                "answered": _mean(answered, "answered", intervals),
                "sure": _mean(sure, "sure", intervals),
                "named": _mean(named, "named", intervals),
                "interval": intervals["answered"],
                "sure_interval": intervals["sure"],
                "named_interval": intervals["named"],
            }
    return table


def _is_sure(one: Outcome) -> bool:
    verdict = verdict_of(one.confidence or 0, one.missing, answered=bool(one.answered))
    return verdict is Verdict.ANSWERED


def _curve(judged: Sequence[Outcome], method: str) -> list[list[float]]:
    """Recall@k for k from 1 to 20."""
    return [
        [k, statistics.mean([_share_within(one.ranks[method], k) for one in judged])]
        for k in range(1, CURVE + 1)
    ]


def _share_within(ranks: Sequence[int | None], k: int) -> float:
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks)


def _latency(outcomes: Sequence[Outcome]) -> Document:
    times: Mapping[str, Callable[[Outcome], float | None]] = {
        "search": lambda one: one.search_ms,
        "ask": lambda one: one.ask_ms,
    }
    table = {}
    for name, of in times.items():
        measured = [ms for one in outcomes if (ms := of(one)) is not None]
        if measured:
            p50, p95 = np.percentile(measured, [50, 95])
            table[name] = {
                "p50": round(float(p50), 1),
                "p95": round(float(p95), 1),
                "questions": len(measured),
            }
    return table


def _question(one: Outcome) -> Document:
    row: Document = {
        "id": one.id,
        "question": one.question,
        "kind": one.kind,
        "answerable": one.answerable,
    }
    if one.measures["hybrid"]:
        row |= {method: _rounded(one.measures[method]) for method in METHODS}
        row["ranks"] = {method: list(one.ranks[method]) for method in METHODS}
    if one.answer is not None:
        row["answer"] = statistics.rounded(one.answer)
    if one.confidence is not None:
        row |= {"confidence": one.confidence, "answered": one.answered, "sure": _is_sure(one)}
        row["missing"] = list(one.missing)
    if one.overlap is not None:
        row |= _rounded(asdict(one.overlap))
    if one.quoted is not None:
        row |= _quoted(one.quoted)
    return row | {"missed": None if one.missed is None else asdict(one.missed)}


def _quoted(quoted: Quoted) -> Document:
    names = ("path", "lines", "chars", "quote")
    row: Document = {"cited": [{name: getattr(c, name) for name in names} for c in quoted.cited]}
    if quoted.score is None:
        return row
    score = quoted.score
    row |= _rounded({"good": score.good, "coverage": score.coverage, NOISE: score.noise})
    return row | {"marked": [asdict(marked) for marked in quoted.marked]}


def _rounded(values: Mapping[str, Any]) -> Document:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}
