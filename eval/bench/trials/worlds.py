"""A folder of notes with an index over it, and all that an asker gets from it."""

import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ragqa import cli
from ragqa.api import Index, open_index
from ragqa.config.settings import Value
from ragqa.errors import NoIndex, RagqaError
from ragqa.types import Answer, IndexInfo

LARGE_INDEX: Mapping[str, Any] = {
    "REWRITE_BELOW": 0,
    "MAX_DELTA_SHARE": math.inf,
    "MAX_DEAD_SHARE": math.inf,
}
"""What in `ragqa.stores.local_writer` makes a refresh go the way of a large index."""

BEFORE: Mapping[str, str] = {
    "harbour.md": "# Harbour\n\nThe harbour lamp was lit in 1931 by the first keeper.\n",
    "island/tower.md": "# Tower\n\nThe tower is 42 metres high.\n\nIts stairs have 190 steps.\n",
    "island/boats.md": "# Boats\n\nThe ferry sails at noon and carries 30 people.\n",
    "weather.md": "# Weather\n\nFog comes in from the north on most mornings of May.\n",
    "keepers.md": "# Keepers\n\nKeeper Ada wrote the log until 1950.\n\nKeeper Tom came after.\n",
}
AFTER: Mapping[str, str] = {
    **{name: text for name, text in BEFORE.items() if name != "island/boats.md"},
    "harbour.md": "# Harbour\n\nThe harbour lamp was lit in 1874, as an older log shows.\n",
    "island/museum.md": "# Museum\n\nThe museum shows the old lens from Tuesday to Sunday.\n",
}
"""One note is changed, one removed and one added."""

QUESTIONS = (
    "When was the harbour lamp lit?",
    "When does the ferry sail?",
    "When does the museum show the old lens?",
)

_WRITTEN = 1_700_000_000


@dataclass(frozen=True, slots=True)
class World:
    """A folder with `notes` and `index` in it; both can be copied elsewhere together."""

    folder: Path
    embedder: str = "hashed:64"

    @property
    def notes(self) -> Path:
        """Where the notes are."""
        return self.folder / "notes"

    @property
    def index(self) -> Path:
        """Where the index is, if there is one."""
        return self.folder / "index"

    @property
    def generation(self) -> Path:
        """The folder of the generation to read."""
        return self.index / (self.index / "CURRENT").read_text().strip()

    def open(self) -> Index:
        """The index, with more passages to an answer than there are."""
        settings: dict[str, Value] = {"embedder": self.embedder, "top_k": 1000}
        return open_index(self.notes, index=self.index, settings=settings)

    def command(self, *args: str) -> int:
        """Run the command line on this index in this process; its exit code."""
        os.environ["RAGQA_EMBEDDER"] = self.embedder
        return cli.run([*args, "--corpus", str(self.notes), "--index", str(self.index)])

    @contextmanager
    def copied(self, *, name: str = "trial") -> Iterator["World"]:
        """A copy beside it, as long as it is needed; times of files are kept."""
        copy = World(self.folder.with_name(name), self.embedder)
        shutil.copytree(self.folder, copy.folder)
        try:
            yield copy
        finally:
            shutil.rmtree(copy.folder)


@contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder in memory where there is one: thousands of commits are to wait for no disk."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder with a random name is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def write(world: World, notes: Mapping[str, str], *, age: int = 0) -> World:
    """Make these the notes of a world, all of one old date, so many seconds more recent."""
    shutil.rmtree(world.notes, ignore_errors=True)
    for name, text in notes.items():
        path = world.notes / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (_WRITTEN + age, _WRITTEN + age))
    return world


@contextmanager
def as_if(*, large: bool) -> Iterator[None]:
    """Refreshes go the way of a large index, if wished."""
    with patch.multiple("ragqa.stores.local_writer", **LARGE_INDEX) if large else nullcontext():
        yield


@dataclass(frozen=True, slots=True)
class Answers:
    """All that an asker who does not refresh gets for the questions.

    `said` has an answer's text and citations for each question, "" where nothing is claimed;
    `figures` is everything else, scores and hits included, but for which generation it came from,
    and when that was made.
    """

    said: tuple[str, ...]
    figures: tuple[str, ...]


NO_INDEX = Answers((), ())


def answers(world: World) -> Answers:
    """Ask the questions; raises as `ragqa.api.Index.ask` does, but for `NoIndex`."""
    try:
        with world.open() as index:
            asked = [index.ask(question, refresh=False) for question in QUESTIONS]
    except NoIndex:
        return NO_INDEX
    timeless = [replace(each, timings_ms={}, info=_timeless(each.info)) for each in asked]
    return Answers(tuple(map(_said, asked)), tuple(map(repr, timeless)))


def answers_or_refusal(world: World) -> Answers:
    """The same, or in the place of an answer why there is none."""
    try:
        return answers(world)
    except RagqaError as exc:
        return Answers((f"refused: {exc.message}",), ())


def _said(answer: Answer) -> str:
    cited = [(each.path, each.lines, each.quote) for each in answer.citations]
    return f"{answer.text} {cited}" if answer.answered else ""


def _timeless(info: IndexInfo) -> IndexInfo:
    return replace(info, generation=0, created="")
