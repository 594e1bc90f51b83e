"""A folder of notes with an index over it, and all that an asker gets from it."""

import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest.mock import patch

from ragqa import cli
from ragqa.api import Index, open_index
from ragqa.config.setting import Value
from ragqa.errors import NoIndex, RagqaError
from ragqa.stores.disk import stepping
from ragqa.stores.local.generations import KEPT_GENERATIONS
from ragqa.stores.local.manifest import DELTA
from ragqa.types import Answer, IndexInfo
from trials.children import must

Constants = tuple[tuple[str, float], ...]
"""Constants of ragqa, by module and name, with other values; the last counts."""

AS_IT_IS: Constants = ()
LARGE_INDEX: Constants = (
    ("ragqa.stores.local.writer.REWRITE_BELOW", 0),
    ("ragqa.stores.local.writer.MAX_DELTA_SHARE", math.inf),
    ("ragqa.stores.local.writer.MAX_DEAD_SHARE", math.inf),
    ("ragqa.stores.local.vector_draft.EXACT_UP_TO", 60),
    ("ragqa.stores.local.vector_file.EXHAUSTIVE_UP_TO", 30),
)
"""A refresh goes the way of a large index: changes are kept in a delta, and more than sixty vectors
are searched by inverted lists."""
FOLDING: Constants = (*LARGE_INDEX, ("ragqa.stores.local.writer.MAX_DELTA_SHARE", 0))
"""The same, but any change makes a new base of the base and its delta."""

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
BETWEEN: Mapping[str, str] = {
    **{name: text for name, text in BEFORE.items() if name != "keepers.md"},
    "weather.md": "# Weather\n\nFog comes in from the west on some mornings of June.\n",
    "island/boats.md": "# Boats\n\nThe ferry sails at one and carries 20 people.\n",
    "island/pier.md": "# Pier\n\nThe pier was built of oak.\n",
}
"""From `BEFORE` over this to `AFTER`, notes are changed, removed and added that were so before."""
MANY: Mapping[str, str] = {
    f"many/{n}.md": "\n".join(
        f"# Buoy {k}\n\nBuoy {k} rang word{k * k % 97} in {k} fathoms off cape{k * 7 % 31}.\n"
        for k in range(30 * n, 30 * n + 30)
    )
    for n in range(7)
}
"""Many passages in few notes."""

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
    top_k: int = 1000

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

    @property
    def has_delta(self) -> bool:
        """Whether the generation to read keeps changes beside its base."""
        return self.index.is_dir() and (self.generation / DELTA).is_dir()

    def open(self) -> Index:
        """The index, with `top_k` passages to an answer; in few notes there are less than that."""
        settings: dict[str, Value] = {"embedder": self.embedder, "top_k": self.top_k}
        return open_index(self.notes, index=self.index, settings=settings)

    def command(self, *args: str) -> int:
        """Run the command line on this index in this process; its exit code."""
        os.environ["RAGQA_EMBEDDER"] = self.embedder
        return cli.run([*args, "--corpus", str(self.notes), "--index", str(self.index)])

    @contextmanager
    def copied(self, *, name: str = "trial") -> Iterator["World"]:
        """A copy beside it, as long as it is needed; times of files are kept."""
        copy = replace(self, folder=self.folder.with_name(name))
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
def as_if(constants: Constants) -> Iterator[None]:
    """Constants of ragqa have these values."""
    with ExitStack() as patched:
        for name, value in constants:
            patched.enter_context(patch(name, value))
        yield


def build_up(world: World, history: Sequence[Mapping[str, str]]) -> World:
    """Make a generation of each of these notes, with a delta from the second on."""
    for age, notes in enumerate(history):
        write(world, notes, age=age)
        with as_if(LARGE_INDEX):
            if world.command("index"):
                raise RuntimeError(f"generation {age + 1} could not be built")
    return world


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


@dataclass(frozen=True, slots=True)
class Scenario:
    """A build of an index whose generations were made of the notes in `history`, or the first one.

    `after` are the notes that it is then built of, by `command`.
    """

    name: str
    command: tuple[str, ...] = ("index",)
    history: tuple[Mapping[str, str], ...] = (BEFORE,)
    after: Mapping[str, str] = field(default_factory=lambda: AFTER)
    constants: Constants = AS_IT_IS
    embedder: str = "hashed:64"

    def build(self, world: World, announce: Callable[[str], None]) -> int:
        """Build, with each step announced; the exit code."""
        with as_if(self.constants), stepping(announce):
            return world.command(*self.command)


@dataclass(frozen=True, slots=True)
class Stage:
    """A scenario made ready, and what is answered before the build and after it.

    `steps` and `seconds` are what a build takes that nothing happens to.
    """

    scenario: Scenario
    base: World
    old: Answers
    new: Answers
    steps: tuple[str, ...]
    seconds: float


def prepare(folder: Path, scenario: Scenario) -> Stage:
    """Make an index that is behind its notes, and see what a build makes of a copy of it."""
    base = must(lambda: build_up(World(folder / "base", scenario.embedder), scenario.history))
    write(base, scenario.after, age=len(scenario.history))
    old = must(lambda: answers(base))

    def build() -> tuple[str, ...]:
        steps: list[str] = []
        scenario.build(world, steps.append)
        return tuple(steps)

    with base.copied() as world:
        begun = time.perf_counter()
        steps = must(build)
        seconds = time.perf_counter() - begun
        new = must(lambda: answers(world))
        has_delta = world.has_delta
    if old == new:
        raise RuntimeError(f"{scenario.name}: the questions do not tell the new index from the old")
    if has_delta != (scenario.constants == LARGE_INDEX):
        raise RuntimeError(f"{scenario.name}: there is a delta where none should be, or none")
    return Stage(scenario, base, old, new, steps, seconds)


def leftovers(world: World) -> list[str]:
    """What a build should have cleared: drafts, and generations beyond those that are kept."""
    names = sorted(path.name for path in world.index.glob("*"))
    generations = [name for name in names if name.startswith("gen-") and name[4:].isdigit()]
    return [name for name in names if name.endswith(".tmp")] + generations[:-KEPT_GENERATIONS]
