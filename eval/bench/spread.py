"""Times builds of the local process beside builds of Ray's actors, in turns, over two sizes.

    python eval/bench/spread.py --out spread.json

For each side a straight line is laid through both sizes: what a build costs before it embeds, and
how many passages it embeds in a second. From these follows the size from which on Ray pays.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from running import describe_machine, run_child
from vaults import write_vault

from ragqa.api import open_index
from ragqa.embedders.spread import ray_workers
from ragqa.types import Progress

HERE = 0
"""The number of actors that stands for the local process."""


@dataclass(frozen=True, slots=True)
class Line:
    """Seconds before the first passage and passages a second, by the medians of two sizes."""

    before_s: float
    passages_a_second: float

    @classmethod
    def through(cls, small: tuple[int, float], large: tuple[int, float]) -> "Line":
        """The line through two points of (passages, seconds)."""
        each = (large[1] - small[1]) / (large[0] - small[0])
        return cls(round(small[1] - small[0] * each, 2), round(1 / each, 1))


def _clocked(spans: dict[str, float]) -> Progress:
    """A progress that notes when each stage was first and last heard of."""
    begun = time.perf_counter()

    def progress(stage: str, done: int, total: int) -> None:
        del total
        now = round(time.perf_counter() - begun, 2)
        spans.setdefault(f"{stage} from", now)
        if done:
            spans[f"{stage} until"] = now

    return progress


def _have_actors(count: int) -> None:
    """Have so many, however many cores there are."""
    from ragqa.embedders.spread import tasks

    each = {"num_cpus": (os.cpu_count() or 1) / count}
    setattr(tasks, "pool", lambda: (count, each))  # noqa: B010 - imported there


def build(corpus: Path, index: Path, actors: int) -> dict[str, object]:
    """Build an index from nothing, by so many actors or here; it is a process of its own."""
    if actors != HERE:
        _have_actors(actors)
    spans: dict[str, float] = {}
    with open_index(corpus, index=index) as opened:
        if actors != HERE:
            opened.source.embedders.workers = partial(ray_workers, address="")
        begun = time.perf_counter()
        report = opened.refresh(rebuild=True, progress=_clocked(spans))
        seconds = time.perf_counter() - begun
    return {"passages": report.info.passages, "seconds": seconds, "stages": spans}


def _child(corpus: Path, folder: Path, actors: int) -> dict[str, float]:
    index = folder / f"{corpus.name}-{actors}"
    argv = [sys.executable, __file__, "--build", str(corpus), str(index), "--actors", str(actors)]
    found: dict[str, float] = json.loads(run_child(argv, answers=(0,)).output)
    return found


def compare(
    folder: Path, sizes: tuple[int, int], actors: list[int], runs: int
) -> dict[str, object]:
    """Time every side at both sizes, so many times in turn; gives lines and where they cross."""
    times: dict[tuple[int, int], list[dict[str, float]]] = {}
    for _ in range(runs):
        for size in sizes:
            corpus = folder / f"vault-{size}"
            write_vault(corpus, passages=size, seed=1)
            for side in (HERE, *actors):
                times.setdefault((side, size), []).append(_child(corpus, folder, side))
                print(side, size, times[side, size][-1], file=sys.stderr)
    lines = {side: _line(times, side, sizes) for side in (HERE, *actors)}
    return {
        "machine": describe_machine(),
        "lines": {_named(side): asdict(line) for side, line in lines.items()},
        "pays_from": {_named(side): pays_from(lines[HERE], lines[side]) for side in actors},
        "runs": [
            {"side": _named(side), "size": size, "runs": found}
            for (side, size), found in times.items()
        ],
    }


def pays_from(here: Line, there: Line) -> int | None:
    """Passages from which on a build is done sooner there; None where it never is."""
    won = 1 / here.passages_a_second - 1 / there.passages_a_second
    return round((there.before_s - here.before_s) / won) if won > 0 else None


def _line(
    times: dict[tuple[int, int], list[dict[str, float]]], side: int, sizes: tuple[int, int]
) -> Line:
    small, large = (
        (int(found[0]["passages"]), statistics.median(run["seconds"] for run in found))
        for found in (times[side, size] for size in sizes)
    )
    return Line.through(small, large)


def _named(actors: int) -> str:
    return "here" if actors == HERE else f"{actors} actors"


def main() -> None:
    """Compare, or build one index for the comparison."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs=2, default=(400, 2400))
    parser.add_argument("--actors", type=int, action="append", help="may be given again")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--build", type=Path, nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.build:
        corpus, index = args.build
        print(json.dumps(build(corpus, index, (args.actors or [HERE])[0])))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = compare(Path(folder), tuple(args.sizes), args.actors or [1, 2], args.runs)
    print(json.dumps({name: found[name] for name in ("lines", "pays_from")}, indent=2))
    if args.out:
        args.out.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
