"""Where an index lives: what every store does, and where settings say that an index is kept.

A reader opens a snapshot and never sees another; one writer at a time makes the next. To add a
store, implement `Store`, `Snapshot` and `Writer` in this folder, add a line to `STORES`, and run
`pytest tests/contracts/test_store_contract.py`.
"""

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from ragqa.config import Places, Settings, addresses
from ragqa.errors import NotAllowed, UsageError
from ragqa.stores.filters import note_matcher
from ragqa.types import (
    Building,
    EmbedderInfo,
    Filters,
    IndexInfo,
    Note,
    NoteRecord,
    NoteState,
    Passage,
    Stamp,
    Vector,
    Vectors,
)

SENT = (
    "the text of every passage with titles, tags, paths and embeddings, and the search for each "
    "question"
)
"""What a remote store is sent of notes and questions, in words."""

_NOTES_AT_ONCE = 200


class Snapshot(Protocol):
    """One committed state of the index; immutable."""

    info: IndexInfo
    """What the index holds and how it was built."""

    def notes(self) -> dict[str, NoteRecord]:
        """Every note by path."""
        ...

    def states(self) -> dict[str, NoteState]:
        """The state of every note's file when it was read, by path."""
        return {path: note.state for path, note in self.notes().items()}

    def dense(self, vector: Vector, k: int, filters: Filters) -> list[tuple[int, float]]:
        """The k nearest passages by cosine: (passage id, cosine), best first, ties by id.

        Filters are exact: fewer than k hits mean that no more exist.

        :param vector: shape (dimension,).
        """
        ...

    def terms(self, terms: Sequence[str], k: int, filters: Filters) -> list[tuple[int, float]]:
        """The k best passages by BM25 over any of the terms: (passage id, score), ties by id.

        A repeated term counts twice.
        """
        ...

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """The passages with these ids, in the order given.

        :raises IndexUnusable: the snapshot has no passage with one of the ids.
        """
        ...

    def passages_at(self, paths: Sequence[str]) -> Iterable[Passage]:
        """The passages of the notes at these paths, in any order; unknown paths are ignored."""
        ...

    def of_note(self, path: str) -> list[Passage]:
        """All passages of a note in reading order; [] if there is no such note."""
        return sorted(self.passages_at([path]), key=lambda passage: passage.start)

    def by_note(self) -> Iterator[tuple[str, list[Passage]]]:
        """Every note's path with its passages in reading order; for full scans."""
        paths = list(self.states())
        for start in range(0, len(paths), _NOTES_AT_ONCE):
            found: dict[str, list[Passage]] = {p: [] for p in paths[start : start + _NOTES_AT_ONCE]}
            for passage in sorted(self.passages_at(list(found)), key=lambda each: each.start):
                found[passage.path].append(passage)
            yield from found.items()

    def idf(self, terms: Sequence[str]) -> dict[str, float]:
        """BM25's inverse document frequency of each term, ln(1 + (N - n + .5) / (n + .5))."""
        ...

    def terms_with_prefix(self, prefix: str) -> list[str]:  # noqa: ARG002 - for others
        """Terms with this prefix, most frequent first; some may come from deleted passages.

        [] if the store cannot list its terms.
        """
        return []

    def undated(self, filters: Filters) -> int:
        """How many undated notes pass all filters except `since` and `until`."""
        matches = note_matcher(replace(filters, since="", until=""))
        return sum(not note.date and matches(note) for note in self.notes().values())

    def vectors(self, ids: Sequence[int]) -> dict[int, Vector]:
        """The embeddings, shape (dimension,), of passages in the snapshot, by passage id."""
        ...

    def close(self) -> None:
        """Close the files, if any; do not use the snapshot afterwards."""
        return


class Writer(Protocol):
    """The next snapshot while it is being built, on top of the newest one unless begun afresh.

    Readers see nothing before `commit`; leaving the context without it changes nothing.

    :raises IndexUnusable: in every method: the disk is full or the folder is not writable.
    """

    def resume(self, embedder: EmbedderInfo, dtype: str) -> int:
        """Reuse the embeddings that an interrupted writer saved; returns their number.

        Only those made by the same embedder, whatever its name, in the same number format. Call
        it before `save`: it also declares which embedder makes the embeddings to be saved.
        """
        ...

    def save(self, embedding_keys: Sequence[int], vectors: Vectors) -> None:
        """Save embeddings, shape (keys, dimension), in case this writer is interrupted.

        They outlive a writer that fails to commit; a commit removes those that no passage has.
        """
        ...

    def vectors(self, embedding_keys: Iterable[int]) -> Mapping[int, Vector]:
        """The embeddings in the base snapshot and the saved ones, by key, of the keys known."""
        ...

    def remove(self, paths: Iterable[str]) -> None:
        """Delete notes and their passages; unknown paths are ignored."""
        ...

    def add(
        self, note: Note, *, settled: bool, passages: Sequence[Passage], vectors: Vectors
    ) -> None:
        """Add a note, replacing any note at its path.

        :param vectors: shape (passages, dimension).
        :raises IndexUnusable: one is not finite or not of unit length; the passage is named.
        """
        ...

    def restamp(self, path: str, stamp: Stamp, *, settled: bool) -> None:
        """Record a new stamp for a note whose text is unchanged."""
        ...

    def commit(self, info: IndexInfo) -> IndexInfo:
        """Make the snapshot durable, then visible; returns `info` with generation and counts set.

        If it fails, the old snapshot stays.
        """
        ...


class Store(Protocol):
    """A place that keeps snapshots.

    :raises IndexUnusable: in every method: the index cannot be read, written or trusted.
    """

    def snapshot(self) -> Snapshot:
        """Open the newest snapshot.

        :raises NoIndex: nothing has been committed yet.
        """
        ...

    def state(self) -> tuple[IndexInfo, dict[str, NoteState]]:
        """What the newest snapshot is, and the state of its notes; raises as `snapshot` does."""
        with closing(self.snapshot()) as snapshot:
            return snapshot.info, snapshot.states()

    def writer(self, *, fresh: bool, wait: bool) -> AbstractContextManager[Writer]:
        """Begin the next snapshot on top of the newest, or with `fresh` from nothing.

        :raises WriterBusy: another process is writing and `wait` is False.
        """
        ...

    def building(self) -> Building | None:
        """The progress of another process writing the next snapshot; None if none is known."""
        return None

    def tidy(self) -> None:
        """Remove what an interrupted writer left, if possible and if no writer is active."""
        return

    def problems(self) -> list[str]:
        """Read everything and return each problem as a sentence; [] if sound."""
        ...

    def mend(self, *, wait: bool) -> list[str]:  # noqa: ARG002 - for others
        """Make anew what is made from notes, passages and embeddings, where it is damaged.

        :returns: what was made and why, each in a sentence.
        :raises WriterBusy: another process is writing and `wait` is False.
        """
        return []


def _local(path: Path, *_: str) -> Store:
    from ragqa.stores.local.store import LocalStore

    return LocalStore(path)


def _milvus(path: Path, uri: str, name: str) -> Store:
    from ragqa.stores.milvus.store import MilvusStore

    return MilvusStore(path, uri, name)


STORES: dict[str, Callable[[Path, str, str], Store]] = {"local": _local, "milvus": _milvus}
"""Store factories by kind; each takes the index's folder, a URI and a name."""


def open_store(path: Path, *, kind: str = "local", uri: str = "", name: str = "") -> Store:
    """Open a store, which need not exist yet.

    :param path: the index's folder.
    :param uri: a server's address or a file, if the store is not in the folder.
    :param name: the index's name in the store; "" for one private to this folder.
    :raises UsageError: there is no such kind, or a package it needs is not installed.
    """
    if kind not in STORES:
        raise UsageError(f"no store of the kind {kind!r}; there are: {', '.join(sorted(STORES))}")
    _check_usable(kind, uri)
    return STORES[kind](path, uri, name)


def _check_usable(kind: str, uri: str) -> None:
    """Check that the packages a kind of store needs are installed, without importing them.

    :raises UsageError: one is missing; the hint installs it.
    """
    if kind != "milvus":
        return
    embedded = not uri or addresses.is_file(uri)
    for package in ("pymilvus", "milvus_lite") if embedded else ("pymilvus",):
        if importlib.util.find_spec(package) is None:
            raise UsageError(
                f"the store {kind} needs the package {package}, which is not installed",
                hint=f'pip install "ragqa[{kind}]"',
            )


MayUse = Callable[[str], bool]
"""Whether a host, `HOST:PORT`, may be sent the text of notes."""


class StorePlace(Struct, frozen=True):
    """Where an index is stored: a kind of store with a URI and a name there, or a folder.

    Fields that do not apply are "".
    """

    kind: str
    uri: str
    name: str
    folder: Path

    @classmethod
    def of(cls, settings: Settings, places: Places) -> "StorePlace":
        """The place that these settings name."""
        uri = "" if settings.store == addresses.LOCAL else settings.store
        return cls("milvus" if uri else "local", uri, settings.store_name, places.index)

    @property
    def host(self) -> str:
        """The `HOST:PORT` that notes are sent to, "" if they stay on this machine."""
        return addresses.remote_host(self.uri)

    @property
    def is_on_server(self) -> bool:
        """Whether a server stores it, here or elsewhere, instead of a file."""
        return "://" in self.uri

    @property
    def is_shared(self) -> bool:
        """Whether other machines use it by its name; questions then never refresh it.

        Machines' copies of the notes differ, so each would remove what another added.
        """
        return self.kind == "milvus" and self.name != ""

    @property
    def where(self) -> str:
        """The place in words."""
        if not self.uri:
            return str(self.folder)
        return f"{self.uri}, as {self.name}" if self.name and self.is_on_server else self.uri

    def open(self, may_use: MayUse) -> Store:
        """Open the store; nothing is sent to a host or read from it before it is allowed.

        :raises NotAllowed: the user has not allowed the host.
        :raises UsageError: there is no such store, or it needs a missing package.
        """
        _check_usable(self.kind, self.uri)
        host = self.host
        if host and not may_use(host):
            raise NotAllowed(
                f"the index is kept on {host}, which you have not allowed to store notes; nothing "
                f"was sent or read (it would be sent {SENT})",
                hint=f"ragqa store allow {host}; or, to keep it here: ragqa config set store local",
            )
        return open_store(self.folder, kind=self.kind, uri=self.uri, name=self.name)
