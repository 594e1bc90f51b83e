"""Builds that are stopped half-way: killed at any moment, or out of room on the disk.

The index that was there answers, or the new one, and never another; the next build ends as if
nothing had been, and embeds nothing again but the batch that was being computed.
"""

import random
import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from ragqa.errors import IndexNotWritable
from trials.children import FORK, Child, must, run
from trials.worlds import (
    BATCH,
    NONE,
    TALLY,
    Trial,
    View,
    World,
    amiss,
    changed,
    look,
    make_notes,
)

KINDS = ("first build", "refresh", "rebuild")
_DISK_BYTES = 16 * 2**20

Limit = Callable[[World, int], AbstractContextManager[None]]
"""A context with only so much room for a build."""


class Plan(NamedTuple):
    """A build to be stopped, what is shown `before` and `after` it, and what it takes."""

    kind: str
    world: World
    before: View
    after: View
    seconds: float = 0
    embeddings: int = 0

    def build(self, world: World) -> int:
        """Do it."""
        return world.refresh(rebuild=self.kind == "rebuild")


def plan(folder: Path, kind: str, seed: int) -> Plan:
    """Make notes, an index unless this is a first build, and other notes; then try the build.

    :raises RuntimeError: it is not what a build from nothing makes of the same notes.
    """
    chance = random.Random(seed)  # noqa: S311 - to be repeatable
    world, notes = World(folder / "notes", folder / "index"), make_notes(chance, 18)
    if kind != KINDS[0]:
        must(world.write(notes).refresh)
    world.write(changed(chance, notes), age=1)
    scratch = replace(world, index=folder / "scratch")
    must(scratch.refresh)
    planned = Plan(kind, world, must(lambda: look(world)), must(lambda: look(scratch)))
    with world.copied() as copy:
        TALLY[1], begun = 0, time.perf_counter()
        must(lambda: planned.build(copy))
        seconds, made = time.perf_counter() - begun, must(lambda: look(copy))
    if wrong := amiss(a_build_gives=(made, [planned.after])):
        raise RuntimeError(f"{kind} of seed {seed}: {wrong}")
    return planned._replace(seconds=seconds, embeddings=TALLY[1])


def kills(folder: Path, seed: int, number: int) -> Iterator[Trial]:
    """So many kills, half of them in refreshes, of forty plans or fewer."""
    chance = random.Random(seed)  # noqa: S311 - to be repeatable
    for n, kind in enumerate((*KINDS, "refresh") * (10 if number >= 40 else 1)):
        planned = plan(folder / f"{n}", kind, seed + n)
        for _ in range(number // 40 or number // 4):
            fraction = chance.uniform(0, 1.1)
            outcome, wrong = _killed(planned, fraction)
            yield Trial(f"{kind} killed", f"seed {seed + n}, {fraction:.3f}", outcome, wrong)
        shutil.rmtree(folder / f"{n}")


def _killed(planned: Plan, fraction: float) -> tuple[str, str]:
    """Kill a build after a fraction of its time, beside an asker, and build again."""
    with planned.world.copied() as world:
        stop, TALLY[1] = FORK.Event(), 0
        asker = Child(lambda: _ask_on(world, stop))
        writer = Child(lambda: planned.build(world))
        time.sleep(fraction * planned.seconds)
        writer.kill()
        done, found = writer.end(), run(lambda: look(world)).value
        again = planned.build if found == planned.before else World.refresh
        then = run(lambda: (again(world) > 0, look(world)))
        stop.set()
        seen = asker.end()
    both, lost = [planned.before, planned.after], TALLY[1] - planned.embeddings
    wrong = amiss(
        build_says=(done.error, [""]),
        found=(found, both[1:] if done.value else both),
        then=(then.value or then.error, [(True, planned.after)]),
        lost=(lost, range(-lost, BATCH + 1)),
        beside=(seen.value or seen.error, [both, both[:1], both[1:]]),
    )
    outcome = "before" if found == planned.before else "after" if found in both else "neither"
    return "already done" if done.value else f"index of {outcome}", wrong


def _ask_on(world: World, stop: Event) -> list[View]:
    """Each view that an asker has until it is told to stop, once for as long as it lasts."""
    seen: list[View] = []
    while not stop.is_set() or not seen:
        view = look(world)
        seen += [view] if seen[-1:] != [view] else []
    return seen


def full(folder: Path, seed: int, growth: float, pages: float) -> Iterator[Trial]:
    """So many times the room each time, or one more page at least, until a build ends well."""
    limits: dict[Limit, tuple[float, float]] = {_files: (1000, growth), _pages: (1, pages)}
    (mount := folder / "mount").mkdir()
    options = ["-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "ragqa-trial", str(mount)]
    if subprocess.run(["/bin/mount", *options], capture_output=True, check=False).returncode:
        yield Trial("full disk", "", "skipped: no file system can be mounted here")
    else:
        limits[_disk] = (1000, growth)
    try:
        for planned in [plan(mount / kind, kind, seed) for kind in KINDS]:
            for limit, (room, grows) in limits.items():
                outcome = ""
                while outcome != "built" and room < _DISK_BYTES:
                    outcome, wrong = _in_room(planned, limit, int(room))
                    name = f"{planned.kind}, {int(room)}"
                    yield Trial((limit.__doc__ or "").strip("."), name, outcome, wrong)
                    room = max(room + 1, room * grows)
    finally:
        if _disk in limits:
            subprocess.run(["/bin/umount", "-l", str(mount)], check=True)


def _in_room(planned: Plan, limit: Limit, room: int) -> tuple[str, str]:
    """What a build says, what an asker gets there who refreshes, and then, with room, another."""

    def build() -> tuple[str, str, str]:
        told, hint = "built", ""
        with limit(world, room):
            try:
                planned.build(world)
            except IndexNotWritable as exc:
                told, hint = exc.message, exc.hint
            return told, hint, look(world, "ask anew")["ask anew"][0]

    with planned.world.copied() as world:
        ended = run(build)
        found = run(lambda: look(world)).value
        then = run(lambda: (world.refresh() > 0, look(world)))
    told, hint, asked = ended.value or (f"signal {ended.signal} {ended.error}", "", "")
    built, known = told == "built", [planned.before, planned.after]
    if planned.before["ask"] == NONE and asked.startswith("refused: "):
        asked = NONE[0]
    wrong = amiss(
        told=(told.startswith(("built", "disk full: ", "cannot write the index")), [True]),
        printed=(told.count("\n") * "\n" + ended.output, [""]),
        hint=(bool(hint) or built, [True]),
        asked=(asked, [view["ask"][0] for view in known]),
        found=(found, known if asked == planned.after["ask"][0] else known[:1]),
        then=(then.value or then.error, [(True, planned.after)]),
    )
    return told.partition(" in /")[0].partition(":")[0], wrong


@contextmanager
def _files(_: World, room: int) -> Iterator[None]:
    """Limit on the size of files."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def _pages(_: World, room: int) -> Iterator[None]:
    """Limit on the pages of a database."""
    connect = sqlite3.connect

    def connect_limited(*args: object, **options: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)  # type: ignore[call-overload]
        connection.execute(f"PRAGMA max_page_count={room}").close()
        return connection

    with patch("sqlite3.connect", connect_limited):
        yield


@contextmanager
def _disk(world: World, room: int) -> Iterator[None]:
    """Full disk."""
    ballast = world.index.with_name("ballast")
    ballast.write_bytes(bytes(max(0, shutil.disk_usage(ballast.parent).free - room)))
    try:
        yield
    finally:
        ballast.unlink()
