"""A store in Milvus: passages, embeddings and terms in collections on a server or in a file.

NAME_info describes the index NAME: its build is in NAME_passages_0 and NAME_notes_0, or in those
with 1. A build from nothing fills the other two, and is seen at once when the description is
replaced; a refresh changes rows note by note. NAME_saved has what an unfinished build embedded.
"""

import hashlib
import json
import os
import platform
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice, repeat
from pathlib import Path
from typing import NamedTuple

import msgspec

from ragqa import errors, types
from ragqa.config.urls import is_file
from ragqa.errors import IndexUnusable, NoIndex, RagqaError
from ragqa.index import IndexWriter, Store
from ragqa.index.milvus import snapshot as rows
from ragqa.index.milvus.client import MAX_HITS, Client, Row
from ragqa.index.milvus.snapshot import MilvusSnapshot
from ragqa.index.rows import MALFORMED, check_vectors, model_of
from ragqa.types import IndexInfo, NoteRecord, Passage, Stamp, Vector, Vectors

DEAD_S, POLL_S = 600.0, 1.0  # a writer silent for so long is dead; how often one that waits looks
SENT_AT_ONCE = 5_000  # new passages; those of a refresh become visible when they are sent
_HELD: set[tuple[object, ...]] = set()  # the turns of this process


class Claim(NamedTuple):
    """The row of the writer whose turn it is; `seen` is when it last gave a sign of life."""

    host: str
    process: int
    since: float
    seen: float = 0.0
    embedded: int = 0

    @classmethod
    def there(cls, client: Client) -> "Claim | None":
        """The row that is there, if it can be read."""
        ready = client.ready(client.about)
        for row in client.of(client.about, [rows.WRITER] if ready else (), ("data",)):
            with suppress(*MALFORMED):
                return msgspec.convert(json.loads(row["data"]), cls)
        return None

    @property
    def is_living(self) -> bool:
        """Whether its writer gave a sign of life lately and, if on this machine, still runs."""
        if self.host == platform.node() and self.process == os.getpid():
            return self[:3] in _HELD
        try:
            os.kill(self.process if self.host == platform.node() else os.getpid(), 0)
        except ProcessLookupError:
            return False
        except (OSError, OverflowError):
            pass  # another user's
        return abs(time.time() - self.seen) <= DEAD_S


class Turn:
    """The right to write: a row of the server names who has it, and `check` stops anyone else."""

    def __init__(self, client: Client, *, wait: bool) -> None:
        self.embedded, self._client = 0, client
        self.own = (platform.node(), os.getpid(), time.time())
        while (other := Claim.there(client)) and other.is_living:
            if not wait:
                who = f"process {other.process} on {other.host:.80}"
                what = f"the index {client.place} is being written by {who}"
                raise errors.WriterBusy(what, hint="wait until it is done, or: ragqa index --wait")
            time.sleep(POLL_S)
        _HELD.add(self.own)
        self._renew()

    def check(self) -> None:
        """Give a sign of life, unless another writer has taken this one for dead."""
        if (Claim.there(self._client) or ())[:3] != self.own:
            what = f"another process took over writing the index {self._client.place}"
            raise errors.IndexNotWritable(what, hint="run the same command again")
        self._renew()

    def _renew(self) -> None:
        data = json.dumps([*self.own, time.time(), self.embedded])
        self._client.put(self._client.about, [rows.plain_row(rows.WRITER, data)])


class MilvusWriter(IndexWriter):
    """Changes on top of what is there, or with `fresh` a build from nothing that replaces it."""

    def __init__(
        self, turn: Turn, client: Client, there: MilvusSnapshot | None, *, fresh: bool
    ) -> None:
        self._client, self._turn, self._base = client, turn, None if fresh else there
        self._there, self.info = there, there.info if there else None
        self.model = model_of(self.info) if self.info else 0
        self._number = 1 + (self.info.generation if self.info else 0)
        self._build = abs((there.build if there else 1) - (self._base is None))
        self._passages, self._notes = client.pair(self._build)
        self._dimension = self._base.info.embedder.dimension if self._base else None
        self._pending: list[tuple[NoteRecord, list[Row]]] = []
        self._known: dict[int, Vector] = {}  # what was found last, and saved since, by key
        self._waiting = 0
        self._gone: set[str] = set()
        self._sent: list[NoteRecord] = []
        self._created = self._base is not None
        self._has_saved = False

    def vectors(self, keys: Iterable[int]) -> dict[int, Vector]:
        """The embeddings that the model has made, by embedding key."""
        wanted, vectors, client = set(keys), dict[int, Vector](), self._client
        if self._there and self.info and self.model == model_of(self.info):
            vectors = self._there.vectors(wanted)
        for row in client.of(client.about, [rows.SAVED], ("data",)):
            model, size = row["data"].split()
            if model == str(self.model) and client.ready(client.saved):
                self._has_saved, self._turn.embedded = True, client.count(client.saved)
                wanted -= vectors.keys()
                vectors |= rows.read_vectors(client, client.saved, int(size), wanted)
        self._known = vectors
        return dict(vectors)

    def save(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        """Keep the embeddings of passages, shape (passages, dimension), until the next commit."""
        check_vectors(passages, vectors)
        client, dimension = self._client, vectors.shape[1]
        keys = [passage.embedding_key for passage in passages]
        self._turn.check()
        if not self._has_saved:
            client.create(client.saved, dimension)
            client.put(client.about, [rows.plain_row(rows.SAVED, f"{self.model} {dimension}")])
            self._has_saved = True
        client.put(client.saved, map(rows.plain_row, keys, repeat(""), vectors))
        self._turn.embedded += len(keys)
        self._known |= zip(keys, vectors, strict=True)

    def add(self, record: NoteRecord, passages: Sequence[Passage]) -> None:
        """Add a note, replacing any note at its path."""
        if self._waiting >= SENT_AT_ONCE:
            self._send()
        known = [self._known[passage.embedding_key] for passage in passages]
        self._pending.append((record, list(map(rows.passage_row, passages, known))))
        self._dimension = len(known[0]) if known else self._dimension
        self._waiting += len(passages)

    def commit(
        self,
        info: IndexInfo | None = None,
        *,
        removed: Iterable[str] = (),
        restamped: Iterable[tuple[str, Stamp, bool]] = (),
    ) -> IndexInfo:
        """Send the rows, then the description that counts them."""
        client, base = self._client, self._base
        info = info or self.info
        if info is None:
            raise NoIndex(f"there is no index {client.place} yet", hint="ragqa index")
        self._dimension = info.embedder.dimension
        dense = types.DenseInfo("exact" if client.is_exact else "hnsw")
        info = replace(info, generation=self._number, dense=base.info.dense if base else dense)
        rows.description(info, self._build, 0.0)  # too large: fail before anything changes
        self._gone = set(removed)
        self._send(whole=True)
        there = base.notes() if base else {}
        stamped = (
            replace(there[path], stamp=stamp, settled=settled)
            for path, stamp, settled in restamped
            if path in there
        )
        client.put(self._notes, map(rows.note_row, stamped))
        if client.is_lite:  # it scans the rows of its log one by one
            client.call("flush", self._passages)
        notes, passages = client.count(self._notes) - len(self._gone), client.count(self._passages)
        info = replace(info, notes=notes, passages=passages)
        first = islice(client.each(self._passages, "", ("length",)), MAX_HITS)
        lengths = [row["length"] for row in first]  # of any passages, since ids are hashes
        mean_length = sum(lengths) / max(1, len(lengths))
        self._turn.check()
        client.put(client.about, [rows.description(info, self._build, mean_length)])
        self._settle()  # last: after a failure before, the next refresh does all of them again
        if base is None or self._has_saved:
            client.drop(client.saved)
        return info

    def _send(self, *, whole: bool = False) -> None:
        """Send what waits: a note counts as changed until all its rows are there."""
        client, records = self._client, [record for record, _ in self._pending]
        made = [row for _, own in self._pending for row in own]
        self._turn.check()
        if self._dimension and not self._created:
            self._created = True
            client.create(self._passages, self._dimension, terms=True)
            client.create(self._notes)
        if self._base:
            empty = NoteRecord("", Stamp(0, 0), "", settled=False, title="", tags=(), date="")
            gone = (replace(empty, path=path) for path in self._gone)
            marked = (replace(record, sha256="", settled=False) for record in (*records, *gone))
            client.put(self._notes, map(rows.note_row, marked))
        client.put(self._passages, made)
        if self._base:
            paths = (*(record.path for record in records), *self._gone)
            but = f" and pk not in {[row['pk'] for row in made] or [0]}"
            client.delete(self._passages, map(rows.hash_key, paths), "note", but)
        self._pending, self._sent, self._waiting = [], records, 0
        if not (whole and self._base):
            self._settle()

    def _settle(self) -> None:
        """Have the notes that were sent count as they are, and remove those that are gone."""
        self._client.put(self._notes, map(rows.note_row, self._sent))
        self._client.delete(self._notes, map(rows.hash_key, self._gone))
        self._sent, self._gone = [], set()


class MilvusStore(Store):
    """An index in Milvus, which need not exist yet; connects on first use.

    `uri` names a server or a file, "" one in `root`; `name` is "" for one of host and folder.
    """

    def __init__(self, root: Path, uri: str, name: str) -> None:
        self._uri, self._is_shared = uri or str(root / "milvus.db"), bool(name)
        self._name = name or _own_name(root)

    @contextmanager
    def snapshot(self) -> Iterator[MilvusSnapshot]:
        """Open the newest snapshot."""
        yield self._newest()

    def _newest(self) -> MilvusSnapshot:
        is_there = not is_file(self._uri) or Path(self._uri).exists()
        if is_there and self._client.ready(self._client.about):
            for row in self._client.of(self._client.about, [rows.DESCRIPTION], ("data",)):
                return MilvusSnapshot(self._client, row["data"], is_shared=self._is_shared)
        raise NoIndex(f"there is no index {self._name} at {self._uri} yet", hint="ragqa index")

    @contextmanager
    def writer(self, *, fresh: bool, wait: bool) -> Iterator[MilvusWriter]:
        """Begin the next snapshot on top of the newest, or with `fresh` from nothing."""
        client, base = self._client, None
        if not client.ready(client.about):
            client.create(client.about)
        turn = Turn(client, wait=wait)
        try:
            with suppress(NoIndex, *((IndexUnusable,) if fresh else ())):
                base = self._newest()
            yield MilvusWriter(turn, client, base, fresh=fresh)
        finally:
            with suppress(RagqaError):  # another took over, or the server is gone
                turn.check()
                with suppress(RagqaError):
                    client.drop(*client.pair(1 - self._newest().build))
                client.delete(client.about, [rows.WRITER])
            _HELD.discard(turn.own)

    def building(self) -> types.Building | None:
        """The progress of another process writing the next snapshot; None if none is known."""
        with suppress(RagqaError, ValueError, OverflowError):
            claim = None if is_file(self._uri) else Claim.there(self._client)  # a file has but one
            if claim and claim.is_living:
                since = datetime.fromtimestamp(claim.since, UTC).isoformat(timespec="seconds")
                return types.Building(since, claim.embedded)
        return None

    @cached_property
    def _client(self) -> Client:
        return Client(self._uri, self._name)


def _own_name(root: Path) -> str:
    """A name derived from host and folder, unique among the indexes on a server."""
    origin = f"{platform.node()}\0{root.absolute()}"
    digest = hashlib.blake2b(os.fsencode(origin), digest_size=6).hexdigest()
    return f"ragqa_{re.sub('[^A-Za-z0-9]', '_', root.name)[:40]}_{digest}"
