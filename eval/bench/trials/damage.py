"""Damaged files of a generation: what is asked of it, and whether the damage is found.

A damaged file is refused by an asker where its size or modification time tells, or its own digest
as with the manifest. What changes bits behind the back of the file system keeps both. Doctor reads
all and finds it. A build refuses it in what it copies or reads; what a new generation only has a
link to keeps its digest, so that doctor finds it there as well.
"""

import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ragqa.errors import RagqaError
from ragqa.stores.local.manifest import TERMS
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

MENDS = ("ragqa doctor --repair", "ragqa index --rebuild")
OTHER_SCORES, WITHHELD, WRONG = "other scores", "an answer withheld", "another answer"
FLIPS = 500
QUICK_FLIPS = 15
SEED = 7
KILOBYTE = 1000


@dataclass(frozen=True, slots=True)
class Damage:
    """What happens to a file, and whether its modification time gives it away.

    `change` makes of what the file holds what it holds when damaged; None: it is removed.
    """

    case: str
    file: Path
    change: Callable[[bytes], bytes | None]
    silent: bool = False
    detail: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What must be told of: the file, or the folder of terms that are met while reading."""
        of_terms = self.silent and self.file.parent.name == TERMS
        return (self.file.parent if of_terms else self.file).parts[-1:]


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


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was answered, or how that was refused, and what a thorough look finds."""

    answers: Answers | None
    refusal: str
    code: int
    problems: list[str]


def trials(folder: Path, *, quick: bool) -> Iterator[Trial]:
    """Every kind of damage to every file, then builds upon bits that flipped unseen."""
    for stage in (_small(folder), _large(folder)):
        files = _files(stage.world.generation, quick=quick)
        filled = [file for file in files if file.stat().st_size]
        with as_if(stage.constants):
            for damage in _every_damage(stage.world, files, quick=quick):
                with _damaged(damage):
                    yield _ask(stage, damage)
            for file in filled:
                middle = _flipped(8 * (file.stat().st_size // 2))
                damage = Damage("a bit flipped, time kept, and a build", file, middle, silent=True)
                for constants in stage.builds:
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
    builds = (LARGE_INDEX, FOLDING)
    return _Stage("large index", world, LARGE_INDEX, builds, {**BETWEEN, **MANY}, found)


def _kind(world: World) -> str:
    with world.open() as index, closing(index.snapshot()) as snapshot:
        return snapshot.info.dense.kind


def _files(generation: Path, *, quick: bool) -> list[Path]:
    """Every file but locks, which hold nothing; few of the terms, all treated alike, if `quick`."""
    paths = (path for path in sorted(generation.rglob("*")) if path.suffix != ".lock")
    files = [path for path in paths if path.is_file()]
    terms = [path for path in files if path.parent.name == TERMS]
    return sorted({*files} - {*terms} | {*terms[::4]}) if quick else files


def _every_damage(world: World, files: list[Path], *, quick: bool) -> Iterator[Damage]:
    """Each kind of damage to each file; if `quick`, less of each."""
    before = min(world.index.glob("gen-*"))
    for file in files:
        data = file.read_bytes()
        lengths = range(0, len(data), KILOBYTE)
        for length in lengths[:: max(1, len(lengths) // 2)] if quick else lengths:
            yield Damage("truncated", file, _put(data[:length]), detail=f"to {length} bytes")
        kept = data[: len(data) // 2]
        zeroed = kept + bytes(len(data) - len(kept))
        yield Damage("zeroed tail", file, _put(zeroed if zeroed != data else data[:-1] + b"\1"))
        yield Damage("missing", file, _put(None))
        other = before / file.relative_to(world.generation)
        if other.exists() and other.read_bytes() != data:
            yield Damage("of the generation before", file, _put(other.read_bytes()))
    chance = random.Random(SEED)  # noqa: S311 - to be repeatable
    sizes = [file.stat().st_size for file in files]
    for file in chance.choices(files, weights=sizes, k=QUICK_FLIPS if quick else FLIPS):
        bit = chance.randrange(8 * file.stat().st_size)
        flip = Damage("a bit flipped", file, _flipped(bit), detail=f"bit {bit}")
        yield flip
        yield replace(flip, case="a bit flipped, time kept", silent=True)


def _put(data: bytes | None) -> Callable[[bytes], bytes | None]:
    return lambda _: data


def _flipped(bit: int) -> Callable[[bytes], bytes]:
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


def _ask(stage: _Stage, damage: Damage) -> Trial:
    end = run(lambda: _look(stage.world))
    seen, name = end.value, _name(stage, damage)
    if seen is None or end.traceback:
        crash = end.traceback or f"signal {end.signal}"
        return Trial(damage.case, name, "crashed", traceback=crash)
    outcome = _outcome(stage.answers, seen.answers)
    wrong = f"answers as if nothing were wrong: {seen.answers}" if outcome == WRONG else ""
    amiss = "; ".join(_amiss(damage, seen))
    return Trial(damage.case, name, outcome, wrong=wrong, amiss=amiss)


def _look(world: World) -> _Seen:
    found, refusal, code = None, "", 0
    try:
        found = answers(world)
    except RagqaError as exc:
        refusal, code = f"{exc.message}; {exc.hint}", exc.exit_code
    with world.open() as index:
        return _Seen(found, refusal, code, index.problems())


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
    # Silent damage may be met as another file that disagrees with the damaged one.
    if seen.refusal and not _tells(seen.refusal, damage.names if not damage.silent else ()):
        yield f"does not name the file and what mends it: {seen.refusal}"
    if seen.refusal and seen.code != 4:
        yield f"ends with exit code {seen.code}"
    if not seen.problems:
        yield "is not found by looking at all of it"


def _tells(told: str, names: tuple[str, ...]) -> bool:
    """Whether a message has these names, and a command that mends an index, however it is cut."""
    flat = "".join(told.split())
    return all(name in flat for name in names) and any(
        "".join(command.split()) in flat for command in MENDS
    )


def _build_upon(stage: _Stage, damage: Damage, constants: Constants) -> Trial:
    """Refresh a copy of a damaged index after its notes changed."""
    with stage.world.copied() as world:
        write(world, stage.next, age=3)
        end = run(lambda: _build(world, constants))
    code, found = end.value or (None, False)
    as_promised = found or (code == 4 and _tells(end.output, damage.names))
    return Trial(
        damage.case,
        f"{_name(stage, damage)}, {'folded' if constants == FOLDING else 'refreshed'}",
        "built, and found by doctor" if found else f"exit code {code}",
        traceback=end.traceback,
        amiss="" if as_promised else f"exit code {code}, signal {end.signal}: {end.output}",
    )


def _build(world: World, constants: Constants) -> tuple[int, bool]:
    """The exit code, and if a new generation was made, whether damage is found there."""
    with as_if(constants):
        code = world.command("index")
        with world.open() as index:
            return code, code == 0 and bool(index.problems())


def _name(stage: _Stage, damage: Damage) -> str:
    where = damage.file.relative_to(stage.world.generation)
    return " ".join(filter(None, (f"{stage.name},", damage.case, str(where), damage.detail)))
