"""Damaged files of a generation: what is asked of it, and whether the damage is found.

A damaged file is refused by an asker where its size or modification time tells, or its own digest
as with the manifest. What changes bits behind the back of the file system keeps both. Doctor reads
all and finds it. A build refuses it in what it copies or reads; what a new generation only has a
link to keeps its digest, so that doctor finds it there as well.
"""

import itertools
import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ragqa.errors import RagqaError
from ragqa.stores.manifest import TERMS
from trials.children import must, run
from trials.verdicts import Trial
from trials.worlds import (
    AFTER,
    AS_IT_IS,
    BEFORE,
    BETWEEN,
    FOLDING,
    LARGE_INDEX,
    MANY,
    Answers,
    Constants,
    World,
    answers,
    as_if,
    build_up,
    write,
)

FLIPS = 500
QUICK_FLIPS = 15
SEED = 7
KILOBYTE = 1000
MENDS = ("ragqa doctor --repair", "ragqa index --rebuild")
COMMANDS = (("ask", "When was the harbour lamp lit?", "--no-refresh"), ("index",))
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
    """An index to damage, what it answers, and the notes of another refresh.

    It is damaged, asked and refreshed with `constants`; `builds` has those of further refreshes.
    """

    name: str
    world: World
    constants: Constants
    builds: tuple[Constants, ...]
    next: Mapping[str, str]
    answers: Answers


def trials(folder: Path, *, quick: bool) -> Iterator[Trial]:
    """Every kind of damage to every file, asked through the Python interface; some by command."""
    for stage in (_small(folder), _large(folder)):
        with as_if(stage.constants):
            yield from _on(stage, quick=quick)


def _on(stage: _Stage, *, quick: bool) -> Iterator[Trial]:
    for damage in _all(stage.world, quick=quick):
        with _damaged(damage):
            yield _ask(stage, damage)
    for number, damage in enumerate(_one_of_each(stage.world, quick=quick)):
        for command in (COMMANDS[number % len(COMMANDS)],) if quick else COMMANDS:
            with _damaged(damage):
                yield _command(stage, damage, command)
    for file in _with_content(stage.world, quick=quick):
        for constants in stage.builds:
            damage = Damage(
                "a bit flipped, time kept, and a build", file, _midst(file), silent=True
            )
            with _damaged(damage):
                yield _build_upon(stage, damage, constants)


def _small(folder: Path) -> _Stage:
    """An index of two generations, each written anew."""
    world = write(World(folder / "small"), BEFORE)
    must(lambda: world.command("index"))
    write(world, AFTER, age=1)
    must(lambda: world.command("index"))
    found = must(lambda: answers(world))
    return _Stage("small index", world, AS_IT_IS, (AS_IT_IS,), BETWEEN, found)


def _large(folder: Path) -> _Stage:
    """An index with inverted lists and, in its two last generations, a delta."""
    world = World(folder / "large", top_k=20)
    history = tuple({**notes, **MANY} for notes in (BEFORE, BETWEEN, AFTER))
    must(lambda: build_up(world, history))
    with as_if(LARGE_INDEX):
        found = must(lambda: answers(world))
    if not world.has_delta or must(lambda: _kind(world)) != "ivf":
        raise RuntimeError("the large index has no delta, or no inverted lists")
    return _Stage(
        "large index", world, LARGE_INDEX, (LARGE_INDEX, FOLDING), {**BETWEEN, **MANY}, found
    )


def _kind(world: World) -> str:
    with world.open() as index, closing(index.snapshot()) as snapshot:
        return snapshot.info.dense.kind


def _files_of(generation: Path, *, quick: bool) -> list[Path]:
    """Every file of a generation; locks, which hold nothing, are none of it.

    If `quick`, few of the terms, which are all treated in one way.
    """
    paths = (path for path in sorted(generation.rglob("*")) if path.suffix != ".lock")
    files = [path for path in paths if path.is_file()]
    terms = list(filter(_is_of_terms, files))
    return sorted({*files} - {*terms} | {*terms[::4]}) if quick else files


def _all(world: World, *, quick: bool) -> Iterator[Damage]:
    files = _files_of(world.generation, quick=quick)
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
    yield from _flips(_with_content(world), QUICK_FLIPS if quick else FLIPS)


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


def _one_of_each(world: World, *, quick: bool) -> Iterator[Damage]:
    for file in _with_content(world, quick=quick):
        yield Damage("one bit, by command", file, _midst(file))
    for file in () if quick else _files_of(world.generation, quick=False):
        yield Damage("missing, by command", file, lambda _: None)


def _with_content(world: World, *, quick: bool = False) -> list[Path]:
    return [file for file in _files_of(world.generation, quick=quick) if file.stat().st_size]


def _midst(file: Path) -> Change:
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
    seen, name = end.value, _name(stage, damage)
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
    if seen.refusal and not _names(damage, seen.refusal):
        yield f"does not name the file: {seen.refusal}"
    if not seen.problems:
        yield "is not found by looking at all of it"


def _command(stage: _Stage, damage: Damage, command: tuple[str, ...]) -> Trial:
    end = run(lambda: stage.world.command(*command))
    return Trial(
        damage.case,
        f"{command[0]}, {_name(stage, damage)}",
        f"exit code {end.value}",
        traceback=end.traceback,
        amiss="; ".join(_amiss_by_command(damage, end.value, end.output)),
    )


def _build_upon(stage: _Stage, damage: Damage, constants: Constants) -> Trial:
    """Refresh a copy of a damaged index after its notes changed."""
    with stage.world.copied() as world:
        write(world, stage.next, age=3)
        end = run(lambda: _build(world, constants))
    code, found = end.value or (None, False)
    amiss = () if found else _amiss_by_command(damage, code, end.output)
    return Trial(
        damage.case,
        f"{_name(stage, damage)}, {'folded' if constants == FOLDING else 'refreshed'}",
        "built, and found by doctor" if found else f"exit code {code}",
        traceback=end.traceback,
        amiss="; ".join(amiss),
    )


def _build(world: World, constants: Constants) -> tuple[int, bool]:
    """The exit code, and if a new generation was made, whether damage is found there."""
    with as_if(constants):
        code = world.command("index")
        with world.open() as index:
            return code, code == 0 and bool(index.problems())


def _amiss_by_command(damage: Damage, code: int | None, told: str) -> Iterator[str]:
    if code != 4:
        yield "was killed" if code is None else f"ends with exit code {code}"
    if not _names(damage, "".join(told.split())) or not _tells_what_mends(told):
        yield f"does not name the file and what mends it: {told}"


def _names(damage: Damage, told: str) -> bool:
    """Damage that is met only while reading the terms is told of their folder."""
    place = damage.file.parent if damage.silent and _is_of_terms(damage.file) else damage.file
    inside = itertools.dropwhile(lambda part: not part.startswith("gen-"), place.parts)
    return "/".join(["", *itertools.islice(inside, 1, None)]) in told


def _is_of_terms(file: Path) -> bool:
    return file.parent.name == TERMS


def _tells_what_mends(told: str) -> bool:
    return any("".join(command.split()) in "".join(told.split()) for command in MENDS)


def _name(stage: _Stage, damage: Damage) -> str:
    where = damage.file.relative_to(stage.world.generation)
    return " ".join(filter(None, (f"{stage.name},", damage.case, str(where), damage.detail)))
