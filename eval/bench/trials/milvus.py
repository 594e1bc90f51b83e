"""A fault at each step of building an index in Milvus: in a file, and on a server that lives on.

Steps are the calls that change something there. A killed client leaves the server with what came
before its step, half of its rows included.
"""

import itertools
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ragqa.stores.disk import stepping
from ragqa.stores.milvus.client import Client
from ragqa.stores.milvus.lease import claims
from ragqa.stores.milvus.records import read_record, rows_of_records
from ragqa.stores.saved import SAVED
from trials.children import End, must, preload, run
from trials.steps import Built, Fault, signalled, wrong
from trials.verdicts import Trial
from trials.worlds import (
    AFTER,
    BEFORE,
    Answers,
    Constants,
    World,
    answers_or_refusal,
    as_if,
    build_up,
    write,
)

SMALL_BATCHES: Constants = (
    ("ragqa.stores.milvus.client.ROWS_AT_ONCE", 2),
    ("ragqa.stores.milvus.writer.ROWS_AT_ONCE", 2),
)
"""So that a few notes are sent with several calls."""

NAME = "trials"
START_S = 30

_DIGITS = re.compile(r"-?\d+\.\d+(e-?\d+)?")


def _told(code: object, message: str) -> Callable[[], None]:
    def fail() -> None:
        from pymilvus import MilvusException

        raise MilvusException(code=code, message=message)

    return fail


_LOST = _told(0, "[upsert] Retry timeout: 60.0s, StatusCode.UNAVAILABLE: Connection refused")
_QUOTA = _told(9, "quota exceeded[reason=memory quota exceeded, please allocate more resources]")
_DISK = _told(7, "disk limit exceeded[reason=disk quota exceeded, please allocate more resources]")

FAULTS = (
    Fault("SIGKILL", signalled(signal.SIGKILL), signal=signal.SIGKILL),
    Fault("SIGTERM", signalled(signal.SIGTERM), signal=signal.SIGTERM),
    Fault("Ctrl-C", signalled(signal.SIGINT), code=130, says="Interrupted"),
    Fault("connection lost", _LOST, code=4, says="no Milvus answers"),
    Fault("connection lost for good", _LOST, code=4, says="no Milvus answers", lasting=True),
    Fault("quota exceeded", _QUOTA, code=4, says="accepts no more data"),
    Fault("disk full for good", _DISK, code=4, says="accepts no more data", lasting=True),
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A build of an index whose generations were made of the notes in `history`."""

    name: str
    command: tuple[str, ...] = ("index",)
    history: tuple[Mapping[str, str], ...] = (BEFORE,)


SCENARIOS = (
    Scenario("first build", history=()),
    Scenario("rebuild", ("index", "--rebuild")),
    Scenario("refresh"),
)
"""A refresh adds, changes and removes a note, and finds a new date for the others."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an index is kept: on the server at `uri`, or, where that is "", in its folder."""

    name: str
    uri: str = ""

    def world(self, folder: Path) -> World:
        """A folder whose index is kept here, under the folder's name."""
        return World(folder, store="milvus", uri=self.uri, store_name=f"{NAME}_{folder.name}")


@dataclass(frozen=True, slots=True)
class _Stage:
    """A scenario made ready, and what is answered before the build and after it."""

    place: Place
    scenario: Scenario
    folder: Path
    old: Answers
    new: Answers
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Aftermath:
    """What an asker got after the fault, and then the next build, and after that an asker."""

    found: Answers
    code: int
    next: Answers
    left_by_next: list[str]
    problems: list[str]


def trials(folder: Path, *, quick: bool) -> Iterator[Trial]:
    """Every fault at every step of every scenario, in both places; if `quick`, one at each."""
    _warm_up(folder / "warm")
    with served(folder / "served") as uri:
        for place, scenario in itertools.product((Place("file"), Place("server", uri)), SCENARIOS):
            stage = _prepare(folder, place, scenario)
            for number in range(1, len(stage.steps) + 2):
                faults = (FAULTS[number % len(FAULTS)],) if quick else FAULTS
                yield from (_try(stage, number, fault) for fault in faults)


def _warm_up(folder: Path) -> None:
    """Have all imported, so that children need not; no connection is made in this process."""

    def work() -> None:
        world = write(Place("file").world(folder), BEFORE)
        world.command("index")
        world.command("doctor")
        _answers(world)

    preload(work)


@contextmanager
def served(data: Path) -> Iterator[str]:
    """A server in a process of its own that keeps its data in a folder; gives its URI."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "milvus_lite", "server", "--data-dir", str(data)]
    with subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _prepare(folder: Path, place: Place, scenario: Scenario) -> _Stage:
    where = folder / f"{place.name}_{scenario.name.replace(' ', '_')}"
    stage = _Stage(place, scenario, where, Answers((), ()), Answers((), ()), ())
    with _ready(stage) as world:
        old = must(lambda: _answers(world))
        code, steps = must(lambda: _build(world, scenario))
        new = must(lambda: _answers(world))
    if code or old == new:
        raise RuntimeError(f"{scenario.name} ends with {code}, or no question tells old from new")
    return replace(stage, old=old, new=new, steps=steps)


_numbers = itertools.count(1)


@contextmanager
def _ready(stage: _Stage) -> Iterator[World]:
    """A world before the build; a file is copied, and what is on the server is built for it."""
    base = stage.place.world(stage.folder)
    if stage.place.uri:
        world = stage.place.world(stage.folder.with_name(f"{stage.folder.name}_{next(_numbers)}"))
        must(lambda: _build_up(world, stage.scenario))
        try:
            yield world
        finally:
            shutil.rmtree(world.folder)
            must(lambda: _forget(world))
        return
    if not base.folder.exists():
        must(lambda: _build_up(base, stage.scenario))
    with base.copied() as world:
        yield world


def _build_up(world: World, scenario: Scenario) -> bool:
    build_up(world, scenario.history)
    write(world, AFTER, age=len(scenario.history))
    return True


def _forget(world: World) -> bool:
    client = Client(world.uri, world.store_name)
    for each in client.collections():
        if each == world.store_name or each.startswith(f"{world.store_name}_"):
            client.drop(each)
    return True


def _build(world: World, scenario: Scenario, fault: Fault | None = None, at: int = 0) -> Built:
    """Build, with a fault at a step or without any."""
    steps: list[str] = []

    def announce(name: str) -> None:
        if SAVED in name:
            return  # a file on this machine, whose steps are those of other stores
        steps.append(name)
        if fault and (len(steps) == at or (fault.lasting and len(steps) > at)):
            fault.act()

    with as_if(SMALL_BATCHES), stepping(announce):
        code = world.command(*scenario.command)
    return code, tuple(steps)


def _try(stage: _Stage, number: int, fault: Fault) -> Trial:
    with _ready(stage) as world:
        end = run(lambda: _build(world, stage.scenario, fault, number))
        after = run(lambda: _look_after(world, stage))
    step = stage.steps[number - 1] if number <= len(stage.steps) else "none"
    case = f"{stage.place.name}: {fault.name} at each call of a build"
    name = f"{stage.place.name}, {stage.scenario.name}, {fault.name} at step {number} ({step})"
    crash = end.traceback or after.traceback
    if after.value is None or crash:
        return Trial(case, name, "crashed", traceback=crash or f"signal {after.signal}")
    untouched = end.value is not None and len(end.value[1]) < number
    outcomes = {stage.old: "old index", stage.new: "new index"}
    return Trial(
        case,
        name,
        "untouched" if untouched else outcomes.get(after.value.found, "neither"),
        wrong=wrong(
            end, old=stage.old, new=stage.new, found=after.value.found, then=after.value.next
        ),
        amiss="; ".join(_amiss(fault, end, after.value, untouched=untouched)),
    )


def _look_after(world: World, stage: _Stage) -> _Aftermath:
    found = _answers(world)
    code, _ = _build(world, stage.scenario)
    then = _answers(world)
    with world.open() as index:
        problems = index.problems()
    return _Aftermath(found, code, then, leftovers(world), problems)


def _answers(world: World) -> Answers:
    """What an asker gets, figures to five digits: the last ones go by how rows lie together."""
    found = answers_or_refusal(world)
    return replace(found, figures=tuple(_DIGITS.sub(_rounded, each) for each in found.figures))


def _rounded(match: re.Match[str]) -> str:
    return f"{float(match[0]):.5f}"


def leftovers(world: World) -> list[str]:
    """What a build should have cleared: claims, collections, and rows that no generation has."""
    uri = world.uri or str(world.index / "milvus.db")
    client = Client(uri, world.store_name)
    kept = [read_record(row, "") for row in rows_of_records(client)]
    found = [f"the claim of {claim.owner}" for claim in claims(client)]
    unknown = client.bases() - {each.base for each in kept}
    found += [f"the collections of {base}" for base in unknown]
    kinds = (client.passages, client.notes)
    for collection in {name(each.base) for each in kept for name in kinds}:
        base = int(collection.rpartition("_")[2][1:])
        client.load_if_needed(collection)
        seen = " or ".join(f"({each.visible})" for each in kept if each.base == base)
        if extra := client.count(collection, "pk >= 0") - client.count(collection, seen):
            found.append(f"{extra} rows of {collection}")
    return found


def _amiss(fault: Fault, end: End[Built], after: _Aftermath, *, untouched: bool) -> Iterator[str]:
    code = 0 if end.value is None else end.value[0]
    # What is cleared up, or given back, in the end can be done by the next.
    did_without = code == 0 and fault.code == 4
    if (end.signal, code) != ((0, 0) if untouched or did_without else (fault.signal, fault.code)):
        yield f"ended by signal {end.signal} or with exit code {code}: {end.output}"
    if code and fault.says not in end.output:
        yield f"does not say {fault.says!r}: {end.output}"
    if after.code:
        yield f"the next build exits with {after.code}"
    if after.left_by_next:
        yield f"left behind by the next build: {after.left_by_next}"
    if after.problems:
        yield f"problems after the next build: {after.problems}"
