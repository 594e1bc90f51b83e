"""A disk that is full, or a limit on the size of files, at each place where a build writes."""

import itertools
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ragqa.stores.disk import stepping
from trials.children import End, must, run
from trials.steps import leftovers
from trials.verdicts import Trial
from trials.worlds import (
    AFTER,
    AS_IT_IS,
    BEFORE,
    BETWEEN,
    FOLDING,
    LARGE_INDEX,
    Answers,
    Constants,
    World,
    answers,
    answers_or_refusal,
    as_if,
    build_up,
    write,
)

LIMITED, FULL = "limit on the size of a file", "full disk"
SKIPPED = "skipped: no file system can be mounted here"

_DISK_BYTES = 8 * 2**20
_MANY = {
    f"many/{n}.md": "# Note\n\n" + " ".join(f"word{n * k % 3001}" for k in range(1, 100)) + ".\n"
    for n in range(70)
}


@dataclass(frozen=True, slots=True)
class Build:
    """How an index comes to be behind its notes, and the command that brings it up to date.

    `history` has the notes that each of its generations was made of.
    """

    name: str
    embedder: str
    history: tuple[Mapping[str, str], ...]
    after: Mapping[str, str]
    command: tuple[str, ...] = ("index",)
    constants: Constants = AS_IT_IS


BUILDS = (
    # All is written anew, and texts take more than embeddings: of these, what is large is texts.
    Build("rebuild", "hashed:8", (BEFORE,), {**AFTER, **_MANY}, ("index", "--rebuild")),
    # Little is new, and the embeddings that are copied take more than the catalogue.
    Build("refresh", "hashed:1024", ({**BEFORE, **_MANY},), {**AFTER, **_MANY}),
    # What takes most is linked, and a delta is copied.
    Build(
        "refresh of a large index",
        "hashed:1024",
        ({**BEFORE, **_MANY}, {**BETWEEN, **_MANY}),
        {**AFTER, **_MANY},
        constants=LARGE_INDEX,
    ),
    # Inverted lists are written with all embeddings.
    Build(
        "delta made part of the base",
        "hashed:1024",
        ({**BEFORE, **_MANY}, {**BETWEEN, **_MANY}),
        {**AFTER, **_MANY},
        constants=FOLDING,
    ),
)
QUICK_LIMITED = ("rebuild", "refresh of a large index", "delta made part of the base")
QUICK_FULL = ("rebuild", "delta made part of the base")
"""Which builds meet a limit, and which a full disk, if there is little time."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """An index that is behind its notes, and what it answers before and after a build."""

    build: Build
    base: World
    old: Answers
    new: Answers


@dataclass(frozen=True, slots=True)
class _Built:
    """How a build ended: its exit code and the last step that it announced."""

    code: int
    step: str


@dataclass(frozen=True, slots=True)
class _Seen:
    found: Answers
    left: list[str]
    problems: list[str]


def trials(folder: Path, *, quick: bool) -> Iterator[Trial]:
    """Less and less narrow limits, then less and less full disks, until a build ends well."""
    room = partial(_room, least=20_000 if quick else 2_000, growth=3.0 if quick else 1.15)
    names = [build.name for build in BUILDS]
    stages = {
        build.name: _prepare(folder / build.name, build)
        for build in BUILDS
        if not quick or build.name in QUICK_LIMITED
    }
    for stage in map(stages.__getitem__, QUICK_LIMITED if quick else names):
        yield from _until_built(room(), partial(_under_limit, stage))
    (mount := folder / "mount").mkdir()
    try:
        with _small_disk(mount):
            for stage in map(stages.__getitem__, QUICK_FULL if quick else names):
                yield from _until_built(room(), partial(_on_full_disk, stage, mount))
    except PermissionError:
        yield Trial(FULL, FULL, SKIPPED)


def _room(*, least: int, growth: float) -> Iterator[int]:
    """A single byte, then more and more of them."""
    yield 1
    yield from (int(least * growth**power) for power in itertools.count())


def _until_built(room: Iterator[int], attempt: Callable[[int], Trial]) -> Iterator[Trial]:
    for size in room:
        trial = attempt(size)
        yield trial
        if trial.outcome == "built":
            return


def _prepare(folder: Path, build: Build) -> _Stage:
    base = must(lambda: build_up(World(folder / "base", build.embedder), build.history))
    write(base, build.after, age=len(build.history))
    old = must(lambda: answers(base))
    with base.copied() as world:
        must(lambda: _build(world, build))
        new = must(lambda: answers(world))
    return _Stage(build, base, old, new)


def _under_limit(stage: _Stage, limit: int) -> Trial:
    def build() -> _Built:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        return _build(world, stage.build)

    with stage.base.copied() as world:
        return _judge(stage, LIMITED, f"{limit} bytes", run(build), run(lambda: _look(world)))


def _on_full_disk(stage: _Stage, mount: Path, room: int) -> Trial:
    ballast = mount / "ballast"
    world = World(mount / "world", stage.build.embedder)
    shutil.copytree(stage.base.folder, world.folder)
    try:
        ballast.write_bytes(bytes(max(0, shutil.disk_usage(mount).free - room)))
        end = run(lambda: _build(world, stage.build))
        return _judge(stage, FULL, f"{room} bytes left", end, run(lambda: _look(world)))
    finally:
        ballast.unlink()
        shutil.rmtree(world.folder)


def _build(world: World, build: Build) -> _Built:
    steps = [""]
    with as_if(build.constants), stepping(steps.append):
        code = world.command(*build.command)
    failing = [step for step in steps if not step.startswith("remove ")]
    return _Built(code, failing[-1])


def _look(world: World) -> _Seen:
    with world.open() as index:
        problems = index.problems()
    return _Seen(answers_or_refusal(world), leftovers(world), problems)


def _judge(stage: _Stage, case: str, detail: str, end: End[_Built], after: End[_Seen]) -> Trial:
    name = f"{stage.build.name}, {case}, {detail}"
    crash = end.traceback or after.traceback
    if end.value is None or after.value is None or crash:
        crash = crash or f"signals {end.signal}, {after.signal}"
        return Trial(case, name, "crashed", traceback=crash)
    built = end.value.code == 0
    expected = stage.new if built else stage.old
    return Trial(
        case,
        name,
        "built" if built else f"failed at {end.value.step}",
        wrong="" if after.value.found == expected else f"other answers: {after.value.found}",
        amiss="; ".join(_amiss(end.value.code, end.output, after.value)),
    )


def _amiss(code: int, output: str, seen: _Seen) -> Iterator[str]:
    if code and (code != 4 or "disk full" not in output):
        yield f"exit code {code}: {output}"
    if seen.left:
        yield f"left behind: {seen.left}"
    if seen.problems:
        yield f"problems: {seen.problems}"


@contextmanager
def _small_disk(mount: Path) -> Iterator[None]:
    """A file system in memory; PermissionError where none can be mounted."""
    options = ["-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "ragqa-trial", str(mount)]
    mounted = subprocess.run(["/bin/mount", *options], capture_output=True, check=False)
    if mounted.returncode:
        raise PermissionError(mounted.stderr.decode())
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", "-l", str(mount)], check=True)
