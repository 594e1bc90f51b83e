"""Questions whose answers were missed or not good, on the terminal."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ragqa.render.evaluations import print_columns
from ragqa.render.screen import put, put_heading
from ragqa.stages import EXCERPT_STAGES, RANKED_BY, STAGES, stage_name
from ragqa.types import counted

Document = Mapping[str, Any]

_QUOTE_CHARS = 300
_SHOWN_RANKS = 4


def print_failures(document: Document) -> None:
    """Print each missed question: what was expected, its ranks, and the stage that lost it.

    With gold excerpts, that is each question without a good answer, with what was cited.
    """
    by_excerpts = document["mode"] == "excerpts"
    rows = [row for row in document["questions"] if not by_excerpts or "good" in row]
    missed = [row for row in rows if row.get("missed")]
    what, noun = ("Not good", "answerable question") if by_excerpts else ("Missed", "question")
    put_heading(f"{what}: {len(missed)} of {counted(len(rows), noun)}")
    meanings = EXCERPT_STAGES if by_excerpts else STAGES
    stages = Counter(row["missed"]["stage"] for row in missed)
    print_columns(
        ["lost by", "questions", ""],
        [
            [stage_name(stage), str(n), meanings.get(stage, "")]
            for stage, n in sorted(stages.items())
        ],
    )
    for row in missed:
        _print_missed(row, meanings, by_excerpts=by_excerpts)


def _print_missed(row: Document, meanings: Mapping[str, str], *, by_excerpts: bool) -> None:
    missed = row["missed"]
    stage = missed["stage"]
    put_heading(f"{row['id']}  {row['question']}")
    kind = f"{row['kind']}, " if row["kind"] else ""
    put(f"{kind}lost by {stage_name(stage)}: {meanings.get(stage, '')}", indent=2)
    if by_excerpts:
        noise = "none, as nothing was cited" if row["noise"] is None else f"{row['noise']:.2f}"
        put(f"coverage {row['coverage']:.2f}, noise {noise}", indent=2)
    ranks = (f"{by} {_ranks(row['ranks'][name])}" for name, by in RANKED_BY.items())
    put(f"rank: {', '.join(ranks)}", indent=2)
    label = "wanted" if by_excerpts else "expected"
    for expected in missed["expected"]:
        _print_place(label, expected, expected["quote"], f" ({expected['part']})")
    if by_excerpts:
        for n, cited in enumerate(row["cited"], start=1):
            _print_place(f"cited {n}:", cited, cited["quote"])
    elif stage == "composer":
        for n, sentence in enumerate(missed["said"], start=1):
            put(f"said {n}: {_shortened(sentence)}", indent=2)
    else:
        for n, found in enumerate(missed["found"], start=1):
            _print_place(f"found {n}:", found, found["text"])


def _print_place(label: str, place: Document, text: str, part: str = "") -> None:
    put(f"{label} {place['path']}:{place['lines'][0]}{part}", indent=2)
    put(_shortened(text), indent=4)


def _ranks(ranks: Iterable[int | None]) -> str:
    """`3`, or `3 and none` if the second of two parts was not found."""
    found = ["none" if rank is None else str(rank) for rank in ranks]
    more = f" and {len(found) - _SHOWN_RANKS} more" if len(found) > _SHOWN_RANKS else ""
    return " and ".join(found[:_SHOWN_RANKS]) + more


def _shortened(text: str) -> str:
    """A quote on one line, cut after 300 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _QUOTE_CHARS else f"{line[:_QUOTE_CHARS].rstrip()}…"
