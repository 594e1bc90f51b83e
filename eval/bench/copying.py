"""Copies an index from the local store to another, embeddings included; prints what it took.

python eval/bench/copying.py INDEX TARGET --kind milvus
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np

from ragqa.stores import Snapshot, Store, open_store
from ragqa.types import Note, NoteRecord, Passage, Vectors

_NOTES_AT_ONCE = 200


@dataclass(slots=True)
class Taken:
    """What something took: seconds of the clock, and of the processor."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def __enter__(self) -> Self:
        self.seconds -= time.perf_counter()
        self.cpu_seconds -= time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter()
        self.cpu_seconds += time.process_time()


def copy_index(snapshot: Snapshot, store: Store) -> Taken:
    """Write all of a snapshot to a store, from nothing; what reading it took is not counted."""
    records = snapshot.notes()
    taken = Taken()
    with taken, store.writer(fresh=True, wait=False) as writer:
        notes = _notes(snapshot)
        while found := _next(notes, taken):
            for path, passages, vectors in found:
                settled = records[path].settled
                note = _note(records[path])
                writer.add(note, settled=settled, passages=passages, vectors=vectors)
        writer.commit(snapshot.info)
    return taken


def _next(
    notes: Iterator[tuple[str, Sequence[Passage], Vectors]], taken: Taken
) -> list[tuple[str, Sequence[Passage], Vectors]]:
    """The next notes; the time that this takes is taken off."""
    reading = Taken()
    with reading:
        found = list(islice(notes, _NOTES_AT_ONCE))
    taken.seconds -= reading.seconds
    taken.cpu_seconds -= reading.cpu_seconds
    return found


def _notes(snapshot: Snapshot) -> Iterator[tuple[str, Sequence[Passage], Vectors]]:
    """Every note's path with its passages and their embeddings."""
    for path, passages in snapshot.by_note():
        vectors = snapshot.vectors([passage.id for passage in passages])
        rows = [vectors[passage.id] for passage in passages]
        shape = (len(rows), snapshot.info.embedder.dimension)
        yield path, passages, np.array(rows, np.float32).reshape(shape)


def _note(record: NoteRecord) -> Note:
    """A note with what an index remembers of it, and no text."""
    return Note(
        path=record.path,
        text="",
        sha256=record.sha256,
        stamp=record.stamp,
        title=record.title,
        aliases=record.aliases,
        tags=record.tags,
        date=record.date,
    )


def main() -> None:
    """Copy an index."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--kind", default="milvus")
    args = parser.parse_args()
    with closing(open_store(args.index).snapshot()) as snapshot:
        taken = copy_index(snapshot, open_store(args.target, kind=args.kind))
    print(json.dumps(asdict(taken)))


if __name__ == "__main__":
    main()
