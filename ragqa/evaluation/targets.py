"""Targets that an evaluation is held against: `recall@5=0.95`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragqa.errors import BelowTarget, UsageError
from ragqa.evaluation.summary import Document

_EXAMPLE = "ragqa eval --fail-under recall@5=0.95"


@dataclass(frozen=True, slots=True)
class Target:
    """The least that a measure may be."""

    measure: str
    least: float


def parse_target(text: str) -> Target:
    """Read `MEASURE=NUMBER`.

    :raises UsageError: it is something else.
    """
    measure, _, number = text.partition("=")
    try:
        return Target(measure.strip(), float(number))
    except ValueError as exc:
        raise UsageError(f"{text!r} is no target: MEASURE=NUMBER is", hint=_EXAMPLE) from exc


def check_targets(document: Document, targets: Sequence[Target]) -> None:
    """Hold an evaluation against targets; a measure without a method's name is the hybrid's.

    :raises BelowTarget: one is not reached; the message has all of those, with their figures.
    :raises UsageError: the evaluation has no such measure.
    """
    values = dict(measures_of(document))
    below = []
    for target in targets:
        value = values.get(f"hybrid.{target.measure}", values.get(target.measure))
        if value is None:
            raise UsageError(
                f"this evaluation has no measure {target.measure!r}; it has: {', '.join(values)}",
                hint=_EXAMPLE,
            )
        # Not `value < least`, since nothing is below a target that is not a number.
        if not value >= target.least:
            below.append(f"{target.measure} is {value:.4f}, below {target.least:g}")
    if below:
        raise BelowTarget("; ".join(below), hint="see what was missed: ragqa eval --failures")


def measures_of(document: Document) -> Iterator[tuple[str, float]]:
    """Each measure by name: `hybrid.recall@5`, `answer@1`, `auroc`."""
    for method, measures in document.get("methods", {}).items():
        yield from ((f"{method}.{name}", value) for name, value in measures.items())
    for name, value in document.items():
        if isinstance(value, float):
            yield name, value
