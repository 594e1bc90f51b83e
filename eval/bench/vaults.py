"""Writes a folder of made-up notes that is like a real one, of any size.

    python eval/bench/vaults.py /tmp/vault --passages 100000 --seed 1

The same size and seed give the same notes. How long they are, and how much of them are headings,
lists, tables, code, links and tags, is as in the real vaults that the constants were measured on.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from lexicon import Lexicon, invented, load_lexicon
from prose import Prose, Topic, Words, sentences

HALF_TAG = "everyday"
"""A tag that every second note has."""

RARE_TAG = "seldom"
"""A tag that one note of a thousand has."""

_WORDS_A_PASSAGE = 78
_WORDS, _SPREAD = 190, 1.6
_MOST_WORDS = 20_000
"""Words of a note: the median, the standard deviation of the logarithm, and the most."""

_SECTION_WORDS, _SECTION_SPREAD = 110, 0.8
_BLOCK_WORDS = 70
_ITEM_WORDS = 14
_LINK_SHARE = 0.0025
_TAGS = 1.6
_UNDATED = 0.02
_AREA_TOPICS = 12
_NEAR = 0.6
_FIRST_DAY = date(2015, 1, 1)
_DAYS = 4000


@dataclass(frozen=True, slots=True)
class Page:
    """One note to write; `path` is relative to the vault."""

    path: str
    text: str
    words: int


@dataclass(frozen=True, slots=True)
class Written:
    """What a vault is: how it was asked for, and how much of it there is."""

    passages: int
    seed: int
    notes: int
    words: int


@dataclass(frozen=True, slots=True)
class _Start:
    """What is drawn first for a note, so that another one can link to it."""

    rng: np.random.Generator
    topic: int
    name: str
    title: str


class Vault:
    """Makes the notes of a vault, one by one."""

    def __init__(self, lexicon: Lexicon, *, passages: int, seed: int) -> None:
        self._prose = Prose(lexicon, seed=seed)
        self._seed = seed
        self._words = passages * _WORDS_A_PASSAGE
        self._topics = max(8, round((passages / 10) ** 0.7))

    def pages(self) -> Iterator[Page]:
        """The notes in order, until they have words for about so many passages."""
        written = number = 0
        while written < self._words:
            page = self._page(number, most=max(20, self._words - written))
            yield page
            written += page.words
            number += 1

    def _start(self, number: int) -> _Start:
        rng = np.random.default_rng((self._seed, 0, number))
        # Some topics have many notes, most have few.
        topic = int(self._topics * rng.random() ** 1.5)
        subject = str(self._prose.topic(topic).draw(rng, 1)[0])
        name = invented(number)
        return _Start(rng, topic, name, f"{subject.capitalize()} of {name.capitalize()}")

    def _page(self, number: int, *, most: int) -> Page:
        start = self._start(number)
        rng, area = start.rng, start.topic // _AREA_TOPICS
        size = min(int(rng.lognormal(math.log(_WORDS), _SPREAD)) + 8, _MOST_WORDS, most)
        own = self._prose.topic(start.topic)
        names = np.array([start.name, *own.draw(rng, 5)], dtype=object)
        lines = [*_front_matter(number, start, rng), f"# {start.title}", ""]
        left = size
        while left:
            words = min(left, int(rng.lognormal(math.log(_SECTION_WORDS), _SECTION_SPREAD)) + 5)
            beside = self._prose.topic(self._beside(area, rng))
            if words < size:
                lines += [_heading(rng, beside), ""]
            prose = self._prose.words(rng, (own, beside), words, names=names)
            for link in np.flatnonzero(rng.random(words) < _LINK_SHARE) if number else ():
                prose[link] = f"[[{self._start(int(number * rng.random() ** 2)).title}]]"
            lines += _blocks(rng, prose)
            left -= words
        path = f"{_area(area)}/{invented(start.topic)}/{start.title}.md"
        return Page(path, "\n".join(lines), size)

    def _beside(self, area: int, rng: np.random.Generator) -> int:
        """A topic that may come up in a note: one of the same area, or of any."""
        near = rng.random() < _NEAR
        first, last = (
            (area * _AREA_TOPICS, (area + 1) * _AREA_TOPICS) if near else (0, self._topics)
        )
        return int(rng.integers(first, min(last, self._topics)))


def write_vault(folder: Path, *, passages: int, seed: int) -> Written:
    """Write a vault of about so many passages, unless it is there already.

    What it is is kept beside the folder, in a file with `.json` added to its name.
    """
    record = folder.with_name(f"{folder.name}.json")
    if record.exists():
        written = Written(**json.loads(record.read_text()))
        if (written.passages, written.seed) == (passages, seed):
            return written
    if folder.exists():
        raise SystemExit(f"{folder} is there and is not such a vault; remove it or name another")
    notes = words = 0
    made: set[str] = set()
    for page in Vault(load_lexicon(), passages=passages, seed=seed).pages():
        parent = page.path.rpartition("/")[0]
        if parent not in made:
            (folder / parent).mkdir(parents=True, exist_ok=True)
            made.add(parent)
        (folder / page.path).write_text(page.text)
        notes += 1
        words += page.words
    written = Written(passages, seed, notes, words)
    record.write_text(json.dumps(asdict(written)) + "\n")
    return written


def _area(number: int) -> str:
    return f"area-{number:03}"


def _front_matter(number: int, start: _Start, rng: np.random.Generator) -> list[str]:
    tags = [invented(start.topic)]
    tags += [_area(int(area)) for area in rng.integers(0, 30, rng.poisson(_TAGS - 0.5))]
    if number % 2 == 0:
        tags.append(HALF_TAG)
    if number % 1000 == 1:
        tags.append(RARE_TAG)
    day = _FIRST_DAY + timedelta(days=int(rng.integers(_DAYS)))
    dated = [] if rng.random() < _UNDATED else [f"date: {day.isoformat()}"]
    return ["---", f"tags: [{', '.join(dict.fromkeys(tags))}]", *dated, "---", ""]


def _heading(rng: np.random.Generator, topic: Topic) -> str:
    words = topic.draw(rng, 1 + int(rng.integers(4)))
    return f"{'##' if rng.random() < 2 / 3 else '###'} {' '.join(words).capitalize()}"


def _blocks(rng: np.random.Generator, words: Words) -> list[str]:
    """Write a section's words as paragraphs, lists, tables and blocks of code."""
    lines: list[str] = []
    start = 0
    while start < len(words):
        end = start + int(rng.exponential(_BLOCK_WORDS)) + 8
        if end > len(words) - 8:
            end = len(words)
        form = rng.random()
        block = words[start:end]
        if form < 0.5 or len(block) < 12:
            lines += [" ".join(sentences(rng, block)), ""]
        elif form < 0.93:
            lines += [*_list(rng, block), ""]
        elif form < 0.95:
            lines += [*_table(block), ""]
        else:
            lines += ["```", *_rows(block, 6, " = "), "```", ""]
        start = end
    return lines


def _list(rng: np.random.Generator, words: Words) -> list[str]:
    lengths = rng.exponential(_ITEM_WORDS, len(words) // 4).astype(int) + 3
    ends = np.cumsum(lengths)
    pieces = np.split(words, ends[ends < len(words) - 2])
    return [f"- {' '.join(sentences(rng, piece))}" for piece in pieces]


def _table(words: Words) -> list[str]:
    head, *rows = _rows(words, 4, " | ")
    return [f"| {head} |", "| --- | --- | --- | --- |", *(f"| {row} |" for row in rows)]


def _rows(words: Words, width: int, between: str) -> list[str]:
    return [between.join(words[i : i + width]) for i in range(0, len(words), width)]


def main() -> None:
    """Write the vault that is asked for and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    begun = time.perf_counter()
    written = write_vault(args.folder, passages=args.passages, seed=args.seed)
    print(f"{written.notes} notes of {written.words} words in {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
