"""Readers and writers at one time, clocks that jump, and an index that is moved or read-only."""

import os
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from unittest.mock import patch

from ragqa.api import Index
from ragqa.errors import WriterBusy
from ragqa.types import Filters
from trials.children import FORK, Child, must, run
from trials.worlds import (
    QUESTIONS,
    TALLY,
    Notes,
    Trial,
    View,
    World,
    amiss,
    changed,
    look,
    make_notes,
    passages_in,
    problems,
)

_YEAR_S = 365 * 24 * 3600
_NOBODY = 65534
HANGS_S = 100
"""What another process takes longer to do, it never does."""


class _Stage:
    """An index, and other notes for each of the next commits."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.world, self.chance = World(folder / "notes", folder / "index"), chance
        self.notes: Notes = make_notes(chance, 12)
        must(self.world.write(self.notes).refresh)

    def change(self, *, commit: bool = True) -> None:
        """Change the notes and bring the index up to date."""
        self.notes = changed(self.chance, self.notes)
        self.world.write(self.notes, age=self.chance.randrange(1, 10**6))
        if commit:
            must(self.world.refresh)

    def view(self) -> View:
        """What a process that begins now is shown."""
        return must(lambda: look(self.world))

    def fresh(self) -> list[View]:
        """What it should be shown when the index is up to date."""
        other = replace(self.world, index=self.world.index.with_name("fresh"))
        shutil.rmtree(other.index, ignore_errors=True)
        must(other.refresh)
        return [must(lambda: look(other))]


def trials(folder: Path, seed: int) -> Iterator[Trial]:
    """Each of the cases below, on an index of its own."""
    cases = (_outlived, _two_writers, _clock_jumps, _read_only, _copied)
    for case in cases:
        chance = random.Random(seed)  # noqa: S311 - to be repeatable
        wrong = case(_Stage(folder / case.__name__, chance))
        yield Trial(
            (case.__doc__ or "").strip("."), "", "otherwise" if wrong else "as promised", wrong
        )


def _outlived(stage: _Stage) -> str:
    """A reader outlives three commits."""
    begun, committed = FORK.Event(), FORK.Event()

    def read_on() -> list[object]:
        with stage.world.open() as one, stage.world.open() as unread:
            unread.snapshot()
            first = _all_in(one)
            begun.set()
            committed.wait()
            return [first, _all_in(one), _all_in(unread)]

    reader = Child(read_on)
    begun.wait(HANGS_S)
    for _ in range(3):
        stage.change()
    committed.set()
    first, *later = reader.end().value or ["failed"]
    return amiss(later=(later, [[first] * 2]), now=(stage.view(), stage.fresh()))


def _all_in(index: Index) -> object:
    snapshot = index.snapshot()
    vector = index.source.embedders.asking.embed_query(QUESTIONS[0]).pooled
    near = snapshot.dense(vector, 50, Filters())
    vectors = snapshot.vectors([each for each, _ in near])
    terms = snapshot.terms(["lamp", "3"], 50, Filters())
    stored = sorted((key, one.tobytes()) for key, one in vectors.items())
    return passages_in(index), near, terms, stored


def _two_writers(stage: _Stage) -> str:
    """A second writer is turned away or waits, and an asker gets the index as it is."""
    stage.change(commit=False)
    before, writing, go_on = stage.view(), FORK.Event(), FORK.Event()
    writer = Child(lambda: _write_slowly(stage.world, writing, go_on))
    writing.wait(HANGS_S)
    refused = run(lambda: _write_at_once(stage.world)).value
    asked = run(lambda: look(stage.world, "ask anew")["ask anew"]).value
    waiting, found = Child(lambda: stage.world.refresh(wait=True)), stage.view()
    go_on.set()
    generations = (writer.end().value, waiting.end().value)
    return amiss(
        refused=(refused, ["busy"]),
        asked=(asked, [(before["ask"][0], True)]),
        found=(found, [before]),
        generations=(generations[1], [generations[0] or "none"]),
        after=(stage.view(), stage.fresh()),
    )


def _write_slowly(world: World, writing: Event, go_on: Event) -> int:
    def pause(what: str, *_: object) -> None:
        if what == "embedding":
            writing.set()
            go_on.wait()

    with world.open() as index:
        return index.refresh(progress=pause).info.generation


def _write_at_once(world: World) -> str:
    try:
        world.refresh()
    except WriterBusy as exc:
        return "busy" if exc.message and "\n" not in exc.message else exc.message
    return "written"


def _clock_jumps(stage: _Stage) -> str:
    """The clock, and the times of notes and of index files, jump, beside an open index."""
    asked, changed_ = FORK.Semaphore(0), FORK.Semaphore(0)
    jumps = (0, _YEAR_S, -2 * _YEAR_S, -_YEAR_S, -40 * _YEAR_S)

    def ask_on() -> list[str]:
        found = []
        with stage.world.open() as index:
            for _ in jumps:
                index.search(QUESTIONS[0])
                found.append(passages_in(index))
                asked.release()
                changed_.acquire()
        return found

    asker, right, wrong = Child(ask_on), [], ""
    for n, by in enumerate(jumps):
        if not asked.acquire(timeout=HANGS_S):
            break
        right.append(stage.fresh()[0]["passages"][0])
        stage.change(commit=False)
        note = stage.world.notes / next(iter(stage.notes))
        note.write_text(f"# Note\n\nLamp 3 was lit in {1700 + n}.\n")  # always of one size
        os.utime(note, (time.time() + by,) * 2)
        must(partial(_refresh_at, by, stage.world))
        for path in stage.world.index.rglob("*"):
            os.utime(path, (time.time() + by,) * 2)
        wrong += amiss(found=(stage.view(), stage.fresh()))
        changed_.release()
    found = [repr([each]) for each in asker.end().value or []]
    return wrong + amiss(asked=(found, [right]))


def _refresh_at(by: int, world: World) -> int:
    seconds, ns = time.time, time.time_ns
    with (
        patch("time.time", lambda: seconds() + by),
        patch("time.time_ns", lambda: ns() + by * 10**9),
    ):
        return world.refresh()


def _read_only(stage: _Stage) -> str:
    """The index may only be read."""
    paths = [stage.world.index, *stage.world.index.rglob("*")]
    stage.world.index.parents[2].chmod(0o755)  # the folder of all trials is its user's alone

    def as_nobody() -> tuple[View, list[str]]:
        if os.getuid() == 0:
            with stage.world.copied() as copy:  # what Python loads late may be for root alone
                look(copy, "ask anew")
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
        return look(stage.world, "ask", "passages", "ask anew"), problems(stage.world)

    wrong = ""
    for behind in (False, True):
        view = stage.view()
        right: tuple[object, object] = (view | {"ask anew": (view["ask"][0], behind)}, [])
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        end = run(as_nobody)
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)
        wrong += amiss(shown=(end.value or end.error, [right]))
        stage.change(commit=False)
    must(stage.world.refresh)
    return wrong + amiss(after=(stage.view(), stage.fresh()))


def _copied(stage: _Stage) -> str:
    """A copy of an index has new times."""
    stage.change()
    copy = replace(stage.world, index=stage.world.index.with_name("copied"))
    shutil.copytree(stage.world.index, copy.index, copy_function=shutil.copyfile)
    TALLY[:] = 0, 0
    generation = run(copy.refresh).value
    return amiss(
        generation=(generation, [run(stage.world.refresh).value]),
        read_and_embedded=(list(TALLY), [[0, 0]]),
        found=(run(lambda: look(copy)).value, [stage.view()]),
        problems=(run(lambda: problems(copy)).value, [[]]),
    )
