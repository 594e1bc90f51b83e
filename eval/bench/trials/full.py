"""A disk that is full, or a limit on the size of files, at each place where a build writes."""

import itertools
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from trials.children import End, run
from trials.verdicts import Trial
from trials.worlds import (
    AFTER,
    BEFORE,
    BETWEEN,
    FOLDING,
    LARGE_INDEX,
    Answers,
    Scenario,
    Stage,
    World,
    answers_or_refusal,
    leftovers,
    prepare,
)

LIMITED, FULL = "limit on the size of a file", "full disk"
SKIPPED = "skipped: no file system can be mounted here"

_DISK_BYTES = 8 * 2**20
_MANY = {
    f"many/{n}.md": "# Note\n\n" + " ".join(f"word{n * k % 3001}" for k in range(1, 100)) + ".\n"
    for n in range(70)
}


BUILDS = (
    # All is written anew, and texts take more than embeddings: of these, what is large is texts.
    Scenario("rebuild", ("index", "--rebuild"), after={**AFTER, **_MANY}, embedder="hashed:8"),
    # What takes most is linked, and a delta is copied.
    Scenario(
        "refresh of a large index",
        history=({**BEFORE, **_MANY}, {**BETWEEN, **_MANY}),
        after={**AFTER, **_MANY},
        constants=LARGE_INDEX,
        embedder="hashed:1024",
    ),
    # Inverted lists are written with all embeddings.
    Scenario(
        "delta made part of the base",
        history=({**BEFORE, **_MANY}, {**BETWEEN, **_MANY}),
        after={**AFTER, **_MANY},
        constants=FOLDING,
        embedder="hashed:1024",
    ),
)


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
    stages = [prepare(folder / build.name, build) for build in BUILDS]
    for stage in stages:
        yield from _until_built(room(), partial(_under_limit, stage))
    (mount := folder / "mount").mkdir()
    try:
        with _small_disk(mount):
            for stage in stages:
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


def _under_limit(stage: Stage, limit: int) -> Trial:
    def build() -> _Built:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        return _build(world, stage.scenario)

    with stage.base.copied() as world:
        return _judge(stage, LIMITED, f"{limit} bytes", run(build), run(lambda: _look(world)))


def _on_full_disk(stage: Stage, mount: Path, room: int) -> Trial:
    ballast = mount / "ballast"
    world = World(mount / "world", stage.scenario.embedder)
    shutil.copytree(stage.base.folder, world.folder)
    try:
        ballast.write_bytes(bytes(max(0, shutil.disk_usage(mount).free - room)))
        end = run(lambda: _build(world, stage.scenario))
        return _judge(stage, FULL, f"{room} bytes left", end, run(lambda: _look(world)))
    finally:
        ballast.unlink()
        shutil.rmtree(world.folder)


def _build(world: World, scenario: Scenario) -> _Built:
    steps = [""]
    code = scenario.build(world, steps.append)
    failing = [step for step in steps if not step.startswith("remove ")]
    return _Built(code, failing[-1])


def _look(world: World) -> _Seen:
    with world.open() as index:
        problems = index.problems()
    return _Seen(answers_or_refusal(world), leftovers(world), problems)


def _judge(stage: Stage, case: str, detail: str, end: End[_Built], after: End[_Seen]) -> Trial:
    name = f"{stage.scenario.name}, {case}, {detail}"
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
