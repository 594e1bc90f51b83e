"""Puts ragqa to every fault that it must survive, and prints what came of it as a table.

    python eval/bench/faults.py --out faults.json
    python eval/bench/faults.py --only steps --quick

Each trial is a process of its own on an index of its own, in memory where there is a file system in
memory. Exits with 1 where anything was not as promised, and says what on stderr.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trials import damage, full, steps
from trials.children import preload
from trials.verdicts import Trial, as_markdown, rows
from trials.worlds import BEFORE, World, answers, quick_folder, write

from ragqa.passages.tokens import count as count_tokens

CASES: dict[str, Callable[..., Iterator[Trial]]] = {
    "steps": steps.trials,
    "full": full.trials,
    "damage": damage.trials,
}


def warm_up() -> None:
    """Have all at hand that a build and a question take long to import or to read."""

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            world = write(World(Path(folder)), BEFORE)
            world.command("index")
            world.command("ask", "When does the ferry sail?", "--no-refresh")
            world.command("doctor")
            answers(world)

    preload(work)
    count_tokens(["the table of tokens is large"])


def main() -> None:
    """Run the trials asked for; exit with 1 where one failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=CASES, action="append", help="may be given again")
    parser.add_argument("--quick", action="store_true", help="fewer trials of each kind")
    parser.add_argument("--out", type=Path, help="write the table and all failures to this file")
    args = parser.parse_args()
    table: list[dict[str, Any]] = []
    failures: list[Trial] = []
    warm_up()
    for name in args.only or CASES:
        begun = time.perf_counter()
        with quick_folder() as folder:
            found = list(CASES[name](folder, quick=args.quick))
        table += rows(found, time.perf_counter() - begun)
        failures += [trial for trial in found if trial.failed]
    print(as_markdown(table))
    for trial in failures:
        print(f"\n{trial.name}: {trial.wrong or trial.traceback or trial.amiss}", file=sys.stderr)
    document = {"rows": table, "failures": [asdict(trial) for trial in failures]}
    if args.out:
        args.out.write_text(json.dumps(document, indent=2) + "\n")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
