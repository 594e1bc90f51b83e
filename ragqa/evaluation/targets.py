"""Check an evaluation against targets such as `recall@5=0.95`."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragqa.errors import BelowTarget, UsageError
from ragqa.evaluation.measures import (
    EXCERPT_MEASURES,
    MEASURES,
    METHODS,
    NAMES,
    OVERLAP_MEASURES,
)
from ragqa.evaluation.summary import Document

TARGETS = (*NAMES, "auroc")
"""Every measure where higher is better."""

_RANKINGS = tuple(f"{method}." for method in METHODS)
_MEASURED = {
    "questions": (*_RANKINGS, "answer@", "auroc"),
    "excerpts": (*_RANKINGS, *EXCERPT_MEASURES, "auroc"),
    "beir": _RANKINGS,
    "qa": (*_RANKINGS, "answer@", "auroc"),
    "chunking": (*_RANKINGS, *OVERLAP_MEASURES),
}
"""The name prefixes of the measures of each mode."""

_EXAMPLE = "ragqa eval --fail-under recall@5=0.95"


@dataclass(frozen=True, slots=True)
class Target:
    """The lowest acceptable value of a measure."""

    measure: str
    least: float


def parse_target(text: str) -> Target:
    """Parse `MEASURE=NUMBER`; a ranking measure without a method means hybrid.

    :raises UsageError: it is malformed, or there is no such measure.
    """
    name, _, number = text.partition("=")
    measure = f"hybrid.{name}" if name in MEASURES else name
    if measure not in TARGETS:
        raise UsageError(
            f"there is no measure {name!r}; there are: {', '.join((*MEASURES, *TARGETS))}",
            hint=_EXAMPLE,
        )
    try:
        return Target(measure, float(number))
    except ValueError as exc:
        raise UsageError(
            f"the target {text!r} has no number: expected MEASURE=NUMBER", hint=_EXAMPLE
        ) from exc


def check_measurable(targets: Sequence[Target], mode: str) -> None:
    """Check, before the evaluation runs, that this mode measures what the targets name.

    :raises UsageError: it does not.
    """
    for target in targets:
        if not target.measure.startswith(_MEASURED[mode]):
            raise UsageError(f"{target.measure} is not measured here", hint=_EXAMPLE)


def check_targets(document: Document, targets: Sequence[Target]) -> None:
    """Check an evaluation against targets.

    :raises BelowTarget: at least one is missed; the message lists each with its value.
    :raises UsageError: there was no question to measure it on.
    """
    values = {name: document[name] for name in TARGETS if name in document}
    for method, measures in document["methods"].items():
        values |= {f"{method}.{name}": value for name, value in measures.items()}
    below = []
    for target in targets:
        if target.measure not in values:
            raise UsageError(f"there was no question to measure {target.measure} on")
        value = values[target.measure]
        # Not `value < least`: nothing is below a target of NaN.
        if not value >= target.least:
            below.append(f"{target.measure} is {value:.4f}, below {target.least:g}")
    if below:
        raise BelowTarget("; ".join(below), hint="see what was missed: ragqa eval --failures")
