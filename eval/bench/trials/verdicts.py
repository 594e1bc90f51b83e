"""What a trial showed, and the table of many."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


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


def rows(trials: Iterable[Trial], seconds: float) -> list[dict[str, Any]]:
    """What came of each case, counted; the time is shared out by the number of trials."""
    by_case: dict[str, list[Trial]] = {}
    for trial in trials:
        by_case.setdefault(trial.case, []).append(trial)
    total = sum(map(len, by_case.values()))
    return [
        {
            "case": case,
            "trials": len(found),
            "outcomes": dict(Counter(trial.outcome for trial in found).most_common()),
            "wrong answers": sum(bool(trial.wrong) for trial in found),
            "tracebacks": sum(bool(trial.traceback) for trial in found),
            "otherwise amiss": sum(bool(trial.amiss) for trial in found),
            "seconds": round(seconds * len(found) / total, 1),
        }
        for case, found in by_case.items()
    ]


def as_markdown(table: Sequence[Mapping[str, Any]]) -> str:
    """The rows as a Markdown table."""
    lines = [f"| {' | '.join(table[0])} |", "| --- | --: | --- | --: | --: | --: | --: |"]
    for row in table:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in row["outcomes"].items())
        lines.append(f"| {' | '.join(map(str, {**row, 'outcomes': outcomes}.values()))} |")
    return "\n".join(lines)
