"""Measures ragqa on vaults of several sizes, and writes down each figure as soon as it is there.

    python eval/bench/scale.py --sizes 10000 100000 1000000 --dir /tmp/scale --out scale.json

Vaults, indexes and the time that building them took are kept in the folder and used again. Notes
and embeddings are made up (`vaults.py`, `synthetic.py`); all else is what a user runs: the command
line with the real model, each question in a process of its own. Times that one waits for are also
given as ratios to those of a vault of 1,000 passages, measured in turns with it.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from running import (
    RAGQA,
    Child,
    Spread,
    describe_machine,
    disk_mb,
    ratios,
    run_child,
    seconds,
    take_turns,
)
from vaults import write_vault

SMALL = 1_000
SEED = 1
ASKS = 5
REFRESHES = 3
QUESTION = "What do my notes say about rivers, steam engines and the weather in the mountains?"

Figures = dict[str, object]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the vault of one size and all that belongs to it lies."""

    folder: Path
    size: int

    @property
    def notes(self) -> Path:
        """The notes."""
        return self.folder / f"vault-{self.size}"

    @property
    def index(self) -> Path:
        """The index."""
        return self.folder / f"index-{self.size}"

    def command(self, *words: str) -> list[str]:
        """A command line about this vault."""
        return [RAGQA, *words, "--corpus", str(self.notes), "--index", str(self.index)]

    def script(self, name: str) -> tuple[Figures, Child]:
        """Run a script of this folder on this vault; what it wrote down, and what it took."""
        script = Path(__file__).with_name(f"{name}.py")
        out = self.folder / f"{name}-{self.size}.json"
        child = run_child(
            [sys.executable, str(script), str(self.notes), str(self.index), "--out", str(out)]
        )
        written: Figures = json.loads(out.read_text())
        return written, child

    @contextmanager
    def changing(self) -> Iterator[Path]:
        """A note of middling length, to be changed; the index forgets it afterwards.

        It is another one than the index was built with, so that what was noted down of these when
        it was built stays true.
        """
        paths = sorted(self.notes.rglob("*.md"), key=lambda path: (path.stat().st_size, path))
        note = self.notes / "changing.md"
        note.write_text(paths[len(paths) // 2].read_text())
        try:
            yield note
        finally:
            note.unlink()
            run_child(self.command("index"))


def prepare(place: Place) -> Figures:
    """Write the vault and build its index, unless they are there."""
    vault = write_vault(place.notes, passages=place.size, seed=SEED)
    record = place.folder / f"built-{place.size}.json"
    if not record.exists():
        built, child = place.script("building")
        built |= {"build_peak_mb": round(child.peak_mb), "disk_mb": round(disk_mb(place.index))}
        record.write_text(json.dumps(built))
    return {**asdict(vault), **json.loads(record.read_text())}


def warm(place: Place) -> Figures:
    """Many questions in one process."""
    return place.script("warm")[0]


def ask(place: Place, small: Place) -> Figures:
    """A question in a process of its own, over an index that is up to date."""
    return in_turns(
        "ask", ASKS, lambda here: run_child(here.command("ask", QUESTION)), place, small
    )


def refresh(place: Place, small: Place) -> Figures:
    """`ragqa index` where nothing changed, and where one note did."""

    def unchanged(here: Place) -> Child:
        return run_child(here.command("index"))

    def changed(here: Place, note: Path) -> Child:
        with note.open("a") as file:
            file.write(f"\nThe river rose again, for the {note.stat().st_size}th time.\n")
        return run_child(here.command("index"))

    none = in_turns("refresh_none", REFRESHES, unchanged, place, small)
    with place.changing() as ours, small.changing() as theirs:
        notes = {place: ours, small: theirs}
        one = in_turns(
            "refresh_one", REFRESHES, lambda here: changed(here, notes[here]), place, small
        )
    return none | one


def in_turns(
    name: str, runs: int, command: Callable[[Place], Child], place: Place, small: Place
) -> Figures:
    """Time and peak memory of a command, and its time as a multiple of that on a small vault."""
    ours, theirs = take_turns(runs, lambda: command(place), lambda: command(small))
    return {
        f"{name}_s": asdict(Spread.of(seconds(ours))),
        f"{name}_small_s": asdict(Spread.of(seconds(theirs))),
        f"{name}_ratio": round(ratios(seconds(ours), seconds(theirs)), 3),
        f"{name}_peak_mb": round(max(child.peak_mb for child in ours)),
    }


def main() -> None:
    """Measure the sizes that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--dir", type=Path, required=True, help="where vaults and indexes are kept")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    args = parser.parse_args()
    args.dir.mkdir(parents=True, exist_ok=True)
    small = Place(args.dir.resolve(), SMALL)
    prepare(small)
    results: list[Figures] = []
    for size in args.sizes:
        place = Place(args.dir.resolve(), size)
        figures: Figures = {}
        results.append(figures)
        for step in (prepare, warm, partial(ask, small=small), partial(refresh, small=small)):
            figures |= step(place)
            report = {"machine": describe_machine(), "small": SMALL, "sizes": results}
            args.out.write_text(json.dumps(report, indent=2) + "\n")
        print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
