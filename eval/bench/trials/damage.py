"""Damaged files of a generation: what is asked of it, and whether the damage is found.

A damaged file is refused by an asker where its size or modification time tells, or its own digest
as with the manifest. What changes bits behind the back of the file system keeps both. Doctor reads
all and finds it. A build refuses it in what it copies or reads; what a new generation only has a
link to keeps its digest, so that doctor finds it there as well.
"""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ragqa.errors import RagqaError
from trials.children import must, run
from trials.harm import Damage, damaged, every_damage, is_of_terms, midst, one_of_each, with_content
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
COMMANDS = (("ask", "When was the harbour lamp lit?", "--no-refresh"), ("index",))
OTHER_SCORES, WITHHELD, WRONG = "other scores", "an answer withheld", "another answer"


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
    for damage in every_damage(stage.world, quick=quick):
        with damaged(damage):
            yield _ask(stage, damage)
    for number, damage in enumerate(one_of_each(stage.world, quick=quick)):
        for command in (COMMANDS[number % len(COMMANDS)],) if quick else COMMANDS:
            with damaged(damage):
                yield _command(stage, damage, command)
    for file in with_content(stage.world, quick=quick):
        for constants in stage.builds:
            damage = Damage("a bit flipped, time kept, and a build", file, midst(file), silent=True)
            with damaged(damage):
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
    # Silent damage may be met as another file that disagrees with the damaged one.
    if seen.refusal and not damage.silent and not _names(damage, seen.refusal):
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
    """Damage of the terms that is met only while they are read is told of their folder."""
    place = damage.file.parent if damage.silent and is_of_terms(damage.file) else damage.file
    inside = itertools.dropwhile(lambda part: not part.startswith("gen-"), place.parts)
    return "/".join(["", *itertools.islice(inside, 1, None)]) in told


def _tells_what_mends(told: str) -> bool:
    return any("".join(command.split()) in "".join(told.split()) for command in MENDS)


def _name(stage: _Stage, damage: Damage) -> str:
    where = damage.file.relative_to(stage.world.generation)
    return " ".join(filter(None, (f"{stage.name},", damage.case, str(where), damage.detail)))
