"""What the reader is trained on, and how it is laid down: one JSON object a line.

A group is one question with one to three passages; a statement is one passage and what is said of
it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Span = tuple[int, int]

SPANS, ANY, NONE = "spans", "any", "none"
"""Whether the answering sentences of a passage are known, or only that it answers."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a question: its sentences, and which of them answer."""

    text: str
    spans: tuple[Span, ...]
    gold: tuple[int, ...]
    label: str
    made: str


@dataclass(frozen=True, slots=True)
class Group:
    """A question with its passages, of the set `source`."""

    source: str
    question: str
    passages: tuple[Passage, ...]
    made: str

    @property
    def answered(self) -> bool:
        """Whether any of the passages answers."""
        return any(passage.label != NONE for passage in self.passages)


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of a passage, and whether it is so."""

    source: str
    statement: str
    passage: str
    label: str
    made: str


def write_examples(path: Path, examples: Iterable[Group | Statement]) -> None:
    """Write examples to a file, whole or not at all."""
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(_laid(one), ensure_ascii=False) + "\n" for one in examples)
    part.replace(path)


def read_examples(path: Path) -> tuple[list[Group], list[Statement]]:
    """Read the groups and the statements of a file; none where there is no such file."""
    groups: list[Group] = []
    statements: list[Statement] = []
    if not path.exists():
        return groups, statements
    with path.open(encoding="utf-8") as file:
        for line in file:
            found = json.loads(line)
            if found["kind"] == "question":
                groups.append(_group(found))
            else:
                statements.append(_statement(found))
    return groups, statements


def _laid(one: Group | Statement) -> dict[str, object]:
    if isinstance(one, Group):
        passages = [
            {
                "text": passage.text, "spans": passage.spans, "gold": passage.gold,
                "label": passage.label, "made": passage.made,
            }
            for passage in one.passages
        ]  # fmt: skip
        return {
            "kind": "question", "set": one.source, "question": one.question,
            "passages": passages, "made": one.made,
        }  # fmt: skip
    return {
        "kind": "statement", "set": one.source, "statement": one.statement,
        "passage": one.passage, "label": one.label, "made": one.made,
    }  # fmt: skip


def _group(found: Mapping[str, Any]) -> Group:
    passages = tuple(
        Passage(
            text=passage["text"],
            spans=tuple((start, end) for start, end in passage["spans"]),
            gold=tuple(passage["gold"]),
            label=passage["label"],
            made=passage["made"],
        )
        for passage in found["passages"]
    )
    return Group(found["set"], found["question"], passages, found["made"])


def _statement(found: Mapping[str, Any]) -> Statement:
    return Statement(
        found["set"], found["statement"], found["passage"], found["label"], found["made"]
    )
