"""Question groups and statements from the public reading sets."""

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from records import ANY, NONE, SPANS, Group, Passage, Span, Statement
from texts import HeldOut, closest, sentences, share_of, window

HELD = 0.03
MOST = {
    "qamr": 3000, "qadiscourse": 3000, "nqg_squadtrain": 3000,
    "mctest": 800, "bbq": 800, "help": 800, "monli_scone": 800, "breaking_nli": 800,
    "snli_devtest": 6000, "te_protocols": 10000, "medquad": 4000,
}  # fmt: skip
"""The most questions, and the most statements, of a set; the others are whole."""

SEED = 11

T = TypeVar("T")


@dataclass(slots=True)
class Answer:
    """What is known of a question and a passage."""

    made: str
    answers: bool
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its passages, by their numbers."""

    source: str
    question: str
    known: dict[int, Answer] = field(default_factory=dict)


class Sets:
    """The passages and records of a folder, without the passages held out of them."""

    def __init__(self, folder: Path, held_out: HeldOut) -> None:
        self._folder = folder
        self.passages: list[str] = list(self._lines("passages"))
        self.dropped = {n for n, text in enumerate(self.passages) if held_out.has(text)}
        self._held = [share_of(text) < HELD for text in self.passages]
        self._spans: dict[int, list[Span]] = {}

    def groups(self) -> Iterator[tuple[bool, Group]]:
        """Every set's groups up to its most, and whether each is measured on, not trained on."""
        by_set: dict[str, list[tuple[bool, Asked, tuple[int, ...]]]] = defaultdict(list)
        for asked in self._asked():
            for held, chosen in self._gathered(asked):
                by_set[asked.source].append((held, asked, chosen))
        for source, found in sorted(by_set.items()):
            for held, asked, chosen in _some(source, found):
                passages = tuple(self._passage(asked, number) for number in chosen)
                made = asked.known[chosen[0]].made
                yield held, Group(source, asked.question, passages, made)

    def statements(self) -> Iterator[tuple[bool, Statement]]:
        """Every set's statements up to its most, and whether each is measured on."""
        by_set: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for record in self._lines("support"):
            if record["p"] not in self.dropped:
                by_set[record["set"]].append(record)
        for source, found in sorted(by_set.items()):
            for record in _some(source, found):
                number, said = record["p"], record["s"]
                text, spans = self.passages[number], self._sentences(number)
                if spans:
                    around = [closest(text, spans, said)]
                    text = window(text, spans, around, share_of(said + text)).text
                    made = record.get("made", "human")
                    yield self._held[number], Statement(source, said, text, record["y"], made)

    def _lines(self, name: str) -> Iterator[Any]:
        with gzip.open(self._folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)

    def _sentences(self, number: int) -> list[Span]:
        if number not in self._spans:
            self._spans[number] = sentences(self.passages[number])
        return self._spans[number]

    def _asked(self) -> Sequence[Asked]:
        found: dict[tuple[str, str], Asked] = {}
        for name in ("answerable", "sentence"):
            for record in self._lines(name):
                number, key = record["p"], (record["set"], record["q"])
                if number in self.dropped or not self._sentences(number):
                    continue
                known = found.setdefault(key, Asked(*key)).known
                spans = tuple((start, end) for start, end in record.get("spans", ()))
                if number not in known:
                    answers = record["y"] == 1 if "y" in record else bool(spans)
                    known[number] = Answer(record.get("made", "human"), answers)
                if known[number].answers:
                    known[number].spans = spans or known[number].spans
        return list(found.values())

    def _gathered(self, asked: Asked) -> Iterator[tuple[bool, tuple[int, ...]]]:
        """Share out a question's passages: those that answer first, others beside them.

        A passage to measure on is never beside one to train on.
        """
        for held in (False, True):
            mine = [number for number in asked.known if self._held[number] == held]
            answering = [number for number in mine if asked.known[number].answers]
            others = [number for number in mine if not asked.known[number].answers]
            if held and answering and not others:
                others = [number for number, it in asked.known.items() if not it.answers]
            if not answering:
                yield from ((held, tuple(others[i : i + 2])) for i in range(0, len(others), 2))
                continue
            pairs = [answering[i : i + 2] for i in range(0, len(answering), 2)]
            for i, pair in enumerate(pairs):
                beside = others[i :: len(pairs)][: 3 - len(pair)]
                yield held, (*pair, *beside)

    def _passage(self, asked: Asked, number: int) -> Passage:
        text, spans, known = self.passages[number], self._sentences(number), asked.known[number]
        gold = [i for i, span in enumerate(spans) if _meets(span, known.spans)]
        around = gold or [closest(text, spans, asked.question)]
        cut = window(text, spans, around, share_of(asked.question + text))
        inside = tuple(i - cut.first for i in gold if 0 <= i - cut.first < len(cut.spans))
        label = NONE if not known.answers else SPANS if inside else ANY
        return Passage(cut.text, cut.spans, inside, label, known.made)


def _meets(span: Span, answers: Sequence[Span]) -> bool:
    """Whether a sentence and an answer share at least half of either."""
    for start, end in answers:
        shared = min(span[1], end) - max(span[0], start)
        if shared > 0 and 2 * shared >= min(span[1] - span[0], end - start):
            return True
    return False


def _some(source: str, found: Sequence[T]) -> Sequence[T]:
    most = MOST.get(source, len(found))
    if len(found) <= most:
        return found
    rng = random.Random(f"{SEED} {source}")  # noqa: S311 - examples, not secrets
    chosen = sorted(rng.sample(range(len(found)), most))
    return [found[i] for i in chosen]
