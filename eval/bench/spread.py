"""Times builds of the local process beside builds of Ray's workers, in turns, over two sizes.

    python eval/bench/spread.py --sizes 400 2400

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
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from running import run_child
from vaults import write_vault

from ragqa.api import open_index
from ragqa.embedders.spread import ray_workers

HERE = 0
"""The number of workers that stands for the local process."""


def _have_actors(count: int) -> None:
    """Have so many, however many cores there are."""
    from ragqa.embedders.spread import tasks

    each = {"num_cpus": (os.cpu_count() or 1) / count}
    setattr(tasks, "pool", lambda: (count, each))  # noqa: B010 - imported there


def build(corpus: Path, index: Path, actors: int) -> dict[str, float]:
    """Build an index from nothing, by so many workers or here; it is a process of its own."""
    with open_index(corpus, index=index) as opened:
        if actors != HERE:
            _have_actors(actors)
            opened.source.embedders.workers = partial(ray_workers, address="")
        begun = time.perf_counter()
        report = opened.refresh(rebuild=True)
        return {"passages": report.info.passages, "seconds": time.perf_counter() - begun}


def _child(corpus: Path, folder: Path, actors: int) -> dict[str, float]:
    index = folder / f"{corpus.name}-{actors}"
    argv = [sys.executable, __file__, "--build", str(corpus), str(index), "--actors", str(actors)]
    found: dict[str, float] = json.loads(run_child(argv, answers=(0,)).output)
    return found


def compare(folder: Path, sizes: Sequence[int], actors: Sequence[int], runs: int) -> None:
    """Time every side at both sizes, so many times in turn, and print where the lines cross."""
    times: dict[tuple[int, int], list[dict[str, float]]] = {}
    for size in [*sizes] * runs:
        write_vault(corpus := folder / f"vault-{size}", passages=size, seed=1)
        for side in (HERE, *actors):
            times.setdefault((side, size), []).append(found := _child(corpus, folder, side))
            print(f"{side or 'no'} workers, {found}", file=sys.stderr)
    here = _line([times[HERE, size] for size in sizes])
    print("| workers | s before the first passage | s a passage | pays from |")
    print(f"| none | {here[0]:.2f} | {here[1]:.4f} | |")
    for side in actors:
        before, each = _line([times[side, size] for size in sizes])
        won = here[1] - each
        pays = f"{(before - here[0]) / won:.0f} passages" if won > 0 else "never"
        print(f"| {side} | {before:.2f} | {each:.4f} | {pays} |")


def _line(sides: Sequence[Sequence[dict[str, float]]]) -> tuple[float, float]:
    """Seconds before the first passage and for each, by the medians of two sizes."""
    small, large = (
        (runs[0]["passages"], statistics.median(run["seconds"] for run in runs)) for runs in sides
    )
    each = (large[1] - small[1]) / (large[0] - small[0])
    return small[1] - small[0] * each, each


def main() -> None:
    """Compare, or build one index for the comparison."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs=2, default=[400, 2400])
    parser.add_argument("--actors", type=int, action="append", help="may be given again")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--build", type=Path, nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.build:
        corpus, index = args.build
        print(json.dumps(build(corpus, index, (args.actors or [HERE])[0])))
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), args.sizes, args.actors or [1, 2], args.runs)


if __name__ == "__main__":
    main()
