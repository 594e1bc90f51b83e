"""Words, sentences and windows of passages, and which passages are held out."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from records import Span

from ragqa.text.sentences import sentence_spans

GRAM = 12
WINDOW = 200
"""How many words of a passage are kept: with a question, about what the reader reads at once."""

_WORD = re.compile(r"\w+")
_LINE = re.compile(r"[^\n]+")


def words(text: str) -> list[str]:
    """The words of a text, casefolded."""
    return _WORD.findall(text.casefold())


def share_of(text: str) -> float:
    """A number from 0 to 1 that stays the same for a text, and is alike for no two."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def sentences(text: str) -> list[Span]:
    """The sentences of a text, each within one line."""
    return [
        (line.start() + start, line.start() + end)
        for line in _LINE.finditer(text)
        for start, end in sentence_spans(line[0])
    ]


@dataclass(frozen=True, slots=True)
class Window:
    """Some of the sentences of a text in a row, and where they now lie; `first` of the old ones."""

    text: str
    spans: tuple[Span, ...]
    first: int


def window(text: str, spans: Sequence[Span], around: Sequence[int], lean: float) -> Window:
    """Keep at most `WINDOW` words around some sentences, `lean` of what there is room for before.

    Where these sentences are more themselves, the first of them are kept.
    """
    sizes = [len(words(text[start:end])) for start, end in spans]
    first, last = min(around), max(around)
    while last > first and sum(sizes[first : last + 1]) > WINDOW:
        last -= 1
    room = WINDOW - sum(sizes[first : last + 1])
    before = lean * room
    while first > 0 and sizes[first - 1] <= before:
        first -= 1
        before -= sizes[first]
        room -= sizes[first]
    while last + 1 < len(spans) and sizes[last + 1] <= room:
        last += 1
        room -= sizes[last]
    while first > 0 and sizes[first - 1] <= room:
        first -= 1
        room -= sizes[first]
    start, stop = spans[first][0], spans[last][1]
    moved = tuple((a - start, b - start) for a, b in spans[first : last + 1])
    return Window(text[start:stop], moved, first)


def closest(text: str, spans: Sequence[Span], to: str) -> int:
    """Which sentence shares the most words with another text."""
    wanted = set(words(to))
    shared = [len(wanted & set(words(text[start:end]))) for start, end in spans]
    return shared.index(max(shared))


class HeldOut:
    """The word grams of the texts that no passage may come from."""

    def __init__(self, folders: Iterable[Path], besides: Path) -> None:
        self._grams: set[int] = set()
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not path.resolve().is_relative_to(besides.resolve()):
                    for text in _texts(path):
                        self._grams.update(_grams(text))

    def has(self, text: str) -> bool:
        """Whether at least half of the grams of a text are held out."""
        grams = set(_grams(text))
        return bool(grams) and 2 * len(grams & self._grams) >= len(grams)


def _grams(text: str) -> Iterator[int]:
    found = words(text)
    return (hash(tuple(found[i : i + GRAM])) for i in range(len(found) - GRAM + 1))


def _texts(path: Path) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    if path.suffix == ".jsonl":
        for line in text.splitlines():
            yield from _strings(json.loads(line) if line.strip() else None)
    elif path.suffix == ".json":
        yield from _strings(json.loads(text))
    else:
        yield text


def _strings(found: object) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        for value in found.values():
            yield from _strings(value)
    elif isinstance(found, list):
        for value in found:
            yield from _strings(value)
