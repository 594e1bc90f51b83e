"""A store in Milvus: passages, embeddings and terms in collections on a server or in a file.

A generation is a record; its rows are found by their own fields (`ragqa.stores.milvus_records`).
"""

import hashlib
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

from ragqa.config.storeuri import is_file
from ragqa.errors import IndexUnusable, NoIndex, WriterBusy
from ragqa.stores import Rebuilder
from ragqa.stores.failures import cannot_write
from ragqa.stores.faults import OlderIndex, Remark, Repair
from ragqa.stores.milvus_client import Client
from ragqa.stores.milvus_examining import problems_of, remarks_on, repair_of
from ragqa.stores.milvus_lease import leased
from ragqa.stores.milvus_records import (
    FORMAT,
    MAX_ATTEMPTS,
    OLDEST,
    Generation,
    Names,
    end_turn,
    read_record,
    rows_of_records,
)
from ragqa.stores.milvus_schema import create_records, has_records
from ragqa.stores.milvus_snapshot import MilvusSnapshot
from ragqa.stores.milvus_sweeping import has_leftovers, sweep
from ragqa.stores.milvus_writer import MilvusWriter
from ragqa.types import Building, Progress

FILE = "milvus.db"


class MilvusStore:
    """An index in Milvus, which need not exist yet; connects on first use.

    :param root: a local folder: for the file, if there is no server, and for the saved embeddings
        of an unfinished build.
    :param uri: `http(s)://HOST:PORT[/DATABASE]`, or the path of a file; "" for a file in `root`.
    :param name: the name of its collections; "" for one derived from host and folder.
    """

    def __init__(self, root: Path, uri: str, name: str) -> None:
        self._root = root
        self._uri = uri or str(root / FILE)
        self._names = Names(name or _own_name(root))

    def snapshot(self) -> MilvusSnapshot:
        """Open the newest snapshot.

        :raises NoIndex: nothing has been committed yet.
        :raises IndexUnusable: the server fails, or the index cannot be read or trusted.
        """
        newest = self._newest()
        return MilvusSnapshot(self._client, self._names, newest)

    @contextmanager
    def writer(self, *, fresh: bool, wait: bool) -> Iterator[MilvusWriter]:
        """Begin the next snapshot on top of the newest, or with `fresh` from nothing.

        :raises WriterBusy: another process is writing and `wait` is False.
        :raises IndexUnusable: the server fails, or the newest snapshot is damaged.
        """
        client, names = self._client, self._names
        client.check_version()
        self._make_folder()
        create_records(client, names.records)
        with leased(client, names, wait=wait) as lease:
            lease.begin()
            sweep(client, names, lease.attempt - 1)
            base = None if fresh else self._base()
            writer = MilvusWriter(client, names, lease, base, self._root, self._number())
            try:
                yield writer
            finally:
                writer.close()
                with suppress(IndexUnusable):  # leftovers are invisible, and swept next time
                    sweep(client, names, end_turn(client, names))

    def older(self) -> OlderIndex | None:
        """What the newest generation offers for reuse, if it has an older format."""
        try:
            newest = self._newest(oldest=OLDEST)
        except (NoIndex, IndexUnusable):
            return None
        return OlderIndex(
            newest.info, lambda _: MilvusSnapshot(self._client, self._names, newest).vectors
        )

    def building(self) -> Building | None:
        """None: a lease does not tell the progress."""
        return None

    def tidy(self) -> None:
        """Remove what an interrupted writer left, if possible and if no writer is active."""
        with suppress(WriterBusy, IndexUnusable):
            if self._exists and has_leftovers(self._client, self._names):
                with leased(self._client, self._names, wait=False):
                    sweep(self._client, self._names, end_turn(self._client, self._names))

    def problems(self, *, deep: bool = True, progress: Progress | None = None) -> list[str]:
        """All problems, each in a sentence; [] if sound. With `deep`, read every row."""
        try:
            generation = self._newest()
            return problems_of(self._client, self._names, generation, deep, progress)
        except (NoIndex, IndexUnusable) as exc:
            return [exc.message]

    def remarks(self) -> list[Remark]:
        """Remarks on the server and the collections."""
        if not self._exists:
            return [Remark(f"there is no file {self._uri} yet", "ragqa index")]
        return remarks_on(self._client, self._names)

    def repair(self, rebuilder: Rebuilder, *, wait: bool, progress: Progress) -> Repair:  # noqa: ARG002 - nothing is written
        """Find damage; any requires a rebuild from the notes.

        :raises NoIndex: nothing has been committed yet.
        :raises IndexUnusable: the server fails, or `rebuilder` does not match the index.
        """
        return repair_of(self._client, self._names, self._newest, rebuilder, progress)

    @cached_property
    def _client(self) -> Client:
        return Client(self._uri)

    @property
    def _exists(self) -> bool:
        """False if the store is a file that does not exist; opening would create it."""
        return not is_file(self._uri) or Path(self._uri).exists()

    def _newest(self, *, oldest: int = FORMAT) -> Generation:
        """The newest generation.

        :param oldest: the oldest format to read.
        :raises NoIndex: there is none.
        :raises IndexUnusable: its record is damaged.
        """
        place = f"{self._names.name} at {self._uri}"
        if self._exists and has_records(self._client, self._names.records):
            rows = rows_of_records(self._client, self._names)
            if rows:
                return read_record(rows[-1], place, oldest=oldest)
        raise NoIndex(f"there is no index {place} yet", hint="ragqa index")

    def _base(self) -> MilvusSnapshot | None:
        try:
            return self.snapshot()
        except NoIndex:
            return None

    def _number(self) -> int:
        """The number of the newest generation, sound or not; 0 if there is none."""
        rows = rows_of_records(self._client, self._names)
        numbers = [int(row["generation"]) for row in rows]
        return max([0, *(number for number in numbers if number < MAX_ATTEMPTS)])

    def _make_folder(self) -> None:
        try:
            self._root.mkdir(0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise cannot_write(self._root, exc.strerror or str(exc)) from exc


def _own_name(root: Path) -> str:
    """A name derived from host and folder, unique among the indexes on a server."""
    origin = f"{platform.node()}\0{root.absolute()}"
    digest = hashlib.blake2b(os.fsencode(origin), digest_size=6).hexdigest()
    readable = "".join(c if c.isalnum() and c.isascii() else "_" for c in root.name)[:40]
    return f"ragqa_{readable}_{digest}"
