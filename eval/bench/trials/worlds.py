"""Made-up notes with an index over them, each way to look at it, and what a trial came to."""

import hashlib
import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import RawArray
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from hashed import HashedEmbedder

from ragqa import Index, open_index
from ragqa.embedders import CANARY
from ragqa.errors import NoIndex, RagqaError
from ragqa.lookup import get_part
from ragqa.notes import read
from ragqa.types import Note, Vectors

BATCH = 8
"""Embeddings that are saved together; few notes are several batches."""
QUESTIONS = ("When was lamp 3 lit?", "How high is tower 4?")
TALLY = RawArray("q", 2)
"""How many notes any child has read and parsed, and how many passages it has begun to embed."""

Notes = Mapping[str, str]
View = dict[str, tuple[str, bool]]
"""What each way to look at an index shows, "refused: ..." for an error, and if it warned."""
NONE = "refused: there is no index", True
_OLD = 1_700_000_000


class Trial(NamedTuple):
    """One fault, `name` saying which, and what came of it; `wrong` is what was not as promised."""

    case: str
    name: str
    outcome: str
    wrong: str = ""


def amiss(**found: tuple[object, Sequence[object]]) -> str:
    """What was found and is none of what may be."""
    wrong = {name: pair for name, pair in found.items() if pair[0] not in pair[1]}
    return "; ".join(f"{name} {a!s:.900}, not one of {b!s:.900}" for name, (a, b) in wrong.items())


@dataclass(frozen=True, slots=True)
class World:
    """A folder of notes and a folder with their index."""

    notes: Path
    index: Path
    embedder: str = "hashed:64"

    def open(self) -> Index:
        """The index, unused."""
        return open_index(self.notes, index=self.index, settings={"embedder": self.embedder})

    def refresh(self, *, rebuild: bool = False, wait: bool = False) -> int:
        """Build or refresh the index; the number of its generation."""
        with self.open() as index:
            return index.refresh(rebuild=rebuild, wait=wait).info.generation

    def write(self, notes: Notes, *, age: int = 0) -> "World":
        """Make these the notes, each of one old date, so many seconds more recent if changed."""
        for path in self.notes.rglob("*.md"):
            if path.relative_to(self.notes).as_posix() not in notes:
                path.unlink()
        for path, text in ((self.notes / name, text) for name, text in notes.items()):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
                os.utime(path, (_OLD + age, _OLD + age))
        return self

    @contextmanager
    def copied(self) -> Iterator["World"]:
        """The same notes with a copy of the index, times kept, as long as it is needed."""
        copy = replace(self, index=self.index.with_name("copy"))
        if self.index.exists():
            shutil.copytree(self.index, copy.index)
        try:
            yield copy
        finally:
            shutil.rmtree(copy.index, ignore_errors=True)


def make_notes(chance: random.Random, number: int, parts: int = 4) -> dict[str, str]:
    """Notes of so many passages each; the questions are about the first ones."""
    return {f"{n % 5}/note-{n}.md": _note(chance, n, parts) for n in range(number)}


def changed(chance: random.Random, notes: Notes) -> dict[str, str]:
    """The notes after a sixth was changed, and as many renamed, removed and added."""
    names, result = chance.sample(sorted(notes), len(notes)), dict(notes)
    some, number = max(1, len(names) // 6), chance.randrange(1000, 10**6)
    for n, name in enumerate(names[:some]):
        result[name] = _note(chance, n, 4)
        result[f"moved/{number + n}.md"] = result.pop(names[some + n])
        del result[names[2 * some + n]]
        result[f"new/{number + n}.md"] = _note(chance, number + n, 4)
    return result


def _note(chance: random.Random, n: int, parts: int) -> str:
    return f"# Note {n}\n\n" + "\n".join(
        f"## Lamp {m}\n\nLamp {m} was lit in {chance.randrange(1700, 1990)}.\n\nTower {m} is "
        f"{chance.randrange(5, 90)} metres high and stands in {chance.random():.6f} fathoms.\n"
        for m in range(n * parts, n * parts + parts)
    )


def passages_in(index: Index) -> str:
    """How many passages an index has, and a digest of all of them with their notes."""
    snapshot = index.snapshot()
    found = sorted((each.path, each.text) for each in snapshot.passages(at=[*snapshot.states]))
    return f"{len(found)} passages, {hashlib.sha256(repr(found).encode()).hexdigest()[:12]}"


Shown = list[tuple[object, Sequence[str]]]
"""What is shown, in parts, and the warnings with each."""


def _ask(index: Index, *, refresh: bool = False) -> Shown:
    answers = [index.ask(question, refresh=refresh) for question in QUESTIONS]
    cited = [[(c.path, c.lines, c.quote, round(c.score, 5)) for c in a.citations] for a in answers]
    return [((a.text, quotes), a.warnings) for a, quotes in zip(answers, cited, strict=True)]


def _search(index: Index) -> Shown:
    found = index.search(QUESTIONS[1], limit=20, refresh=False)
    return [([(hit.passage, round(hit.score, 5)) for hit in found.hits], found.warnings)]


def _get(index: Index) -> Shown:
    paths = [note.path for note in index.notes(refresh=False).notes]
    return [(get_part(index, path, refresh=False).text, ()) for path in paths[:2]]


WAYS: dict[str, Callable[[Index], Shown]] = {
    "ask": _ask,
    "passages": lambda index: [(passages_in(index), ())],
    "search": _search,
    "list": lambda index: [(index.notes(refresh=False).notes, ())],
    "get": _get,
    "ask anew": lambda index: _ask(index, refresh=True),
}


def look(world: World, *ways: str) -> View:
    """Look at an index in some ways, one after the other."""
    shown: View = {}
    with world.open() as index:
        for name in ways or ("ask", "passages"):
            try:
                parts = WAYS[name](index)
                shown[name] = repr([part for part, _ in parts]), any(told for _, told in parts)
            except NoIndex:
                return dict.fromkeys(ways or ("ask", "passages"), NONE)
            except RagqaError as exc:
                shown[name] = f"refused: {exc.message}", True
    return shown


@contextmanager
def counting() -> Iterator[None]:
    """Count what is read and embedded, in `TALLY`, and embed in small batches."""
    embed, parse = HashedEmbedder.embed_passages, read.parse_note

    def embed_passages(self: HashedEmbedder, texts: Sequence[str], **options: object) -> Vectors:
        TALLY[1] += len(texts) - list(texts).count(CANARY)
        return embed(self, texts, **options)  # type: ignore[arg-type]

    def parse_note(*args: object) -> Note:
        TALLY[0] += 1
        return parse(*args)  # type: ignore[arg-type]

    with (
        patch.object(HashedEmbedder, "embed_passages", embed_passages),
        patch.object(read, "parse_note", parse_note),
        patch("ragqa.index.refresh.SAVED_TOGETHER", BATCH),
        patch("ragqa.index.refresh.CHUNK_PASSAGES", 4 * BATCH),
    ):
        yield
