"""A store in Milvus: passages, embeddings and terms in collections on a server or in a file.

A generation is a record; its rows are found by their own fields (`ragqa.stores.milvus.records`).
"""

import hashlib
import os
import platform
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path

from ragqa.config.addresses import is_file
from ragqa.errors import IndexNotReadable, IndexUnusable, NoIndex, OtherFormat, WriterBusy
from ragqa.private import private_folder
from ragqa.stores.disk import cannot_write
from ragqa.stores.milvus.client import Client
from ragqa.stores.milvus.examining import problems_of, remarks_on
from ragqa.stores.milvus.lease import claims, leased
from ragqa.stores.milvus.records import (
    MAX_ATTEMPTS,
    Generation,
    begin_turn,
    end_turn,
    read_record,
    readable_records,
    retained,
    rows_of_records,
)
from ragqa.stores.milvus.rows import any_of, in_ranges
from ragqa.stores.milvus.schema import RECORD_NUMBERS, create_without_embeddings, has_records
from ragqa.stores.milvus.snapshot import MilvusSnapshot
from ragqa.stores.milvus.writer import MilvusWriter
from ragqa.stores.protocol import Rebuilder, Remark, Repair, Store
from ragqa.types import Progress

FILE = "milvus.db"


class MilvusStore(Store):
    """An index in Milvus, which need not exist yet; connects on first use.

    :param root: a local folder: for the file, if there is no server, and for the saved embeddings
        of an unfinished build.
    :param uri: `http(s)://HOST:PORT[/DATABASE]`, or the path of a file; "" for a file in `root`.
    :param name: the name of its collections; "" for one derived from host and folder.
    """

    def __init__(self, root: Path, uri: str, name: str) -> None:
        self._root = root
        self._uri = uri or str(root / FILE)
        self._name = name or _own_name(root)

    def snapshot(self) -> MilvusSnapshot:
        """Open the newest snapshot."""
        newest = self._newest()
        return MilvusSnapshot(self._client, newest)

    @contextmanager
    def writer(self, *, fresh: bool, wait: bool) -> Iterator[MilvusWriter]:
        """Begin the next snapshot on top of the newest, or with `fresh` from nothing."""
        client = self._client
        client.check_version()
        try:
            private_folder(self._root)
        except OSError as exc:
            raise cannot_write(self._root, exc.strerror or str(exc)) from exc
        create_without_embeddings(client, client.records, RECORD_NUMBERS)
        with leased(client, wait=wait) as lease:
            lease.attempt = begin_turn(client)
            _sweep(client, lease.attempt - 1)
            base = None
            with suppress(NoIndex):
                base = None if fresh else self.snapshot()
            numbers = (int(row["generation"]) for row in rows_of_records(client))
            # A forged record may have any number.
            number = 1 + max([0, *(each for each in numbers if each < MAX_ATTEMPTS)])
            writer = MilvusWriter(client, lease, base, self._root, number)
            try:
                yield writer
            finally:
                writer.close()
                with suppress(IndexUnusable):  # leftovers are invisible, and swept next time
                    _sweep(client, end_turn(client))

    def tidy(self) -> None:
        """Remove what an interrupted writer left, if possible and if no writer is active."""
        with suppress(WriterBusy, IndexUnusable):
            if self._exists and _has_leftovers(self._client):
                with leased(self._client, wait=False):
                    _sweep(self._client, end_turn(self._client))

    def problems(self, *, deep: bool = True, progress: Progress | None = None) -> list[str]:
        """All problems, each in a sentence; [] if sound. With `deep`, read every row."""
        try:
            generation = self._newest()
            return problems_of(self._client, generation, deep=deep, progress=progress)
        except (NoIndex, IndexUnusable) as exc:
            return [exc.message]

    def remarks(self) -> list[Remark]:
        """Remarks on the server and the collections."""
        if not self._exists:
            return [Remark(f"there is no file {self._uri} yet", "ragqa index")]
        return remarks_on(self._client)

    def repair(self, rebuilder: Rebuilder, *, wait: bool, progress: Progress) -> Repair:  # noqa: ARG002 - nothing is written
        """Find damage; any requires a rebuild from the notes."""
        try:
            generation = self._newest()
        except (IndexNotReadable, OtherFormat):
            raise
        except IndexUnusable as exc:
            wrong = [exc.message]
        else:
            rebuilder.check(generation.info)
            wrong = problems_of(self._client, generation, deep=True, progress=progress)
            if not wrong:
                with closing(MilvusSnapshot(self._client, generation)) as snapshot:
                    wrong = [fault.what for fault in rebuilder.faults(snapshot)]
        if not wrong:
            return Repair()
        return Repair(rebuild=f"read and embedded all notes again, since {wrong[0]}")

    @cached_property
    def _client(self) -> Client:
        return Client(self._uri, self._name)

    @property
    def _exists(self) -> bool:
        """False if the store is a file that does not exist; opening would create it."""
        return not is_file(self._uri) or Path(self._uri).exists()

    def _newest(self) -> Generation:
        """The newest generation.

        :raises NoIndex: there is none.
        :raises IndexUnusable: its record is damaged.
        """
        place = f"{self._name} at {self._uri}"
        if self._exists and has_records(self._client):
            rows = rows_of_records(self._client)
            if rows:
                return read_record(rows[-1], place)
        raise NoIndex(f"there is no index {place} yet", hint="ragqa index")


def _has_leftovers(client: Client) -> bool:
    """Whether a sweep would find old generations or leftovers of a killed writer."""
    if not client.has(client.records):
        return False
    generations = readable_records(client)
    kept = retained(generations, time.time())
    return (
        len(kept) < len(generations)
        or not client.bases() <= {each.base for each in kept}
        or any(claim.has_ended for claim in claims(client))
    )


def _sweep(client: Client, attempt: int) -> None:
    """Remove what no readable generation needs; only the lease holder may.

    :param attempt: the last attempt begun: every attempt since the newest generation, this one
        included, has failed.
    """
    newest = max((row["pk"] for row in rows_of_records(client)), default=0)
    kept = retained(readable_records(client), time.time())
    is_sound = not newest or any(each.attempt == newest for each in kept)
    for base in sorted(client.bases() - {each.base for each in kept}):
        # Later ones belong to a writer that took this one for dead. And if the newest record is
        # unreadable, another ragqa may read it, or a person may want to inspect its rows.
        if base <= attempt and (is_sound or base > newest):
            client.drop(client.passages(base))
            client.drop(client.notes(base))
    if kept and is_sound:
        # Records first: a reader that still finds its record has read all its rows.
        gone = f"pk > 0 and pk < {newest} and not ({any_of('pk', [each.attempt for each in kept])})"
        _delete(client, client.records, gone)
        _remove_rows(client, kept, attempt)


def _remove_rows(client: Client, kept: list[Generation], attempt: int) -> None:
    newest = kept[-1]
    void = [*newest.void]
    if attempt > newest.attempt:
        void.append((newest.attempt + 1, attempt))
    oldest = min(each.attempt for each in kept if each.base == newest.base)
    dead = f"died <= {oldest}"
    if newest.void:
        dead = f"{dead} and not {in_ranges('died', newest.void)}"
    for collection in (client.passages(newest.base), client.notes(newest.base)):
        if not client.has(collection):
            continue  # a rebuild uses other collections
        client.load_if_needed(collection)
        for where in (*([in_ranges("born", void)] if void else []), dead):
            _delete(client, collection, where)


def _delete(client: Client, collection: str, where: str) -> None:
    """Delete the rows that match a condition, if there are any."""
    if client.count(collection, where):
        client.delete(collection, where)


def _own_name(root: Path) -> str:
    """A name derived from host and folder, unique among the indexes on a server."""
    origin = f"{platform.node()}\0{root.absolute()}"
    digest = hashlib.blake2b(os.fsencode(origin), digest_size=6).hexdigest()
    readable = "".join(c if c.isalnum() and c.isascii() else "_" for c in root.name)[:40]
    return f"ragqa_{readable}_{digest}"
