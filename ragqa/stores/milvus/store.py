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
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice, repeat
from pathlib import Path
from typing import NamedTuple

import msgspec

from ragqa import errors, types
from ragqa.config.addresses import is_file
from ragqa.errors import IndexUnusable, NoIndex, RagqaError
from ragqa.stores import Store
from ragqa.stores.milvus import snapshot as rows
from ragqa.stores.milvus.client import MAX_HITS, Client, Row
from ragqa.stores.milvus.snapshot import MilvusSnapshot
from ragqa.stores.rows import MALFORMED, check_vectors, fingerprint
from ragqa.types import IndexInfo, Note, NoteRecord, Passage, Stamp, Vector, Vectors

DEAD_S, POLL_S = 600.0, 1.0  # a writer silent for so long is dead; how often one that waits looks
SENT_AT_ONCE = 5_000  # new passages; those of a refresh become visible when they are sent
_HELD: set[tuple[object, ...]] = set()  # the turns of this process


class Claim(NamedTuple):
    """The row of the writer whose turn it is, the last that put one; `seen` is a sign of life."""

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
        """Whether its writer is there, if here, and was heard of lately: not in time to come."""
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


class MilvusWriter:
    """Changes on top of what is there, or with `fresh` a build from nothing that replaces it."""

    def __init__(
        self, turn: Turn, client: Client, there: MilvusSnapshot | None, *, fresh: bool
    ) -> None:
        self._client, self._turn, self._base = client, turn, None if fresh else there
        self._number = 1 + (there.info.generation if there else 0)
        self._build = abs((there.build if there else 1) - (self._base is None))
        self._passages, self._notes = client.pair(self._build)
        self._dimension = self._base.info.embedder.dimension if self._base else None
        self._pending: dict[str, tuple[NoteRecord, list[Row]]] = {}
        self._gone: set[str] = set()
        self._restamped: dict[str, NoteRecord] = {}
        self._sent: set[int] = set()
        self._saved_dimension: int | None = None
        self._saved: set[int] = set()
        self._waiting, self._created = 0, self._base is not None

    def resume(self, embedder: types.EmbedderInfo, dtype: str) -> int:
        """Reuse what an interrupted writer saved with this embedder; returns their number."""
        client, self._saved_dimension = self._client, embedder.dimension
        made_by = fingerprint(embedder, dtype)
        found = client.of(client.about, [rows.SAVED], ("data",))
        if [row["data"] for row in found] != [made_by]:
            client.drop(client.saved)
            client.put(client.about, [rows.plain_row(rows.SAVED, made_by)])
        self._turn.embedded = client.count(client.saved) if client.ready(client.saved) else 0
        return self._turn.embedded

    def save(self, embedding_keys: Sequence[int], vectors: Vectors) -> None:
        """Save embeddings, shape (keys, dimension), until the next commit."""
        if self._saved_dimension is None:
            raise ValueError("save was called before resume")
        self._turn.check()
        if not self._client.ready(self._client.saved):
            self._client.create(self._client.saved, self._saved_dimension)
        saved = map(rows.plain_row, embedding_keys, repeat(""), vectors)
        self._client.put(self._client.saved, saved)
        self._saved.update(embedding_keys)
        self._turn.embedded += len(embedding_keys)

    def vectors(self, embedding_keys: Iterable[int]) -> Mapping[int, Vector]:
        """The embeddings that are saved or in the base snapshot, by embedding key."""
        keys, found, saved = set(embedding_keys), dict[int, Vector](), self._client.saved
        if self._saved_dimension is not None and self._client.ready(saved):
            found = rows.read_vectors(self._client, saved, self._saved_dimension, keys)
            self._saved.update(found)
        if self._base:
            found |= self._base.vectors(keys - found.keys(), "embedding_key")
        return found

    def remove(self, paths: Iterable[str]) -> None:
        """Delete notes and their passages."""
        for path in paths:
            self._pending.pop(path, None)
            self._restamped.pop(path, None)
            self._gone.add(path)

    def add(
        self, note: Note, *, settled: bool, passages: Sequence[Passage], vectors: Vectors
    ) -> None:
        """Add a note, replacing any note at its path; `vectors` is (passages, dimension)."""
        check_vectors(passages, vectors)
        if passages:
            self._dimension = vectors.shape[1]
        self.remove([note.path])
        self._gone.discard(note.path)
        made = list(map(rows.passage_row, passages, vectors))
        self._pending[note.path] = (NoteRecord.of(note, settled=settled), made)
        self._waiting += len(made)
        if self._waiting >= SENT_AT_ONCE:
            self._send()

    def restamp(self, path: str, stamp: Stamp, *, settled: bool) -> None:
        """Record a new stamp for a note whose text is unchanged."""
        if path in self._pending:
            record, made = self._pending[path]
            self._pending[path] = (replace(record, stamp=stamp, settled=settled), made)
        elif self._base and path not in self._gone and (known := self._base.notes().get(path)):
            self._restamped[path] = replace(known, stamp=stamp, settled=settled)

    def commit(self, info: IndexInfo) -> IndexInfo:
        """Send the rows, then the description that counts them."""
        client, base = self._client, self._base
        self._dimension = info.embedder.dimension
        dense = types.DenseInfo("exact" if client.is_exact else "hnsw")
        info = replace(info, generation=self._number, dense=base.info.dense if base else dense)
        rows.description(info, self._build, 0.0)  # too large: fail before anything changes
        self._send()
        client.put(self._notes, map(rows.note_row, self._restamped.values()))
        if client.is_lite:  # it scans the rows of its log one by one
            client.call("flush", self._passages)
        info = replace(info, notes=client.count(self._notes), passages=client.count(self._passages))
        first = islice(client.each(self._passages, "", ("length",)), MAX_HITS)
        lengths = [row["length"] for row in first]  # of any passages, since ids are hashes
        mean_length = sum(lengths) / max(1, len(lengths))
        self._turn.check()
        client.put(client.about, [rows.description(info, self._build, mean_length)])
        if base is None:
            client.drop(client.saved)
        elif self._saved:
            client.delete(client.saved, self._saved)
        return info

    def _send(self) -> None:
        """Send what waits: a note counts as changed until all its rows are there."""
        client, records = self._client, [record for record, _ in self._pending.values()]
        made = [row for _, own in self._pending.values() for row in own]
        touched = {rows.hash_key(path): path for path in (*self._pending, *self._gone)}
        self._turn.check()
        if self._dimension and not self._created:
            self._created = True
            client.create(self._passages, self._dimension, terms=True)
            client.create(self._notes)
        ids = Counter(row["pk"] for row in made)
        there = client.of(self._passages, ids, ("pk", "note"))
        ids.update(row["pk"] for row in there if row["note"] not in touched)
        if twice := [touched[row["note"]] for row in made if ids[row["pk"]] > 1]:
            raise IndexUnusable(f"a passage of the note {twice[0]} has the id of another passage")
        if self._base:
            empty = NoteRecord("", Stamp(0, 0), "", settled=False, title="", tags=(), date="")
            gone = (replace(empty, path=path) for path in self._gone)
            marked = (replace(record, sha256="", settled=False) for record in (*records, *gone))
            client.put(self._notes, map(rows.note_row, marked))
        client.put(self._passages, made)
        old = touched if self._base else touched.keys() & self._sent
        client.delete(self._passages, old, "note", f" and pk not in {[*ids] or [0]}")
        client.put(self._notes, map(rows.note_row, records))
        client.delete(self._notes, map(rows.hash_key, self._gone))
        self._sent.update(touched)
        self._pending, self._gone, self._waiting = {}, set(), 0


class MilvusStore(Store):
    """An index in Milvus, which need not exist yet; connects on first use.

    `uri` names a server or a file, "" one in `root`; `name` is "" for one of host and folder.
    """

    def __init__(self, root: Path, uri: str, name: str) -> None:
        self._uri, self._is_shared = uri or str(root / "milvus.db"), bool(name)
        self._name = name or _own_name(root)

    def snapshot(self) -> MilvusSnapshot:
        """Open the newest snapshot."""
        if self._exists and self._client.ready(self._client.about):
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
                base = self.snapshot()
            yield MilvusWriter(turn, client, base, fresh=fresh)
        finally:
            with suppress(RagqaError):  # another took over, or the server is gone
                turn.check()
                with suppress(RagqaError):
                    client.drop(*client.pair(1 - self.snapshot().build))
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

    def tidy(self) -> None:
        """Remove what an interrupted writer left, and count anew what it changed."""
        with suppress(RagqaError):
            wrong = self._miscounted(snapshot := self.snapshot())
            if wrong or self._client.ready(self._client.pair(1 - snapshot.build)[1]):
                with self.writer(fresh=False, wait=False) as writer:
                    if wrong:
                        writer.commit(self.snapshot().info)

    def problems(self) -> list[str]:
        """Read every row and return each problem as a sentence; [] if sound."""
        try:
            snapshot = self.snapshot()
            wrong = self._miscounted(snapshot)
            for path, passages in snapshot.by_note():
                sound = snapshot.vectors([passage.id for passage in passages])
                if len(sound) < len(passages):
                    wrong.append(f"an embedding of the note {path} is missing or malformed")
        except (NoIndex, IndexUnusable) as exc:
            return [exc.message]
        return wrong

    @cached_property
    def _client(self) -> Client:
        return Client(self._uri, self._name)

    @property
    def _exists(self) -> bool:
        """False if it is a file that does not exist; opening would create it."""
        return not is_file(self._uri) or Path(self._uri).exists()

    def _miscounted(self, snapshot: MilvusSnapshot) -> list[str]:
        """What a refresh that was interrupted, or is under way, leaves uncounted."""
        info, pair = snapshot.info, self._client.pair(snapshot.build)
        return [
            f"{collection} at {self._uri} has {there} rows, generation {info.generation} {was}"
            for collection, was in zip(pair, (info.passages, info.notes), strict=True)
            if (there := self._client.count(collection)) != was
        ]


def _own_name(root: Path) -> str:
    """A name derived from host and folder, unique among the indexes on a server."""
    origin = f"{platform.node()}\0{root.absolute()}"
    digest = hashlib.blake2b(os.fsencode(origin), digest_size=6).hexdigest()
    return f"ragqa_{re.sub('[^A-Za-z0-9]', '_', root.name)[:40]}_{digest}"
