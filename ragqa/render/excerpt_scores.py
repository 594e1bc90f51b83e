"""Questions with gold excerpts whose answers are not good, on the terminal."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.text import Text

from ragqa.render.evaluations import print_stages, ranks_of, shortened
from ragqa.render.screen import emit, stdout
from ragqa.sanitise import safe_line
from ragqa.stages import EXCERPT_STAGES, stage_name
from ragqa.types import counted

Document = Mapping[str, Any]


def print_failures(document: Document) -> None:
    """Print each question without a good answer: the wanted excerpts and the cited ones."""
    judged = [row for row in document["questions"] if "good" in row]
    failed = [row for row in judged if row.get("missed")]
    _heading(f"Not good: {len(failed)} of {counted(len(judged), 'answerable question')}")
    print_stages(Counter(row["missed"]["stage"] for row in failed), EXCERPT_STAGES)
    for row in failed:
        _print_failure(row)


def _print_failure(row: Document) -> None:
    missed = row["missed"]
    _heading(f"{row['id']}  {row['question']}")
    kind = f"{row['kind']}, " if row["kind"] else ""
    stage = missed["stage"]
    _say(f"{kind}lost by {stage_name(stage)}: {EXCERPT_STAGES.get(stage, '')}", indent=2)
    noise = "none, as nothing was cited" if row["noise"] is None else f"{row['noise']:.2f}"
    _say(f"coverage {row['coverage']:.2f}, noise {noise}", indent=2)
    _say(ranks_of(row), indent=2)
    for expected in missed["expected"]:
        place = f"{expected['path']}:{expected['lines'][0]}"
        _say(f"wanted {place} ({expected['part']})", indent=2)
        _say(shortened(expected["quote"]), indent=4)
    for n, cited in enumerate(row["cited"], start=1):
        _say(f"cited {n}: {cited['path']}:{cited['lines'][0]}", indent=2)
        _say(shortened(cited["quote"]), indent=4)


def _heading(text: str) -> None:
    emit(stdout(), Text(f"\n{safe_line(text)}", style="bold"))


def _say(text: str, *, indent: int = 0) -> None:
    emit(stdout(), Text(safe_line(text)), indent=indent)
