"""Puts an index to every fault that it must survive, and prints what came of it as a table.

    python eval/bench/faults.py --out faults.json
    python eval/bench/faults.py --only kills --quick

A trial works in children of its own on an index of its own, in memory where there is a file system
in memory. Exits with 1 where anything was not as promised, and says what on stderr.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2] / "tests"))
import hashed  # noqa: F401 - before ragqa, to which it gives its embedder
from trials import damage, stopped
from trials.children import preload
from trials.worlds import WAYS, Trial, World, counting, look, make_notes

from ragqa.passages import token_counts

CASES: dict[str, Callable[[Path, int, bool], Iterator[Trial]]] = {
    "kills": lambda folder, seed, quick: stopped.kills(folder, seed, 4 if quick else 1000),
    "full": lambda folder, seed, quick: stopped.full(
        folder, seed, *((100, 30) if quick else (1.15, 1))
    ),
    "flips": lambda folder, seed, quick: damage.flips(
        folder, seed, *((0, 1, 0) if quick else (1000, damage.LEAST, 300))
    ),
}
SHOWN, MAX_CHARS = 10, 2000
"""How many failures are printed, and how much of each."""


def warm_up(folder: Path) -> None:
    """Have all at hand that a build and a question take long to import or to read."""
    notes = make_notes(random.Random(0), 3)  # noqa: S311 - to be repeatable
    world = World(folder / "notes", folder / "index").write(notes)

    def work() -> None:
        world.refresh()
        look(world, *WAYS)

    preload(work)
    token_counts(["the table of tokens is large"])


def rows(found: list[Trial]) -> Iterator[dict[str, Any]]:
    """What came of each case, counted; each row is printed."""
    for case in dict.fromkeys(trial.case for trial in found):
        of_case = [trial for trial in found if trial.case == case]
        outcomes = Counter(trial.outcome for trial in of_case).most_common()
        wrong = sum(bool(trial.wrong) for trial in of_case)
        told = ", ".join(f"{count} {what}" for what, count in outcomes)
        print(f"| {case} | {len(of_case)} | {told} | {wrong} |")
        yield {"case": case, "trials": len(of_case), "outcomes": dict(outcomes), "wrong": wrong}


def main() -> None:
    """Run the trials asked for; exit with 1 where one failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=CASES, action="append", help="may be given again")
    parser.add_argument("--quick", action="store_true", help="fewer trials of each kind")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="write the table and all failures to this file")
    args = parser.parse_args()
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder with a random name is made in it
    report: dict[str, Any] = {"seed": args.seed, "seconds": {}, "rows": [], "failures": []}
    print("| case | trials | outcomes | wrong |\n| --- | ---: | --- | ---: |")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name, counting():
        os.environ |= dict.fromkeys(("XDG_CONFIG_HOME", "XDG_DATA_HOME", "RAGQA_CACHE"), name)
        warm_up(Path(name) / "warm")
        for case in args.only or CASES:
            begun, folder = time.perf_counter(), Path(name) / case
            folder.mkdir()
            found = list(CASES[case](folder, args.seed, args.quick))
            report["seconds"][case] = round(time.perf_counter() - begun, 1)
            report["rows"] += rows(found)
            report["failures"] += [trial._asdict() for trial in found if trial.wrong]
    for failed in report["failures"][:SHOWN]:
        print(
            f"\n{failed['case']}, {failed['name']}: {failed['wrong'][:MAX_CHARS]}", file=sys.stderr
        )
    if args.out:
        args.out.write_text(json.dumps(report, indent=2) + "\n")
    sys.exit(1 if report["failures"] else 0)


if __name__ == "__main__":
    main()
