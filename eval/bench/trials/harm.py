"""The kinds of damage that the files of a generation are put to."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ragqa.stores.local.manifest import TERMS
from trials.worlds import World

FLIPS = 500
QUICK_FLIPS = 15
SEED = 7
KILOBYTE = 1000

Change = Callable[[bytes], bytes | None]
"""From what a file holds to what it holds when damaged; None: it is removed."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What happens to a file, and whether its modification time gives it away."""

    case: str
    file: Path
    change: Change
    silent: bool = False
    detail: str = ""


def files_of(generation: Path, *, quick: bool) -> list[Path]:
    """Every file of a generation; locks, which hold nothing, are none of it.

    If `quick`, few of the terms, which are all treated in one way.
    """
    paths = (path for path in sorted(generation.rglob("*")) if path.suffix != ".lock")
    files = [path for path in paths if path.is_file()]
    terms = list(filter(is_of_terms, files))
    return sorted({*files} - {*terms} | {*terms[::4]}) if quick else files


def every_damage(world: World, *, quick: bool) -> Iterator[Damage]:
    """Each kind of damage to each file of the generation to read; if `quick`, less of each."""
    files = files_of(world.generation, quick=quick)
    for file in files:
        size = file.stat().st_size
        lengths = range(0, size, KILOBYTE)
        for length in lengths[:: max(1, len(lengths) // 2)] if quick else lengths:
            yield Damage("truncated", file, _truncated(length), detail=f"to {length} bytes")
        for share in (2,) if quick else (2, 4, 16):
            if size:
                yield Damage("zeroed tail", file, _zeroed(share), detail=f"the last 1/{share}")
        yield Damage("missing", file, lambda _: None)
    yield from _swapped(world, files)
    yield from _flips(with_content(world), QUICK_FLIPS if quick else FLIPS)


def _swapped(world: World, files: list[Path]) -> Iterator[Damage]:
    """Files with those in the same place in the generation before."""
    before = min(world.index.glob("gen-*"))
    for file in files:
        other = before / file.relative_to(world.generation)
        if other.exists():
            data = other.read_bytes()
            if data != file.read_bytes():
                case = "of the generation before"
                yield Damage(case, file, lambda _, data=data: data)  # type: ignore[misc]  # bound now


def _flips(files: list[Path], count: int) -> Iterator[Damage]:
    """One bit anywhere in all files, first with another time and then without."""
    chance = random.Random(SEED)  # noqa: S311 - to be repeatable
    sizes = [file.stat().st_size for file in files]
    for _ in range(count):
        (file,) = chance.choices(files, weights=sizes)
        bit = chance.randrange(8 * file.stat().st_size)
        flip = Damage("a bit flipped", file, _flipped(bit), detail=f"bit {bit}")
        yield flip
        yield replace(flip, case="a bit flipped, time kept", silent=True)


def one_of_each(world: World, *, quick: bool) -> Iterator[Damage]:
    """A flipped bit in each file, and unless `quick`, each file missing."""
    for file in with_content(world, quick=quick):
        yield Damage("one bit, by command", file, midst(file))
    for file in () if quick else files_of(world.generation, quick=False):
        yield Damage("missing, by command", file, lambda _: None)


def with_content(world: World, *, quick: bool = False) -> list[Path]:
    """The files of the generation to read that hold a byte."""
    return [file for file in files_of(world.generation, quick=quick) if file.stat().st_size]


def midst(file: Path) -> Change:
    """Flip a bit in the middle of it."""
    return _flipped(8 * (file.stat().st_size // 2))


def _truncated(length: int) -> Change:
    return lambda data: data[:length]


def _zeroed(share: int) -> Change:
    def zero(data: bytes) -> bytes:
        kept = len(data) - max(1, len(data) // share)
        zeroed = data[:kept] + bytes(len(data) - kept)
        return zeroed if zeroed != data else data[:-1] + b"\1"

    return zero


def _flipped(bit: int) -> Change:
    def flip(data: bytes) -> bytes:
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        return bytes(damaged)

    return flip


@contextmanager
def damaged(damage: Damage) -> Iterator[None]:
    """Damage a file, and make it in the end what it was."""
    status, data = damage.file.stat(), damage.file.read_bytes()
    changed = damage.change(data)
    if changed is None:
        damage.file.unlink()
    else:
        damage.file.write_bytes(changed)
        later = 0 if damage.silent else 1
        os.utime(damage.file, ns=(status.st_atime_ns, status.st_mtime_ns + later))
    try:
        yield
    finally:
        damage.file.write_bytes(data)
        os.utime(damage.file, ns=(status.st_atime_ns, status.st_mtime_ns))


def is_of_terms(file: Path) -> bool:
    """Whether it is one of the files of the terms."""
    return file.parent.name == TERMS
