"""Where an index lives: what every store does, and where settings say that an index is kept.

A reader opens a snapshot and never sees another; one writer at a time makes the next. To add a
store, implement `Store`, `Snapshot` and `IndexWriter` in this folder, open it in `open_store`, and
run `pytest tests/contracts/test_store_contract.py`.
"""

import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from ragqa.config import Places, Settings, urls
from ragqa.errors import NotAllowed, UsageError, install_command
from ragqa.types import (
    Building,
    Days,
    Filters,
    IndexInfo,
    Keys,
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

EVERYTHING = Filters()

KINDS = ("local", "milvus")


class Snapshot(Protocol):
    """One committed state of the index; immutable.

    :ivar info: what the index holds and how it was built.
    """

    info: IndexInfo

    @property
    def states(self) -> dict[str, NoteState]:
        """The state of every note's file when it was read, by path."""
        ...

    @property
    def days(self) -> Days:
        """The days of all notes, and of the last changes of their files."""
        ...

    def notes(
        self, filters: Filters = EVERYTHING, *, at: Sequence[str] | None = None
    ) -> dict[str, NoteRecord]:
        """The records of the notes that pass the filters, or of those at these paths, by path."""
        ...

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

    def passages(self, ids: Sequence[int] = (), *, at: Sequence[str] = ()) -> list[Passage]:
        """The passages with these ids in the order given, or all of the notes at these paths.

        Those of notes are in the order of their paths and places; unknown paths are ignored.

        :raises IndexUnusable: the snapshot has no passage with one of the ids.
        """
        ...

    def vectors(self, keys: Iterable[int]) -> Mapping[int, Vector]:
        """The sound embeddings, shape (dimension,), by embedding key, of those that there are."""
        ...

    def idf(self, terms: Sequence[str]) -> dict[str, float]:
        """BM25's inverse document frequency of each term, ln(1 + (N - n + .5) / (n + .5))."""
        ...

    def terms_with_prefix(self, prefix: str) -> list[str]:
        """Terms with this prefix, most frequent first; some may come from deleted passages.

        [] if the store cannot list its terms.
        """
        ...

    def check(self) -> None:
        """Compare every row with its checksum; those of Milvus are compared as they are read.

        :raises NeedsRebuild: one is damaged.
        """
        return


class IndexWriter(Protocol):
    """The next snapshot while it is being built, on top of the newest one unless begun afresh.

    A note is added, removed or restamped once, if at all. Readers see nothing before `commit`;
    leaving the context without it changes nothing but the embeddings, which stay for the next
    writer. A commit removes those that no passage has.

    :ivar info: of the newest snapshot; None if none can be read.
    :ivar model: which model the embeddings are of, by `rows.model_of`; that of the newest snapshot
        until it is set.
    :raises IndexUnusable: in every method: the disk is full or the folder is not writable.
    """

    info: IndexInfo | None
    model: int

    def vectors(self, keys: Iterable[int]) -> Mapping[int, Vector]:
        """The sound embeddings of `model`, shape (dimension,), by key, of those that there are."""
        ...

    def save(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        """Keep the embeddings of passages, shape (passages, dimension), even without a commit.

        :raises IndexUnusable: one is not finite or not of unit length; the passage is named.
        """
        ...

    def add(self, record: NoteRecord, passages: Sequence[Passage]) -> None:
        """Add a note whose embeddings were found or saved, replacing any note at its path."""
        ...

    def commit(
        self,
        info: IndexInfo | None = None,
        *,
        removed: Iterable[str] = (),
        restamped: Iterable[tuple[str, Stamp, bool]] = (),
    ) -> IndexInfo:
        """Make the snapshot durable, then visible; if that fails, the old one stays.

        What is made from the notes is made anew where it is damaged.

        :param info: None if it is as it was.
        :param removed: the paths of notes to remove; unknown ones are ignored.
        :param restamped: notes whose text is unchanged, each with its new stamp, and whether that
            is settled.
        :returns: the info, with generation and counts set.
        """
        ...


class Store(Protocol):
    """A place that keeps snapshots.

    :raises IndexUnusable: in every method: the index cannot be read, written or trusted.
    :raises NeedsRebuild: in every method but a `fresh` writer's: it is damaged.
    """

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Open the newest snapshot, until the context is left.

        :raises NoIndex: nothing has been committed yet.
        """
        ...

    def writer(self, *, fresh: bool, wait: bool) -> AbstractContextManager[IndexWriter]:
        """Begin the next snapshot on top of the newest, or with `fresh` from nothing.

        :raises WriterBusy: another process is writing and `wait` is False.
        """
        ...

    def building(self) -> Building | None:
        """The progress of another process writing the next snapshot; None if none is known."""
        ...


def open_store(path: Path, *, kind: str = "local", uri: str = "", name: str = "") -> Store:
    """Open a store, which need not exist yet; nothing is sent or read before it is used.

    :param path: the index's folder.
    :param kind: one of `KINDS`.
    :param uri: a server's address or a file, if the store is not in the folder.
    :param name: the index's name in the store; "" for one private to this folder.
    """
    if kind == "local":
        from ragqa.index.local import LocalStore

        return LocalStore(path)
    from ragqa.index.milvus import MilvusStore

    return MilvusStore(path, uri, name)


MayUse = Callable[[str], bool]
"""Whether a host, `HOST:PORT`, may be sent the text of notes."""


class StorePlace(Struct, frozen=True):
    """Where an index is stored: a URI and a name there, "" where there is none, or a folder."""

    JSON = Keys("kind uri name sent_to=host", null="uri name sent_to")

    kind: str
    uri: str
    name: str
    folder: Path

    @classmethod
    def of(cls, settings: Settings, places: Places) -> "StorePlace":
        """The place that these settings name."""
        uri = "" if settings.store == urls.LOCAL else settings.store
        return cls("milvus" if uri else "local", uri, settings.store_name, places.index)

    @property
    def host(self) -> str:
        """The `HOST:PORT` that notes are sent to, "" if they stay on this machine."""
        return urls.remote_host(self.uri)

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
        :raises UsageError: a package that it needs is not installed.
        """
        lite = ("milvus_lite",) if urls.is_file(self.uri) else ()
        for package in ("pymilvus", *lite) if self.kind == "milvus" else ():
            if importlib.util.find_spec(package) is None:
                raise UsageError(
                    f"the store {self.kind} needs the package {package}, which is not installed",
                    hint=install_command(self.kind),
                )
        if (host := self.host) and not may_use(host):
            raise NotAllowed(
                f"the index is kept on {host}, which you have not allowed to store notes; nothing "
                f"was sent or read (it would be sent {SENT})",
                hint="ragqa ask QUESTION --yes; or, to keep it here: ragqa config set store local",
            )
        return open_store(self.folder, kind=self.kind, uri=self.uri, name=self.name)
