"""Measure whether the newest of statements that changed is quoted first.

    python eval/current.py eval/current/household eval/current/team

For each vault, of its questions for what holds and for the past: `right` where the newest statement
(or what the question for the past wants) is in the first excerpt, `told` where it is shown at all
with no older one above it, `stale` where an older one is first, `unreserved` where
that is without reserve. Of look-alikes, which are no change: `kept` where the right one is first,
`swapped` where the similar one is. `other` questions are right where their statement is first.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ragqa import open_index
from ragqa.types import Answer, Citation

Place = tuple[str, int, int]


def measure(vault: Path) -> Counter[str]:
    """The outcomes of all questions about a vault."""
    notes, counts = vault / "notes", Counter[str]()
    files = [vault / name for name in ("questions.jsonl", "other.jsonl")]
    rows = [json.loads(line) for one in files for line in one.read_text("utf-8").splitlines()]
    with TemporaryDirectory() as folder, open_index(notes, index=folder) as index:
        for n, row in enumerate(rows):
            answer = index.ask(row["question"], refresh=n == 0)
            counts.update(outcomes(row, answer, notes))
    return counts


def outcomes(row: Mapping[str, Any], answer: Answer, notes: Path) -> Iterable[str]:
    """What holds of the answer to one question."""
    newest, older, similar = (
        [_place(notes, gold) for gold in row.get(name, ())] for name in ("newest", "older", "wrong")
    )
    earlier = getattr(answer, "earlier", ())  # an older ragqa has none
    shown = (*answer.citations, *earlier, *answer.also) if answer.answered else ()
    is_first = _has(shown[:1], newest)
    if row["kind"] in ("lookalike", "other"):
        yield f"{row['kind']}s"
        if is_first:
            yield "kept" if row["kind"] == "lookalike" else "other"
        elif _has(shown[:1], similar):
            yield "swapped"
        return
    yield "questions"
    places = [n for n, one in enumerate(shown) if _has([one], newest)]
    before = _has(shown[: places[0]], older) if places else True
    yield from ["told"] * (bool(places) and not before)
    if is_first:
        yield "right"
    elif _has(shown[:1], older):
        yield "stale"
        yield from ["unreserved"] * answer.sure


def _place(notes: Path, gold: Mapping[str, str]) -> Place:
    text = (notes / gold["note"]).read_bytes().decode("utf-8-sig")
    start = text.index(gold["quote"])
    return gold["note"], start, start + len(gold["quote"])


def _has(citations: Sequence[Citation], places: Iterable[Place]) -> bool:
    """Whether one of the citations has a part of one of the places."""
    return any(
        one.path == path and one.chars[0] < end and start < one.chars[1]
        for path, start, end in places
        for one in citations
    )


def main() -> None:
    """Print a row for each vault."""
    names = ("right", "told", "stale", "unreserved")
    print("| vault |", " | ".join((*names, "kept", "swapped", "other")), "|")
    print("| --- |", " | ".join(["---"] * (len(names) + 3)), "|")
    for vault in map(Path, sys.argv[1:]):
        counts = measure(vault)
        cells = [f"{counts[name]} of {counts['questions']}" for name in names]
        cells += [f"{counts[name]} of {counts['lookalikes']}" for name in ("kept", "swapped")]
        print(
            f"| {vault.name} |",
            " | ".join([*cells, f"{counts['other']} of {counts['others']}"]),
            "|",
        )


if __name__ == "__main__":
    main()
