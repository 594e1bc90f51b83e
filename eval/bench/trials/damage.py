"""Damaged files of a generation: what is asked of it, and whether the damage is found.

A damaged file is refused by an asker where its size or modification time tells, or its own digest
as with the manifest. What changes bits behind the back of the file system keeps both; that is found
by whoever reads all of it: `ragqa doctor`, and any build upon it.
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ragqa.errors import RagqaError
from trials.children import End, must, run
from trials.verdicts import Trial
from trials.worlds import AFTER, BEFORE, Answers, World, answers, write

FLIPS = 500
QUICK_FLIPS = 50
SEED = 7
KILOBYTE = 1000
MENDS = ("ragqa doctor --repair", "ragqa index --rebuild")
OTHER_SCORES, WITHHELD, WRONG = "other scores", "an answer withheld", "another answer"

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


@dataclass(frozen=True, slots=True)
class _Stage:
    world: World
    answers: Answers


def trials(folder: Path, *, quick: bool) -> Iterator[Trial]:
    """Every kind of damage to every file, asked through the Python interface; some by command."""
    stage = _prepare(folder)
    for damage in _all(stage.world, quick=quick):
        with _damaged(damage):
            yield _ask(stage, damage)
    for damage in _one_of_each(stage.world, quick=quick):
        for command in (("ask", "When was the harbour lamp lit?", "--no-refresh"), ("index",)):
            with _damaged(damage):
                yield _command(stage, damage, command)


def _prepare(folder: Path) -> _Stage:
    """An index of two generations."""
    world = write(World(folder / "world"), BEFORE)
    must(lambda: world.command("index"))
    write(world, AFTER, age=1)
    must(lambda: world.command("index"))
    return _Stage(world, must(lambda: answers(world)))


def files_of(generation: Path) -> list[Path]:
    """Every file of a generation; locks, which hold nothing, are none of it."""
    return sorted(
        path for path in generation.rglob("*") if path.is_file() and path.suffix != ".lock"
    )


def _all(world: World, *, quick: bool) -> Iterator[Damage]:
    files = files_of(world.generation)
    for file in files:
        size = file.stat().st_size
        lengths = range(0, size, KILOBYTE)
        for length in lengths[:: max(1, len(lengths) // 5)] if quick else lengths:
            yield Damage("truncated", file, _truncated(length), detail=f"to {length} bytes")
        for share in (2,) if quick else (2, 4, 16):
            if size:
                yield Damage("zeroed tail", file, _zeroed(share), detail=f"the last 1/{share}")
        yield Damage("missing", file, lambda _: None)
    yield from _swapped(world, files)
    yield from _flips(files, QUICK_FLIPS if quick else FLIPS)


def _swapped(world: World, files: list[Path]) -> Iterator[Damage]:
    """Files with those of the same name in the generation before."""
    others = {path.name: path for path in files_of(min(world.index.glob("gen-*")))}
    for file in files:
        if file.name in others:
            data = others[file.name].read_bytes()
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


def _one_of_each(world: World, *, quick: bool) -> Iterator[Damage]:
    for file in files_of(world.generation):
        if file.stat().st_size:
            yield Damage("one bit, by command", file, _flipped(8 * (file.stat().st_size // 2)))
        if not quick:
            yield Damage("missing, by command", file, lambda _: None)


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
def _damaged(damage: Damage) -> Iterator[None]:
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


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was answered, or how that was refused, and what a thorough look finds."""

    answers: Answers | None
    refusal: str
    code: int
    problems: list[str]


def _look(world: World) -> _Seen:
    found, refusal, code = None, "", 0
    try:
        found = answers(world)
    except RagqaError as exc:
        refusal, code = f"{exc.message}; {exc.hint}", exc.exit_code
    with world.open() as index:
        return _Seen(found, refusal, code, index.problems())


def _ask(stage: _Stage, damage: Damage) -> Trial:
    end = run(lambda: _look(stage.world))
    seen, name = end.value, _name(stage.world, damage)
    if seen is None or end.traceback:
        crash = end.traceback or f"signal {end.signal}"
        return Trial(damage.case, name, "crashed", traceback=crash)
    outcome = _outcome(stage.answers, seen.answers)
    return Trial(
        damage.case,
        name,
        outcome,
        wrong=f"answers as if nothing were wrong: {seen.answers}" if outcome == WRONG else "",
        amiss="; ".join(_amiss(damage, seen)),
        known=damage.silent,
    )


def _outcome(right: Answers, found: Answers | None) -> str:
    if found is None:
        return "refused"
    if found == right:
        return "same answers"
    if found.said == right.said:
        return OTHER_SCORES
    told = zip(found.said, right.said, strict=True)
    return WITHHELD if all(said in ("", wanted) for said, wanted in told) else WRONG


def _amiss(damage: Damage, seen: _Seen) -> Iterator[str]:
    if seen.answers and not damage.silent:
        yield "answers from a damaged file"
    if seen.refusal and (seen.code != 4 or not _tells_what_mends(seen.refusal)):
        yield f"is not told as an index to mend: {seen.refusal}"
    # Damage that is met only while reading the terms is told of their folder.
    if seen.refusal and not damage.silent and damage.file.name not in seen.refusal:
        yield f"does not name the file: {seen.refusal}"
    if not seen.problems:
        yield "is not found by looking at all of it"


def _command(stage: _Stage, damage: Damage, command: tuple[str, ...]) -> Trial:
    end = run(lambda: stage.world.command(*command))
    return Trial(
        damage.case,
        f"{command[0]}, {_name(stage.world, damage)}",
        f"exit code {end.value}",
        traceback=end.traceback,
        amiss="; ".join(_amiss_by_command(damage, end)),
    )


def _amiss_by_command(damage: Damage, end: End[int]) -> Iterator[str]:
    if end.value != 4:
        yield f"ends with exit code {end.value} or signal {end.signal}"
    if damage.file.name not in "".join(end.output.split()) or not _tells_what_mends(end.output):
        yield f"does not name the file and what mends it: {end.output}"


def _tells_what_mends(told: str) -> bool:
    return any("".join(command.split()) in "".join(told.split()) for command in MENDS)


def _name(world: World, damage: Damage) -> str:
    where = damage.file.relative_to(world.generation)
    return " ".join(filter(None, (damage.case, str(where), damage.detail)))
