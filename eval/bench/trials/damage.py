"""Bytes of index files that flip, with the file's time another, as by writing.

What is believed is what is shown otherwise than by the sound index, with no error and no warning.
Then a refresh is to mend it, or else a build from nothing.
"""

import random
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import NamedTuple

from ragqa.api import Index
from ragqa.errors import RagqaError
from trials.children import FORK, Child, must, run
from trials.worlds import TALLY, Trial, View, World, changed, look, make_notes

LEAST = 20
"""How many bytes of each file are flipped at least, one at a time."""
LARGE = (900, 30)
"""So many notes of so many passages have more embeddings than are compared one by one."""
MENDED = 4
"""In a large index, how many flips of a file are mended."""

_WAYS = ("ask", "search", "list", "get", "passages")


class _Sound(NamedTuple):
    """An index to damage and some files of it, what it shows, and what it did a commit ago."""

    name: str
    world: World
    files: list[Path]
    view: View
    older: View


def flips(folder: Path, seed: int, number: int, least: int, large: int) -> Iterator[Trial]:
    """Flip so many bytes of a small index by size, `least` of each file, and of a large one.

    Without a number, one byte of every third file.
    """
    chance = random.Random(seed)  # noqa: S311 - to be repeatable
    for sound, flipped in ((each, number) for each in _small(folder / "small", chance)):
        for place in _places(chance, sound, flipped, least):
            yield _flipped(sound, *place, mend=True)
    if large:
        world = World(folder / "notes", folder / "index", "hashed:16")
        must(world.write(make_notes(chance, *LARGE)).refresh)
        sound = _Sound("large", world, _files(world), must(lambda: look(world, *_WAYS)), {})
        for n, place in enumerate(_places(chance, sound, large, least)):
            yield _flipped(sound, *place, mend=n % least < MENDED)


def _small(folder: Path, chance: random.Random) -> Iterator[_Sound]:
    """An index at rest after three commits, and the files that differ while it is in use."""
    world, notes = World(folder / "notes", folder / "index"), make_notes(chance, 18)
    for age in range(2):
        must(world.write(notes, age=age).refresh)
        notes = changed(chance, notes)
    world.write(notes, age=2)
    older, begun, done = must(lambda: look(world, *_WAYS)), FORK.Event(), FORK.Event()
    reader = Child(lambda: _read_on(world, begun, done))
    begun.wait()
    must(world.refresh)
    used = replace(world, index=folder / "used")
    shutil.copytree(world.index, used.index)
    done.set()
    reader.end()
    view = must(lambda: look(world, *_WAYS))
    at_rest = {path.relative_to(world.index): path.read_bytes() for path in _files(world)}
    yield _Sound("at rest", world, _files(world), view, older)
    only = [p for p in _files(used) if at_rest.get(p.relative_to(used.index)) != p.read_bytes()]
    yield _Sound("in use", used, only, view, older)


def _read_on(world: World, begun: Event, done: Event) -> None:
    with world.open() as index:
        index.snapshot()
        begun.set()
        done.wait()


def _files(world: World) -> list[Path]:
    return [
        path for path in sorted(world.index.rglob("*")) if path.is_file() and path.stat().st_size
    ]


def _places(
    chance: random.Random, sound: _Sound, number: int, least: int
) -> Iterator[tuple[Path, int, int]]:
    """Files, places in them and bits to flip there."""
    sizes = {file: file.stat().st_size for file in sound.files[:: 1 if number else 3]}
    for file, size in sizes.items():
        for _ in range(max(least, number * size // sum(sizes.values()))):
            yield file, chance.randrange(size), chance.randrange(1, 256)


def _flipped(sound: _Sound, file: Path, at: int, bits: int, *, mend: bool) -> Trial:
    name = file.relative_to(sound.world.index)
    kind = re.sub(r"\d+", "N", re.sub(r"[0-9a-f]{32}", "N", str(name)))
    with sound.world.copied() as world:
        with (world.index / name).open("r+b") as damaged:
            damaged.seek(at)
            byte = damaged.read(1)[0] ^ bits
            damaged.seek(at)
            damaged.write(bytes([byte]))
        seen = run(lambda: look(world, *_WAYS))
        mended = (run(lambda: _mend(world, sound.view)).value or "nothing") if mend else ""
    outcome, wrong = "crashed", f"signal {seen.signal} {seen.error}"
    if seen.value and not seen.error:
        outcome, wrong = _judge(sound, seen.value, said=seen.output)
    outcome += f" [mended by {mended}]" if mended else ""
    wrong += " is not mended" if mended == "nothing" else ""
    return Trial(f"flipped: {kind}, {sound.name}", f"{name} at {at} ^ {bits}", outcome, wrong)


def _judge(sound: _Sound, view: View, said: str) -> tuple[str, str]:
    """What came of a flip in a few words, and what is wrong with that."""
    other = {name: shown for name, shown in view.items() if shown != sound.view[name]}
    believed = {name: text for name, (text, told) in other.items() if not (told or said)}
    if believed and view != sound.older:
        return "BELIEVED", str(believed)
    if believed:
        return "as a commit ago", ""
    refused = other and all(text.startswith("refused: ") for text, _ in other.values())
    return "refused" if refused else "done without" if other else "the same shown", ""


def _mend(world: World, sound: View) -> str:
    """Mend an index; what did it, and whether that took reading notes and embedding passages."""
    ways: dict[str, Callable[[Index], object]] = {
        "refresh": lambda index: index.refresh(),
        "rebuild": lambda index: index.refresh(rebuild=True),
    }
    took = {"notes read": 0, "passages embedded": 0}
    for name, way in ways.items():
        TALLY[:] = 0, 0
        with suppress(RagqaError), world.open() as index:
            way(index)
        took = {what: took[what] + n for what, n in zip(took, TALLY, strict=True)}
        if look(world, *_WAYS) == sound:
            return ", ".join([name, *(what for what, count in took.items() if count)])
    return ""
