"""Summarise outcomes in one document: means with intervals, by method, kind and confidence."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ragqa.config import Settings
from ragqa.evaluation import statistics
from ragqa.evaluation.measures import (
    ANSWER_MEASURES,
    MEASURES,
    METHODS,
    NOISE,
)
from ragqa.evaluation.outcomes import Outcome
from ragqa.types import IndexInfo, Verdict, verdict_of

Document = dict[str, Any]
"""What `ragqa eval --json` prints; `docs/evaluation.md` defines the measures."""

MEASURED = (
    "embedder",
    "language",
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
_CITED = ("path", "lines", "chars", "quote")


def about(settings: Settings, info: IndexInfo, warnings: Sequence[str]) -> Document:
    """The document's fields about settings and index, and the warnings."""
    return {
        "settings": {name: getattr(settings, name) for name in MEASURED},
        "index": {"embedder": info.embedder.name, "notes": info.notes, "passages": info.passages},
        "warnings": list(warnings),
    }


def summarise(outcomes: Sequence[Outcome]) -> Document:
    """Summarise the outcomes; measures that do not apply are omitted."""
    judged = [one for one in outcomes if one.measures]
    methods = METHODS if judged else ()
    of_methods, intervals = _estimated(
        {
            f"{m}.{name}": [one.measures[m][name] for one in judged]
            for m in methods
            for name in MEASURES
        }
    )
    means, intervals_of_means = _estimated(_columns(outcomes))
    quality, intervals_of_quality = _confidence(outcomes)
    return {
        "queries": len(judged),
        "methods": {m: {name: of_methods[f"{m}.{name}"] for name in MEASURES} for m in methods},
        **means,
        **quality,
        "intervals": intervals | intervals_of_means | intervals_of_quality,
        "kinds": _kinds(judged),
        "abstention": _abstention(outcomes),
        "recall_curve": {
            method: [
                [k, statistics.mean([_share_within(one.ranks[method], k) for one in judged])]
                for k in range(1, CURVE + 1)
            ]
            for method in methods
        },
        "empty": {
            method: found
            for method in METHODS
            if (found := [one.task.id for one in judged if method in one.empty])
        },
        "questions": [_question(one) for one in outcomes],
    }


def _share_within(ranks: Sequence[int | None], k: int) -> float:
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks)


def _estimated(columns: Mapping[str, Sequence[float]]) -> tuple[Document, Document]:
    """The mean of each column that has values, and its interval."""
    there = {name: values for name, values in columns.items() if values}
    means: Document = {name: statistics.mean(values) for name, values in there.items()}
    return means, {n: statistics.rounded(statistics.share_interval(v)) for n, v in there.items()}


def _columns(outcomes: Sequence[Outcome]) -> dict[str, Sequence[float]]:
    """The measures of answers and citations, over the questions with each.

    Noise is that of the questions that have citations.
    """
    answers = [one.answer for one in outcomes if one.task.answerable and one.answer is not None]
    scores = [one.quoted.score for one in outcomes if one.quoted and one.quoted.score]
    return {
        **dict(zip(ANSWER_MEASURES, zip(*answers, strict=True), strict=False)),
        "good": [float(score.good) for score in scores],
        "coverage": [score.coverage for score in scores],
        NOISE: [score.noise for score in scores if score.noise is not None],
    }


_OF_CONFIDENCE = {
    "auroc": statistics.auroc,
    "ece": statistics.calibration,
}


def _confidence(outcomes: Sequence[Outcome]) -> tuple[Document, Document]:
    """The quality of confidence with its intervals, if the notes answer some, but not all."""
    asked = [
        (one.confidence, one.task.answerable) for one in outcomes if one.confidence is not None
    ]
    confidence, answerable = [c for c, _ in asked], [a for _, a in asked]
    if len(set(answerable)) < len((True, False)):
        return {}, {}
    quality = {name: round(of(confidence, answerable), 4) for name, of in _OF_CONFIDENCE.items()}
    return quality, {
        name: statistics.rounded(statistics.measure_interval(of, confidence, answerable))
        for name, of in _OF_CONFIDENCE.items()
    }


def _kinds(judged: Sequence[Outcome]) -> Document:
    kinds: Document = {}
    for kind in sorted({one.task.kind for one in judged if one.task.kind}):
        these = [one for one in judged if one.task.kind == kind]
        ranked = {name: [one.measures["hybrid"][name] for one in these] for name in _KIND_MEASURES}
        means, intervals = _estimated(ranked | _columns(these))
        kinds[kind] = {"questions": len(these), **means, "intervals": intervals}
    return kinds


def _abstention(outcomes: Sequence[Outcome]) -> Document:
    """The shares of questions answered, surely or naming what is missing, by sort of question."""
    asked = [one for one in outcomes if one.confidence is not None]
    if all(one.task.answerable for one in asked):
        return {}
    sorts: dict[str, list[Outcome]] = {"answerable": [one for one in asked if one.task.answerable]}
    for one in asked:
        if not one.task.answerable:
            sorts.setdefault(one.task.kind or "unanswerable", []).append(one)
    table = {}
    for sort, these in sorts.items():
        means, intervals = _estimated(
            {
                "answered": [float(bool(one.answered)) for one in these],
                "sure": [float(_is_sure(one)) for one in these],
                "named": [float(bool(one.answered and one.missing)) for one in these],
            }
        )
        if means:
            table[sort] = {
                "questions": len(these),
                **means,
                "interval": intervals["answered"],
                "sure_interval": intervals["sure"],
                "named_interval": intervals["named"],
            }
    return table


def _is_sure(one: Outcome) -> bool:
    verdict = verdict_of(one.confidence or 0, one.missing, answered=bool(one.answered))
    return verdict is Verdict.ANSWERED


def _question(one: Outcome) -> Document:
    row: Document = {
        name: getattr(one.task, name) for name in ("id", "question", "kind", "answerable")
    }
    if one.measures:
        row |= {method: _rounded(one.measures[method]) for method in METHODS}
        row["ranks"] = {method: list(one.ranks[method]) for method in METHODS}
    if one.answer is not None:
        row["answer"] = statistics.rounded(one.answer)
    if one.confidence is not None:
        row |= {"confidence": one.confidence, "answered": one.answered, "sure": _is_sure(one)}
        row["missing"] = list(one.missing)
    if one.quoted is not None:
        row["cited"] = [{name: getattr(c, name) for name in _CITED} for c in one.quoted.cited]
        if score := one.quoted.score:
            row |= _rounded({"good": score.good, "coverage": score.coverage, NOISE: score.noise})
            row["marked"] = [asdict(marked) for marked in one.quoted.marked]
    return row | {"missed": None if one.missed is None else asdict(one.missed)}


def _rounded(values: Mapping[str, Any]) -> Document:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}
