"""Compare an evaluation with targets such as `recall@5=0.95`, or with another evaluation."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ragqa.errors import BelowTarget, UsageError
from ragqa.evaluation.measures import LOWER_IS_BETTER, MEASURES, NAMES, WORDS
from ragqa.evaluation.summary import Document, interval, mean, randomisation_p, rounded
from ragqa.types import DOCUMENT_VERSION

_DESCRIBED = ("dataset", "mode", "half", "partial", "queries", "settings", "index")
_EXAMPLE = "ragqa eval --fail-under recall@5=0.95"

Row = Mapping[str, Any]


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
