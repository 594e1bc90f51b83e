"""Question groups and statements written by hand about passages of notes."""

import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records import NONE, SPANS, Group, Passage, Span, Statement
from texts import share_of

HELD = 0.05
SET = "notes"
ANSWERED, NEAR_MISS, NEIGHBOUR = "notes", "near_miss", "neighbour"
_LABELS = {"supported", "contradicted", "unknown"}


@dataclass(frozen=True, slots=True)
class Noted:
    """A passage of a note under its trail."""

    path: str
    text: str
    spans: tuple[Span, ...]

    def passage(self, gold: tuple[int, ...], made: str) -> Passage:
        """The passage for a question; it answers where `gold` names units."""
        if gold and not (min(gold) >= 0 and max(gold) < len(self.spans)):
            raise ValueError(f"no units {gold}")
        return Passage(self.text, self.spans, gold, SPANS if gold else NONE, made)


def read_notes(folder: Path) -> Iterator[tuple[bool, Group | Statement]]:
    """What was written of a folder's passages, and whether each is measured on."""
    for path in sorted(folder.glob("*.passages.jsonl.gz")):
        passages = {found["id"]: _noted(found) for found in map(json.loads, _lines(path))}
        written = path.with_name(path.name.replace(".passages.", ".out."))
        bad = 0
        for line in _lines(written) if written.exists() else ():
            try:
                record = json.loads(line)
                one = _example(record, passages)
                held = share_of(passages[record["p"]].path) < HELD
            except (ValueError, KeyError, TypeError, AttributeError):
                bad += 1
                continue
            yield held, one
        if bad:
            print(f"{written}: {bad} bad lines skipped", file=sys.stderr)


def _lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        return [line for line in file if line.strip()]


def _noted(found: Mapping[str, Any]) -> Noted:
    above = len(found["trail"]) + 1
    spans = tuple((start + above, end + above) for start, end in found["units"])
    return Noted(found["path"], f"{found['trail']}\n{found['text']}", spans)


def _example(record: Mapping[str, Any], passages: Mapping[int, Noted]) -> Group | Statement:
    number = record["p"]
    noted = passages[number]
    if "s" in record:
        if record["y"] not in _LABELS or not record["s"].strip():
            raise ValueError(f"no label {record['y']!r}")
        return Statement(SET, record["s"], noted.text, record["y"], "human")
    question, gold = record["q"], tuple(sorted({int(unit) for unit in record["a"]}))
    if not question.strip():
        raise ValueError("no question")
    if not gold:
        return Group(SET, question, (noted.passage((), NEAR_MISS),), NEAR_MISS)
    chosen = [noted.passage(gold, ANSWERED)]
    sides = (number - 1, number + 1) if share_of(question) < 1 / 2 else (number + 1, number - 1)
    for side in sides:
        beside = passages.get(side)
        if beside is not None and beside.path == noted.path:
            chosen.append(beside.passage((), NEIGHBOUR))
            break
    return Group(SET, question, tuple(chosen), ANSWERED)
