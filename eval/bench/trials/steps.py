"""A fault at step N of building an index, for N = 1, 2, ... until a build ends untouched.

Steps are where `ragqa.stores.disk.step` is called. A kill between them is tried too, at
moments drawn by chance, but in numbers only where there is time.
"""

import errno
import itertools
import os
import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trials.children import End, run
from trials.verdicts import Trial
from trials.worlds import (
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


def _error(number: int) -> Callable[[], None]:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


def _signalled(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at a step, and at all later ones if it is `lasting`; how the process ends."""

    name: str
    act: Callable[[], None]
    signal: int = 0
    code: int = 0
    says: str = ""
    lasting: bool = False


FAULTS = (
    Fault("SIGKILL", _signalled(signal.SIGKILL), signal=signal.SIGKILL),
    Fault("SIGTERM", _signalled(signal.SIGTERM), signal=signal.SIGTERM),
    Fault("Ctrl-C", _signalled(signal.SIGINT), code=130, says="Interrupted"),
    Fault("ENOSPC", _error(errno.ENOSPC), code=4, says="disk full"),
    Fault("lasting ENOSPC", _error(errno.ENOSPC), code=4, says="disk full", lasting=True),
    Fault("EIO", _error(errno.EIO), code=4, says="cannot write the index"),
    Fault("lasting EIO", _error(errno.EIO), code=4, says="cannot write the index", lasting=True),
    Fault("EACCES", _error(errno.EACCES), code=4, says="cannot write the index"),
)
AT_ANY_MOMENT = Fault("killed", lambda: None, signal=signal.SIGALRM)

TWO = (BEFORE, BETWEEN)
SCENARIOS = (
    Scenario("first build", history=()),
    Scenario("rebuild", ("index", "--rebuild")),
    Scenario("refresh"),
    Scenario("refresh of a large index", constants=LARGE_INDEX),
    Scenario("refresh of a large index with a delta", history=TWO, constants=LARGE_INDEX),
    Scenario("delta made part of the base", history=TWO, constants=FOLDING),
)
KILLED_AT_EACH_STEP = "refresh of a large index with a delta"
"""Which scenario if there is time for one: its build has the most steps."""

MOMENTS = 100
SEED = 7

Built = tuple[int, int]
"""The exit code of a build, and how many steps it took."""


@dataclass(frozen=True, slots=True)
class _Aftermath:
    """What an asker got after the fault, and then the next build, and after that an asker."""

    found: Answers
    left: list[str]
    code: int
    next: Answers
    left_by_next: list[str]
    problems: list[str]


def trials(folder: Path, *, quick: bool) -> Iterator[Trial]:
    """Every fault at every step of every scenario; if `quick`, one fault at most at each."""
    for scenario in SCENARIOS:
        stage = prepare(folder / scenario.name.replace(" ", "-"), scenario)
        for number in itertools.count(1):
            faults = _some_faults(stage, number) if quick else FAULTS
            found = [_at_step(stage, number, fault) for fault in faults]
            yield from (trial for trial in found if trial.outcome != "untouched" or trial.failed)
            if found and all(trial.outcome == "untouched" for trial in found):
                break
        if not quick:
            chance = random.Random(SEED)  # noqa: S311 - to be repeatable
            for _ in range(MOMENTS):
                yield _at_moment(stage, chance.random() * 1.2 * stage.seconds)


def _some_faults(stage: Stage, number: int) -> tuple[Fault, ...]:
    """A kill at the steps of the build that has most of them, each fault in turn in the others.

    Of one link or sync after the other, which say the same, a kill comes at the first and the last.
    Of the steps of the others a sixth is met, of each another.
    """
    if stage.scenario.name == KILLED_AT_EACH_STEP:
        near = stage.steps[max(0, number - 2) : number + 1]
        around = {step.partition(" ")[0] for step in near}
        return () if around in ({"link"}, {"sync"}) else FAULTS[:1]
    turn, rest = divmod(number + SCENARIOS.index(stage.scenario), 6)
    return () if rest else (FAULTS[turn % len(FAULTS)],)


def _build(world: World, scenario: Scenario, fault: Fault | None = None, at: int = 0) -> Built:
    """Build, with a fault at a step or without any."""
    steps = 0

    def announce(_: str) -> None:
        nonlocal steps
        steps += 1
        if fault and (steps == at or (fault.lasting and steps > at)):
            fault.act()

    return scenario.build(world, announce), steps


def _at_step(stage: Stage, number: int, fault: Fault) -> Trial:
    step = stage.steps[number - 1] if number <= len(stage.steps) else "none"
    return _try(
        stage,
        fault,
        f"{fault.name} at each step of a build",
        f"{stage.scenario.name}, {fault.name} at step {number} ({step})",
        lambda world: _build(world, stage.scenario, fault, number),
        is_untouched=lambda built: built[1] < number,
    )


def _at_moment(stage: Stage, seconds: float) -> Trial:
    def build(world: World) -> Built:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        return _build(world, stage.scenario)

    name = f"{stage.scenario.name}, killed after {seconds:.4f} s"
    case = "killed at any moment of a build"
    return _try(stage, AT_ANY_MOMENT, case, name, build, is_untouched=bool)


def _try(
    stage: Stage,
    fault: Fault,
    case: str,
    name: str,
    build: Callable[[World], Built],
    *,
    is_untouched: Callable[[Built], bool],
) -> Trial:
    with stage.base.copied() as world:
        end = run(lambda: build(world))
        after = run(lambda: _look_after(world, stage))
    crash = end.traceback or after.traceback
    if after.value is None or crash:
        return Trial(case, name, "crashed", traceback=crash or f"signal {after.signal}")
    untouched = end.value is not None and is_untouched(end.value)
    outcome = {stage.old: "old index", stage.new: "new index"}.get(after.value.found, "neither")
    return Trial(
        case,
        name,
        "untouched" if untouched else outcome,
        wrong=_wrong(stage, end, after.value),
        amiss="; ".join(_amiss(stage, fault, end, after.value, untouched=untouched)),
    )


def _look_after(world: World, stage: Stage) -> _Aftermath:
    found, left = answers_or_refusal(world), leftovers(world)
    code, _ = _build(world, stage.scenario)
    then = answers_or_refusal(world)
    if found == stage.new and left and not code:
        # It had nothing to write, and then nothing is cleared either.
        code = world.command("index", "--rebuild")
    with world.open() as index:
        problems = index.problems()
    return _Aftermath(found, left, code, then, leftovers(world), problems)


def _wrong(stage: Stage, end: End[Built], after: _Aftermath) -> str:
    if after.found not in (stage.old, stage.new):
        return f"neither the old answers nor the new ones: {after.found}"
    if end.value is not None and end.value[0] == 0 and after.found != stage.new:
        return "the build said that it was done, and the old index answers"
    return "" if after.next == stage.new else f"after the next build, not the new: {after.next}"


def _amiss(
    stage: Stage, fault: Fault, end: End[Built], after: _Aftermath, *, untouched: bool
) -> Iterator[str]:
    code = 0 if end.value is None else end.value[0]
    # The system refused to remove or link something, which the build can do without.
    did_without = code == 0 and fault.code == 4 and after.found == stage.new
    if (end.signal, code) != ((0, 0) if untouched or did_without else (fault.signal, fault.code)):
        yield f"ended by signal {end.signal} or with exit code {code}: {end.output}"
    if code and fault.says not in end.output:
        yield f"does not say {fault.says!r}: {end.output}"
    if after.left and not fault.signal and not fault.lasting and not did_without:
        yield f"left behind: {after.left}"
    if after.code or after.left_by_next or after.problems:
        yield (
            f"the next build exits with {after.code}, leaves {after.left_by_next} behind and has "
            f"the problems {after.problems}"
        )
