"""Says how the notes of folders are: how long, how linked, how tagged.

    python eval/bench/describe.py ~/notes /tmp/vault

This is what the made-up vaults of `vaults.py` are held against. Notes in scripts that are written
without spaces are left out, since their words cannot be counted.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ragqa.embedders import DEFAULT_MODEL, Embedder, embedder_for
from ragqa.notes import ReadNote, read_note, walk_notes
from ragqa.passages import Chunking
from ragqa.passages.split import split_note
from ragqa.text.words import UNSPACED
from ragqa.types import Corpus, Kind, Note, Passage

_MOST_BYTES = 10_000_000
_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_QUANTILES = (0.1, 0.5, 0.9, 0.99)


def split_notes(folder: Path, embedder: Embedder) -> Iterator[tuple[Note, list[Passage]]]:
    """Every note of a folder that can be read, with its passages."""
    for file in walk_notes(Corpus.of(folder), max_note_bytes=_MOST_BYTES).files:
        read = read_note(Corpus.of(folder), file, max_note_bytes=_MOST_BYTES)
        if isinstance(read, ReadNote):
            passages = split_note(
                read.note,
                chunking=Chunking(),
                window=embedder.info.window,
                count_tokens=embedder.count_tokens,
            )
            yield read.note, passages


def describe(folder: Path, embedder: Embedder) -> dict[str, list[float]]:
    """What each note has, by what it is."""
    counts: dict[str, list[float]] = {
        name: []
        for name in ("passages", "words", "headings", "items", "rows", "links", "tags", "dates")
    }
    for note, passages in split_notes(folder, embedder):
        words = len(_WORD.findall(note.text))
        if len(_UNSPACED.findall(note.text)) > words:
            continue
        kinds = [block.kind for block in note.blocks]
        of_note = (
            len(passages),
            words,
            kinds.count(Kind.HEADING),
            kinds.count(Kind.ITEM),
            kinds.count(Kind.ROW),
            len(note.links),
            len(note.tags),
            float(bool(note.date)),
        )
        for name, value in zip(counts, of_note, strict=True):
            counts[name].append(value)
    return counts


def main() -> None:
    """Print a table for each folder."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    args = parser.parse_args()
    embedder = embedder_for(DEFAULT_MODEL, building=False)
    for folder in args.folders:
        counts = describe(folder, embedder)
        print(f"\n{folder.name}: {len(counts['words'])} notes\n")
        print("| a note's | mean | 10% | 50% | 90% | 99% |\n| --- | --- | --- | --- | --- | --- |")
        for name, values in counts.items():
            quantiles = " | ".join(f"{value:.0f}" for value in np.quantile(values, _QUANTILES))
            print(f"| {name} | {np.mean(values):.1f} | {quantiles} |")
        logs = np.log(np.maximum(counts["words"], 1))
        print(
            f"\nlogarithm of the words: mean {logs.mean():.2f}, standard deviation {logs.std():.2f}"
        )


if __name__ == "__main__":
    main()
