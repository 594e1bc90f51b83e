"""Builds the index of a made-up vault with made-up embeddings, and says how long each stage took.

    python eval/bench/building.py NOTES INDEX --out build.json

All but the embeddings is what `ragqa index` does, which can go on with the index afterwards. Beside
it, in the file `INDEX.exact`, are the vectors as they were handed to the store, to search exactly.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from running import write_down
from synthetic import synthetic_embedder
from vaults import HALF_TAG, RARE_TAG

from ragqa.api import open_index
from ragqa.indexing import Embedders, refresh
from ragqa.stores import Store, Writer, open_store
from ragqa.types import Note, Passage, Vectors

TAGS = (RARE_TAG, HALF_TAG)


ROW = np.dtype([("id", np.int64), ("tagged", bool, len(TAGS)), ("vector", np.float32, 384)])
"""A passage as it was handed to the store: `tagged` says whether its note has each of `TAGS`."""


class Stages:
    """A `Progress` that adds up the time of each stage, in seconds of the clock and of the CPU."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.cpu_seconds: defaultdict[str, float] = defaultdict(float)
        self._stage = "walking"
        self._last = time.perf_counter(), time.process_time()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Count the time since the last call as the stage's, unless it begins only now."""
        del total
        now = time.perf_counter(), time.process_time()
        spent_in = stage if done else self._stage
        self.seconds[spent_in] += now[0] - self._last[0]
        self.cpu_seconds[spent_in] += now[1] - self._last[1]
        self._stage, self._last = stage, now

    def rounded(self) -> dict[str, dict[str, float]]:
        """Both sums, by stage."""
        return {
            name: {stage: round(value, 2) for stage, value in sums.items()}
            for name, sums in (("seconds", self.seconds), ("cpu_seconds", self.cpu_seconds))
        }


class _Recorder:
    """A writer that also notes down the passages that it is given."""

    def __init__(self, writer: Writer, file: BinaryIO) -> None:
        self._writer = writer
        self._file = file
        self.vectors, self.commit = writer.vectors, writer.commit
        self.remove, self.restamp = writer.remove, writer.restamp
        self.resume, self.save = writer.resume, writer.save

    def add(
        self, note: Note, *, settled: bool, passages: Sequence[Passage], vectors: Vectors
    ) -> None:
        """Note the passages down, then add the note."""
        rows = np.empty(len(passages), ROW)
        rows["id"] = [passage.id for passage in passages]
        rows["tagged"] = [tag in note.tags for tag in TAGS]
        rows["vector"] = vectors
        self._file.write(rows.tobytes())
        self._writer.add(note, settled=settled, passages=passages, vectors=vectors)


class _RecordingStore:
    """A store whose writers note down in a file what they are given."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self._path = path
        self.snapshot, self.problems, self.repair = store.snapshot, store.problems, store.repair
        self.tidy, self.remarks, self.older = store.tidy, store.remarks, store.older
        self.building = store.building

    @contextmanager
    def writer(self, *, fresh: bool, wait: bool) -> Iterator[Writer]:
        """Begin the next snapshot, and the file anew."""
        with self._path.open("wb") as file, self._store.writer(fresh=fresh, wait=wait) as writer:
            yield _Recorder(writer, file)


def build(corpus: Path, index: Path) -> dict[str, object]:
    """Build an index from nothing; the vectors are noted down in the file `exact_file` gives."""
    begun = time.perf_counter(), time.process_time()
    embedder = synthetic_embedder()
    ready = time.perf_counter()
    with open_index(corpus, index=index) as opened:
        source = replace(opened.source, embedders=Embedders("made up", lambda *_, **__: embedder))
    index.parent.mkdir(parents=True, exist_ok=True)
    store = _RecordingStore(open_store(index), exact_file(index))
    stages = Stages()
    report = refresh(store, source, rebuild=True, progress=stages)
    return {
        "notes": report.info.notes,
        "passages": report.info.passages,
        "made_ready_s": round(ready - begun[0], 2),
        "build_s": round(time.perf_counter() - ready, 2),
        "stages": stages.rounded(),
    }


def exact_file(index: Path) -> Path:
    """Where the rows of an index, of the type `ROW`, are noted down."""
    return index.with_name(f"{index.name}.exact")


def main() -> None:
    """Build one index and write down how it went."""
    write_down(build, about=__doc__)


if __name__ == "__main__":
    main()
