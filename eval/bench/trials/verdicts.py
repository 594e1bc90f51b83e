"""What a trial showed, and the table of many."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault and what came of it.

    `name` is enough to do it again. `outcome` says in a word or two what happened. The rest are
    "" where all was well: `wrong` is an answer from neither the old index nor the new one,
    `traceback` a crash, `amiss` anything else that was not as promised.
    """

    case: str
    name: str
    outcome: str
    wrong: str = ""
    traceback: str = ""
    amiss: str = ""

    @property
    def failed(self) -> bool:
        """Whether anything was not as promised."""
        return bool(self.wrong or self.traceback or self.amiss)


@dataclass(frozen=True, slots=True)
class Row:
    """All trials of one case, counted."""

    case: str
    trials: int
    outcomes: dict[str, int]
    wrong: int
    tracebacks: int
    amiss: int
    seconds: float


def rows(trials: Iterable[Trial], seconds: float) -> list[Row]:
    """A row for each case; the time is shared out by the number of trials."""
    by_case: dict[str, list[Trial]] = {}
    for trial in trials:
        by_case.setdefault(trial.case, []).append(trial)
    total = sum(map(len, by_case.values()))
    return [_row(case, found, seconds * len(found) / total) for case, found in by_case.items()]


def _row(case: str, trials: Sequence[Trial], seconds: float) -> Row:
    return Row(
        case=case,
        trials=len(trials),
        outcomes=dict(Counter(trial.outcome for trial in trials).most_common()),
        wrong=sum(bool(trial.wrong) for trial in trials),
        tracebacks=sum(bool(trial.traceback) for trial in trials),
        amiss=sum(bool(trial.amiss) for trial in trials),
        seconds=round(seconds, 1),
    )


def as_markdown(table: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| case | trials | outcomes | wrong answers | tracebacks | otherwise amiss | seconds |",
        "| --- | --: | --- | --: | --: | --: | --: |",
    ]
    for row in table:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in row.outcomes.items())
        lines.append(
            f"| {row.case} | {row.trials} | {outcomes} | {row.wrong} | {row.tracebacks} "
            f"| {row.amiss} | {row.seconds:g} |"
        )
    return "\n".join(lines)


def as_document(table: Sequence[Row], failures: Sequence[Trial]) -> dict[str, object]:
    """The rows and each trial that failed, for JSON."""
    return {"rows": [asdict(row) for row in table], "failures": [asdict(each) for each in failures]}
