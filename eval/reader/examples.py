"""Lay out what the reader is trained on and measured on.

    PYTHONPATH=eval/reader:. python eval/reader/examples.py SETS OUT \
        --hold-out ../data --hold-out corpus --hold-out eval --notes NOTES

SETS holds the public sets; no passage of which half is in a text under a `--hold-out` folder is
taken. With `--notes`, what was written of notes goes into files of its own.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from made import made_groups, made_statements
from notes import read_notes
from public import Sets
from records import Group, Statement, write_examples
from texts import HeldOut

SEED = 5

Halves = dict[bool, list[Group | Statement]]


def main() -> None:
    """Write `train.jsonl` and `held.jsonl`, and those of the notes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--hold-out", type=Path, action="extend", nargs="+", default=[])
    parser.add_argument("--notes", type=Path)
    parser.add_argument("--only-notes", action="store_true", help="leave the public sets as laid")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if not given.only_notes:
        _write(given.out, "", _public(given.sets, given.hold_out))
    if given.notes:
        _write(given.out, "notes-", _halves(read_notes(given.notes)))


def _public(folder: Path, hold_out: Sequence[Path]) -> Halves:
    sets = Sets(folder, HeldOut(hold_out, besides=folder))
    print(f"{len(sets.dropped)} passages held out", file=sys.stderr)
    halves: Halves = {}
    groups, statements = list(sets.groups()), list(sets.statements())
    for held in (False, True):
        rng = random.Random(SEED + held)  # noqa: S311 - examples, not secrets
        asked = [group for is_held, group in groups if is_held == held]
        said = [one for is_held, one in statements if is_held == held]
        halves[held] = [*asked, *made_groups(asked, rng), *said, *made_statements(said, rng)]
    return halves


def _halves(found: Iterable[tuple[bool, Group | Statement]]) -> Halves:
    halves: Halves = {False: [], True: []}
    for held, one in found:
        halves[held].append(one)
    return halves


def _write(out: Path, prefix: str, halves: Halves) -> None:
    for held, name in ((False, "train"), (True, "held")):
        write_examples(out / f"{prefix}{name}.jsonl", halves[held])
        groups = [one for one in halves[held] if isinstance(one, Group)]
        labels = Counter(one.label for one in halves[held] if isinstance(one, Statement))
        made = Counter(group.made for group in groups)
        print(
            f"{prefix}{name}: {len(groups)} groups {dict(made)}, "
            f"{labels.total()} statements {dict(labels)}",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
