"""Where an index lives: the `Store` protocol and the table of implementations.

A store keeps immutable snapshots. Readers open one and never see another; one writer at a time
makes the next. To add a store: write `Store`, `Snapshot` and `Writer` in a module of this folder,
add a line to `STORES`, and run `pytest tests/contracts/test_store_contract.py`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from ragqa.errors import UsageError
from ragqa.stores.faults import Fault, Faulty, Kept, Older, Remark, Repair, none_kept
from ragqa.stores.places import SENT, check_usable, remote_host
from ragqa.types import (
    Building,
    EmbedderInfo,
    Filters,
    IndexInfo,
    Note,
    NoteRecord,
    NoteState,
    Passage,
    Progress,
    Stamp,
    Vector,
    Vectors,
)


class Snapshot(Protocol):
    """One committed state of the index, for reading; it never changes."""

    @property
    def info(self) -> IndexInfo:
        """What it holds and how it was made."""
        ...

    def notes(self) -> dict[str, NoteRecord]:
        """Every note by path."""
        ...

    def states(self) -> dict[str, NoteState]:
        """What every note's file was when it was read, by path; quicker than `notes`."""
        ...

    def dense(self, vector: Vector, k: int, filters: Filters) -> list[tuple[int, float]]:
        """The k passages nearest by cosine: (passage id, cosine), best first, ties by id.

        Filters are exact: fewer than k only where fewer exist.
        """
        ...

    def terms(self, terms: Sequence[str], k: int, filters: Filters) -> list[tuple[int, float]]:
        """The k best passages by BM25 over any of the terms: (passage id, score), ties by id.

        A term that is given twice counts twice.
        """
        ...

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """The passages with these ids, in the order given.

        :raises IndexUnusable: an id that the snapshot does not hold.
        """
        ...

    def of_note(self, path: str) -> list[Passage]:
        """All passages of a note as they stand in it; none where there is no such note."""
        ...

    def idf(self, terms: Sequence[str]) -> dict[str, float]:
        """BM25's inverse document frequency of each term, ln(1 + (N - n + .5) / (n + .5))."""
        ...

    def terms_from(self, start: str) -> list[str]:
        """Terms that begin so, the most frequent first; some may be of passages that are gone.

        [] where the store cannot list its terms.
        """
        ...

    def undated(self, filters: Filters) -> int:
        """How many notes without a date of their own the filters but `since` let through."""
        ...

    def by_note(self) -> Iterator[tuple[str, list[Passage]]]:
        """Every note's path with its passages as they stand in it; for looking at all there is."""
        ...

    def vectors(self, ids: Sequence[int]) -> dict[int, Vector]:
        """The embeddings of passages that the snapshot holds, by their ids."""
        ...

    def close(self) -> None:
        """Let go of files; the snapshot is not used afterwards."""
        ...


class Writer(Protocol):
    """The next snapshot in the making, on top of the newest one unless begun afresh.

    Nothing is seen by readers before `commit`; leaving the context without it changes nothing.
    """

    def resume(self, embedder: EmbedderInfo, dtype: str) -> int:
        """Take up the embeddings that an interrupted writer saved; gives how many there are.

        Only those made by the same embedder, whatever its name, in the same number format. Also
        says whose embeddings `save` is given, and so comes before it.
        """
        ...

    def save(self, embedding_keys: Sequence[int], vectors: Vectors) -> None:
        """Keep embeddings, shape (keys, dimension), for the writer after this one.

        They outlive a writer that does not come to its commit, and are gone after the commit.

        :raises IndexUnusable: the disk is full or the folder cannot be written.
        """
        ...

    def vectors(self, embedding_keys: Iterable[int]) -> Mapping[int, Vector]:
        """The embeddings of the base snapshot and those saved, by embedding key.

        Unknown keys are left out.
        """
        ...

    def remove(self, paths: Iterable[str]) -> None:
        """Drop notes with their passages; paths that are not there are ignored."""
        ...

    def add(
        self, note: Note, *, settled: bool, passages: Sequence[Passage], vectors: Vectors
    ) -> None:
        """Add a note, in place of the one at its path if there is one.

        :raises IndexUnusable: a vector that is not finite, not of unit length or of another
            dimension, naming the passage.
        """
        ...

    def restamp(self, path: str, stamp: Stamp, *, settled: bool) -> None:
        """Record a new stamp for a note whose text is the same."""
        ...

    def commit(self, info: IndexInfo) -> IndexInfo:
        """Make the snapshot durable, then visible; returns `info` with generation and counts set.

        :raises IndexUnusable: the disk is full or the folder cannot be written; the old one stays.
        """
        ...


class Maker(Protocol):
    """What a repair asks for: it knows embedder and notes, of which a store knows nothing."""

    def check(self, info: IndexInfo) -> None:
        """Make sure that embeddings made now belong with the others of this index.

        :raises IndexUnusable: they do not.
        """
        ...

    def faults(self, snapshot: Snapshot) -> list[Fault]:
        """What is wrong with a snapshot whose files agree with each other."""
        ...

    def embed(self, passages: Sequence[Passage]) -> Vectors:
        """Embed passages, shape (passages, dimension)."""
        ...


class Store(Protocol):
    """A place that holds snapshots."""

    def snapshot(self) -> Snapshot:
        """Open the newest snapshot.

        :raises NoIndex: nothing was committed here yet.
        :raises IndexUnusable: what is here cannot be read or trusted.
        """
        ...

    def writer(self, *, fresh: bool, wait: bool) -> AbstractContextManager[Writer]:
        """Begin the next snapshot; with `fresh`, from nothing rather than from the newest.

        :raises WriterBusy: another process writes and `wait` is False.
        :raises IndexUnusable: the place cannot be written, or its newest snapshot is damaged.
        """
        ...

    def older(self) -> Older | None:
        """What can be taken over from an index of an older format; None where it cannot be read."""
        ...

    def building(self) -> Building | None:
        """What another process that writes the next snapshot has done; None where none is known of.

        A store that cannot know says None.
        """
        ...

    def tidy(self) -> None:
        """Remove what an interrupted writer left, as far as it can be and no writer is at work."""
        ...

    def problems(self, *, deep: bool = True, progress: Progress | None = None) -> list[str]:
        """Everything that is wrong, each in a sentence, found by reading all of it; [] if sound.

        :param deep: whether what is as it was written is also compared with each other.
        """
        ...

    def remarks(self) -> list[Remark]:
        """What there is to say of the place beside what is wrong with what it holds.

        :raises IndexUnusable: the place cannot be looked at.
        """
        ...

    def repair(self, maker: Maker, *, wait: bool, progress: Progress) -> Repair:
        """Make anew what is damaged, as the next snapshot; where nothing is, nothing is written.

        :param progress: is called with ("verifying", files read, files) and ("repairing",
            passages embedded, passages).
        :raises NoIndex: nothing was committed here yet.
        :raises WriterBusy: another process writes and `wait` is False.
        :raises IndexUnusable: the place cannot be written, or `maker` does not go with the index.
        """
        ...


__all__ = [
    "SENT",
    "STORES",
    "Fault",
    "Faulty",
    "Kept",
    "Maker",
    "Older",
    "Remark",
    "Repair",
    "Snapshot",
    "Store",
    "Writer",
    "check_usable",
    "none_kept",
    "open_store",
    "remote_host",
]


def _local(path: Path, *_: str) -> Store:
    from ragqa.stores.local import LocalStore

    return LocalStore(path)


def _memory(path: Path, *_: str) -> Store:
    from ragqa.stores.memory import MemoryStore

    return MemoryStore.at(path)


def _milvus(path: Path, uri: str, name: str) -> Store:
    from ragqa.stores.milvus import MilvusStore

    return MilvusStore(path, uri, name)


STORES: dict[str, Callable[[Path, str, str], Store]] = {
    "local": _local,
    "memory": _memory,
    "milvus": _milvus,
}
"""What opens a store of each kind, given the index's folder, a URI and a name."""


def open_store(path: Path, *, kind: str = "local", uri: str = "", name: str = "") -> Store:
    """Open the store of this kind at this place, which need not exist yet.

    :param path: the index's folder.
    :param uri: where the store is if not in the folder: a server's address or a file.
    :param name: what the index is called there; "" for one that only this folder has.
    :raises UsageError: no such kind, or it needs what is not installed.
    """
    if kind not in STORES:
        raise UsageError(f"no store of the kind {kind!r}; there are: {', '.join(sorted(STORES))}")
    check_usable(kind, uri)
    return STORES[kind](path, uri, name)
