"""Summarise outcomes in one document, compare it with another, and hold it to targets."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

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
from ragqa.types import DOCUMENT_VERSION, Answer, Citation, IndexInfo

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

SEED = 20_240_731
"""Fixed, so that resampling is reproducible."""

LEVEL = 0.95
RESAMPLES = 2000

_PERMUTATIONS = 10_000
_PERMUTED_AT_ONCE = 500

Values = npt.NDArray[np.float64]

_DESCRIBED = ("dataset", "mode", "half", "partial", "queries", "settings", "index")
_EXAMPLE = "ragqa eval --fail-under recall@5=0.95"

Row = Mapping[str, Any]

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
    judged = [one for one in outcomes if one.measures]
    methods = METHODS if judged else ()
    columns = {
        f"{m}.{name}": [one.measures[m][name] for one in judged]
        for m in methods
        for name in MEASURES
    }
    means, intervals = _estimated(columns | _columns(outcomes))
    return {
        "queries": len(judged),
        "methods": {m: {name: means.pop(f"{m}.{name}") for name in MEASURES} for m in methods},
        **means,
        "intervals": intervals,
        "kinds": _kinds(judged),
        "abstention": _abstention(outcomes),
        "questions": [_question(one) for one in outcomes],
    }


def _estimated(columns: Mapping[str, Sequence[float]]) -> tuple[Document, Document]:
    """The mean of each column that has values, and its interval."""
    there = {name: values for name, values in columns.items() if values}
    means: Document = {name: mean(values) for name, values in there.items()}
    return means, {n: rounded(share_interval(v)) for n, v in there.items()}


def _columns(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    """The measures of answers, each over the questions that have it."""
    return {name: [o.scores[name] for o in outcomes if name in o.scores] for name in _SCORES}


def _kinds(judged: Sequence[Outcome]) -> Document:
    kinds: Document = {}
    for kind in sorted({one.task.kind for one in judged if one.task.kind}):
        these = [one for one in judged if one.task.kind == kind]
        ranked = {name: [one.measures["hybrid"][name] for one in these] for name in _KIND_MEASURES}
        means, intervals = _estimated(ranked | _columns(these))
        kinds[kind] = {"questions": len(these), **means, "intervals": intervals}
    return kinds


def _abstention(outcomes: Sequence[Outcome]) -> Document:
    """The shares of questions answered, without reserve, and naming what is missing, by sort.

    The sorts are the questions with a right answer, all that the notes answer, and the kinds of
    those that they do not.
    """
    sorts: dict[str, list[Answer]] = {"right": [], "answerable": []}
    for one in outcomes:
        kind = "answerable" if one.task.answerable else one.task.kind or "unanswerable"
        if one.answer is not None:
            for sort in ("right", kind) if one.right else (kind,):
                sorts.setdefault(sort, []).append(one.answer)
    table = {}
    for sort, these in sorts.items():
        means, intervals = _estimated(
            {
                "answered": [float(answer.answered) for answer in these],
                "sure": [float(answer.sure) for answer in these],
                "named": [float(answer.answered and bool(answer.missing)) for answer in these],
            }
        )
        if means:
            table[sort] = {"questions": len(these), **means, "intervals": intervals}
    return table


def _question(one: Outcome) -> Document:
    row: Document = {
        name: getattr(one.task, name) for name in ("id", "question", "kind", "answerable")
    }
    if one.measures:
        row |= {method: _rounded(one.measures[method]) for method in METHODS}
        row["ranks"] = {method: list(one.ranks[method]) for method in METHODS}
    row |= _rounded(one.scores)
    if one.answer is not None:
        row |= {"confidence": one.answer.confidence, "answered": one.answer.answered}
        row["missing"] = list(one.answer.missing)
        row["cited"] = list(map(_place, one.answer.citations))
        row["also"] = list(map(_place, one.answer.also))
    return row | {"missed": None if one.missed is None else asdict(one.missed)}


def _place(citation: Citation) -> Document:
    return {name: getattr(citation, name) for name in ("path", "lines", "chars", "quote")}


def _rounded(values: Mapping[str, Any]) -> Document:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}


def mean(values: Sequence[float] | Values) -> float:
    """The mean of at least one value, rounded for a document."""
    return round(float(np.mean(values)), 4)


def rounded(values: Iterable[float]) -> list[float]:
    """The values, such as the bounds of an interval, rounded for a document."""
    return [round(value, 4) for value in values]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The bootstrap percentile interval of the mean of at least one value (Efron, 1979)."""
    data = np.asarray(values, dtype=np.float64)
    if len(data) == 1:
        return float(data[0]), float(data[0])
    low, high = stats.bootstrap(
        (data,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return float(low), float(high)


def share_interval(values: Sequence[float]) -> tuple[float, float]:
    """The interval of the mean of values in [0, 1].

    If all are 0, or all are 1, the bootstrap shows no spread, so Wilson's interval (1927) is used.
    """
    ends = set(values)
    if ends not in ({0.0}, {1.0}):
        return interval(values)
    test = stats.binomtest(int(sum(values)), len(values))
    low, high = test.proportion_ci(confidence_level=LEVEL, method="wilson")
    return float(low), float(high)


def randomisation_p(differences: Sequence[float]) -> float:
    """The two-sided p-value of a mean difference, by Fisher's paired randomisation test.

    See Smucker, Allan and Carterette, "A Comparison of Statistical Significance Tests for
    Information Retrieval Evaluation", 2007.
    """
    data = np.asarray(differences, dtype=np.float64)
    data = data[data != 0]
    if len(data) < 2:
        return 1.0
    return float(
        stats.permutation_test(
            (data,),
            # Rounding makes sums equal that differ by an error of floating point alone.
            lambda signed, axis: np.round(signed.sum(axis=axis), 9),
            permutation_type="samples",
            vectorized=True,
            n_resamples=_PERMUTATIONS,
            batch=_PERMUTED_AT_ONCE,
            rng=np.random.default_rng(SEED),
        ).pvalue
    )


def read_evaluation(path: Path) -> Document:
    """Read the output of `ragqa eval --json`.

    :raises UsageError: the file cannot be read, or is not such a document.
    """
    try:
        # NaN and Infinity are not JSON, and no number that Python can read.
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=int)
        questions = [(row["id"], row["question"]) for row in document["questions"]]
        reason = ""
        if document["version"] != DOCUMENT_VERSION:
            reason = f"this ragqa does not know version {document['version']}"
        elif len(dict(questions)) < max(1, len(questions)):
            reason = "it has no questions, or a duplicate"
    except (OSError, LookupError, TypeError, ValueError, RecursionError) as exc:
        reason = getattr(exc, "strerror", None) or "it has no version, or no questions"
    if reason:
        hint = "make one: ragqa eval --json > FILE"
        raise UsageError(f"{path} is not an evaluation: {reason}", hint=hint)
    return dict(document)


def compare(a: Document, b: Document) -> Document:
    """Pair the questions of two evaluations and test the difference B - A of each measure.

    :raises UsageError: they share no question, or are malformed.
    """
    try:
        of_a, of_b = ({row["id"]: row for row in one["questions"]} for one in (a, b))
        pairs = [
            (row, of_b[id_])
            for id_, row in of_a.items()
            if id_ in of_b and row.get("question") == of_b[id_].get("question")
        ]
        if not pairs:
            raise UsageError(
                "the two evaluations have no question in common",
                hint="evaluate both on the same questions",
            )
        measures = {}
        for name in (*NAMES, *LOWER_IS_BETTER, *WORDS):
            values = [(_value(one, name), _value(other, name)) for one, other in pairs]
            both = [pair for pair in values if None not in pair]
            if both:
                measures[name] = _difference(both, lower_is_better=name not in NAMES)
        return {
            "a": {key: a[key] for key in _DESCRIBED if key in a},
            "b": {key: b[key] for key in _DESCRIBED if key in b},
            "paired": len(pairs),
            "only_in_a": len(of_a) - len(pairs),
            "only_in_b": len(of_b) - len(pairs),
            "measures": measures,
            "flipped": [
                {"id": one["id"], "question": one["question"], "what": what, "a": was, "b": now}
                for one, other in pairs
                for what in ("shown", "good", "answered", "sure")
                if None not in (was := _result(one, what), now := _result(other, what))
                and was != now
            ],
        }
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as exc:
        raise UsageError(
            "the evaluations are not as ragqa eval --json printed them",
            hint="create them again: ragqa eval --json > A.json",
        ) from exc


def _difference(
    values: Sequence[tuple[float | None, float | None]], *, lower_is_better: bool
) -> Document:
    a, b = np.array(values, dtype=np.float64).T
    higher, lower = int((b > a).sum()), int((b < a).sum())
    return {
        "questions": len(values),
        "a": mean(a),
        "b": mean(b),
        "difference": mean(b - a),
        "interval": rounded(interval(list(b - a))),
        "p": round(randomisation_p(list(b - a)), 4),
        "better": lower if lower_is_better else higher,
        "worse": higher if lower_is_better else lower,
    }


def _value(row: Row, name: str) -> float | None:
    """Look up a question's measure by name; None if it was not measured."""
    method, dot, measure = name.partition(".")
    found = row.get(method, {}).get(measure) if dot else row.get(name)
    return None if found is None else float(found)


def _result(row: Row, name: str) -> bool | None:
    """A yes/no result of a question; None if it was not measured."""
    found = row.get("shown@3" if name == "shown" else name)
    return None if found is None else found == 1


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
