"""Two that would write one index: the second is turned away at once, or waits for its turn."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from ragqa.stores.disk import stepping
from trials.children import Child, End, must, run, start
from trials.verdicts import Trial
from trials.worlds import AFTER, BEFORE, World, answers, write

CASE = "a second indexer"


def trials(folder: Path, *, quick: bool) -> Iterator[Trial]:  # noqa: ARG001 - there are three only
    """While one build stands still in its midst: another, a question, and one that waits."""
    world = write(World(folder / "world"), BEFORE)
    must(lambda: world.command("index"))
    write(world, AFTER, age=1)
    old = must(lambda: answers(world))
    go, going = os.pipe()
    first = _start_until(world, "write vectors.faiss", go)
    before = _contents(world)
    second = run(lambda: world.command("index"))
    yield _judge("index", second, "turned away", code=6, says="another process is writing")
    asked = run(lambda: world.command("ask", "How high is the tower?"))
    yield _judge("ask", asked, "answers as before", code=0, says="could not bring the index up to")
    same = _contents(world) == before and must(lambda: answers(world)) == old
    yield Trial(CASE, "what it touched", "nothing", amiss="" if same else "the index changed")
    waiting = _start_waiting(world)
    os.write(going, b".")
    ends = first.end(), waiting.end()
    yield _judge("the first", ends[0], "built", code=0, says="5 notes")
    yield _judge("index --wait", ends[1], "waited", code=0, says="5 notes")
    os.close(go)
    os.close(going)


def _start_until(world: World, name: str, go: int) -> Child[int]:
    """Start a build, and wait until it has reached a step, or has ended without that."""
    arrived, arriving = os.pipe()
    child = start(lambda: _build_until(world, name, arriving, go))
    os.close(arriving)
    os.read(arrived, 1)
    os.close(arrived)
    return child


def _start_waiting(world: World) -> Child[int]:
    """Start a build that waits, and wait until it does."""
    arrived, arriving = os.pipe()
    child = start(lambda: _wait_for_turn(world, arriving))
    os.close(arriving)
    os.read(arrived, 1)
    os.close(arrived)
    return child


def _wait_for_turn(world: World, arriving: int) -> int:
    """Build with `--wait`; tell when it begins to look again and again whether it may."""
    sleep = time.sleep

    def telling(seconds: float) -> None:
        os.write(arriving, b".")
        sleep(seconds)

    time.sleep = telling  # type: ignore[assignment]  # ragqa sleeps for a float
    return world.command("index", "--wait")


def _build_until(world: World, name: str, arriving: int, go: int) -> int:
    """Build; at a step tell that it is reached, and stand still until told to go on."""
    reached: list[str] = []

    def stand_still(step: str) -> None:
        if step == name and not reached:
            reached.append(step)
            os.write(arriving, b".")
            os.read(go, 1)

    with stepping(stand_still):
        return world.command("index")


def _contents(world: World) -> dict[Path, int]:
    return {path: path.lstat().st_mtime_ns for path in world.index.rglob("*")}


def _judge(name: str, end: End[int], outcome: str, *, code: int, says: str) -> Trial:
    as_promised = end.value == code and says in end.output
    amiss = "" if as_promised else f"exit code {end.value}, signal {end.signal}: {end.output}"
    return Trial(CASE, name, outcome, traceback=end.traceback, amiss=amiss)
