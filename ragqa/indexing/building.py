"""Bring an index up to date with its notes, embedding only what is new; repair a damaged one."""

import gc
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from math import ceil

import numpy as np

from ragqa.embedders import CANARY, Embedder, Workers, WorkersFor, here
from ragqa.errors import IndexNotReadable, IndexUnusable, NoIndex, OtherFormat
from ragqa.indexing.source import (
    BYTES_PER_TOKEN,
    Changes,
    Source,
    ahead,
    check_corpus,
    check_embedder,
    check_origin,
    find_changes,
)
from ragqa.notes import format_of, read_note
from ragqa.stores import Store, Writer
from ragqa.types import (
    IndexInfo,
    IndexReport,
    Note,
    NoteFile,
    NoteState,
    Passage,
    Pieces,
    Progress,
    Remark,
    Skipped,
    Vector,
    no_progress,
)

SMALL_CHANGE_PASSAGES = 64
"""Up to this many new passages, the query embedder finishes before torch would have started."""

CHUNK_PASSAGES = 2048
"""The passages to collect per chunk; its last note may exceed it."""

SAVED_TOGETHER = 256
"""Passages per part: their embeddings are saved together, and a dead worker loses at most these."""

KEPT = "The embeddings so far are saved: run the same command again to resume."


def refresh(
    store: Store,
    source: Source,
    *,
    rebuild: bool = False,
    wait: bool = False,
    unless_long: bool = False,
    progress: Progress = no_progress,
) -> IndexReport:
    """Bring the index up to date with the notes, or build it if this ragqa has made none.

    Passages with the same text keep their embedding. If nothing changed, no lock is taken.

    :param rebuild: read all notes again, and recompute every passage and embedding.
    :param unless_long: if an update would take long, the report only says what waits.
    :raises NoCorpus: there is no corpus, or no note in it can be read.
    :raises EmbedderMismatch: the index was built with another embedder; `rebuild` fixes it.
    :raises IndexUnusable: the index is damaged or not writable.
    :raises WriterBusy: another process is writing it and `wait` is False.
    """
    started = time.perf_counter()
    if rebuild:  # files that could not be read are tried again
        from ragqa.notes.extraction.cache import try_again

        try_again()
    nothing: tuple[IndexInfo | None, Mapping[str, NoteState]] = (None, {})
    while True:
        with _without_gc():
            walk = source.walk()
            base, known = nothing if rebuild else _read_base(store, source, progress)
            if unless_long and base and (waiting := ahead(source, walk, base, known)).is_long:
                changes = Changes(walk, (), (), (), (), base.skipped, base.notes)
                return replace(_report(base, base, changes, started), waiting=waiting)
            changes = find_changes(source, walk, base, known, progress=progress)
        if base and not changes and changes.skipped == base.skipped:
            store.tidy()
            return _report(base, base, changes, started)
        with store.writer(fresh=base is None, wait=wait) as writer:
            if not rebuild and _read_base(store, source)[0] != base:
                continue  # another process has committed meanwhile
            info, warnings = _write(writer, source, base, changes, progress)
            _forget(store, known, changes)
            return _report(info, base, changes, started, warnings)


def repair(
    store: Store, source: Source, *, wait: bool = False, progress: Progress = no_progress
) -> tuple[str, ...]:
    """Find what is damaged and build it anew; write nothing if nothing is damaged.

    Where notes, passages or embeddings are, that is a build from the notes that takes over the
    sound embeddings, as after an interruption.

    :returns: what was done and why, each in a sentence.
    :raises NoIndex: there is nothing to repair.
    :raises IndexUnusable: it was built from other notes or settings, or is not writable.
    """
    info = None
    try:
        info, _ = store.state()
    except (IndexNotReadable, OtherFormat):
        raise
    except IndexUnusable:  # what it was built from is not known any more
        pass
    if info:
        check_origin(info, source)
        check_embedder(info, source.embedders.asking)
    if not store.problems():
        return ()
    done = store.mend(wait=wait)
    if problems := store.problems():
        if unreadable := source.walk().unreadable_folders:
            raise IndexUnusable(
                f"the folder {unreadable[0]} cannot be read, and the index has to be rebuilt from "
                f"the notes, which would lose those in it: {problems[0]}",
                hint="make the folder readable, or continue without it: ragqa index --rebuild",
            )
        refresh(store, source, rebuild=True, wait=wait, progress=progress)
        done = [*done, f"read all notes again, since {problems[0]}"]
    return tuple(done)


def _forget(store: Store, known: Mapping[str, NoteState], changes: Changes) -> None:
    """Remove the documents of files that the index no longer has."""
    paths = [*changes.removed, *(file.path for file in changes.changed)]
    if old := {known[path].sha256 for path in paths if format_of(path).version}:
        from ragqa.notes.extraction.cache import forget

        forget(old - {note.sha256 for note in store.state()[1].values()})


@contextmanager
def _without_gc() -> Iterator[None]:
    """Disable garbage collection while only allocating tuples per note, which hold no garbage.

    It took a third of the time for a hundred thousand notes, before every query.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read_base(
    store: Store, source: Source, progress: Progress = no_progress
) -> tuple[IndexInfo | None, Mapping[str, NoteState]]:
    """The existing index and the state of its notes; nothing if it must be built."""
    try:
        info, states = store.state()
        check_origin(info, source)
    except NoIndex:
        return None, {}
    except OtherFormat as exc:
        if source.shared_name:
            raise  # another machine may need it: it is replaced only when that is asked for
        if exc.corpus:
            check_corpus(exc.corpus, source)
        progress("anew", 0, 1)
        return None, {}
    return info, states


def _write(
    writer: Writer,
    source: Source,
    base: IndexInfo | None,
    changes: Changes,
    report: Progress,
) -> tuple[IndexInfo, list[Remark]]:
    """Write the next generation; returns it, and warnings about notes."""
    files = changes.added + changes.changed
    embedder, workers = _embedder_for(source, base, files, report)
    embedding = Embedding(writer, embedder)
    embedding.languages |= base.languages if base else {}
    try:
        writer.remove(changes.removed)
        for path, stamp, settled in changes.restamped:
            writer.restamp(path, stamp, settled=settled)
        warnings = embedding.add_notes(files, source, workers, report)
        report("writing", 0, 1)
        described = _describe(source, base, changes, embedder)
        info = writer.commit(replace(described, languages=embedding.languages))
    except KeyboardInterrupt as exc:
        if embedding.resumed or embedding.computed:
            exc.add_note(KEPT)
        raise
    report("writing", 1, 1)
    return info, warnings


def _embedder_for(
    source: Source, base: IndexInfo | None, files: Sequence[NoteFile], report: Progress
) -> tuple[Embedder, WorkersFor]:
    """Choose the embedder's form by the amount of work, and check it against the base."""
    embedders = source.embedders
    passage_bytes = BYTES_PER_TOKEN * source.chunking.target_tokens
    size = sum(file.stamp.size for file in files)
    if base is not None and size <= SMALL_CHANGE_PASSAGES * passage_bytes:
        check_embedder(base, embedders.asking)
        return embedders.asking, here
    report("loading", 0, 1)
    embedder = embedders.building
    report("loading", 1, 1)
    if base is not None:
        check_embedder(base, embedder)
    return embedder, embedders.workers


def _describe(
    source: Source, base: IndexInfo | None, changes: Changes, embedder: Embedder
) -> IndexInfo:
    """Describe the new generation; the store fills in its number and counts."""
    if base is None:
        base = IndexInfo(
            generation=0,
            embedder=embedder.info,
            dtype=embedder.dtype,
            canary=tuple(map(float, embedder.embed_passages([CANARY])[0])),
            chunking=source.chunking.as_mapping(),
            notes=0,
            passages=0,
            corpus=source.origin,
            created="",
        )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return replace(base, created=now, skipped=changes.skipped)


def _report(
    info: IndexInfo,
    base: IndexInfo | None,
    changes: Changes,
    started: float,
    warnings: Sequence[Remark] = (),
) -> IndexReport:
    before = set(map(str, base.skipped)) if base else ()
    return IndexReport(
        info=info,
        added=len(changes.added),
        changed=len(changes.changed),
        removed=len(changes.removed),
        unchanged=changes.unchanged,
        skipped=changes.skipped,
        newly_skipped=tuple(one for one in changes.skipped if str(one) not in before),
        seconds=round(time.perf_counter() - started, 3),
        warnings=tuple(warnings),
    )


@dataclass(slots=True)
class Chunk:
    """Notes that are embedded together, with all their passages and total size in bytes.

    :param notes: each with whether it is settled, as in `NoteState`, and its passages.
    :param vectors: the embeddings so far, shape (dimension,), by embedding key.
    :param parts: the passages that are at the workers.
    """

    notes: list[tuple[Note, bool, Sequence[Passage]]] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    size: int = 0
    vectors: dict[int, Vector] = field(default_factory=dict)
    parts: deque[list[Passage]] = field(default_factory=deque)


class Embedding:
    """Splits, embeds and adds notes for one writer, with bounded memory.

    files -> split notes -> chunks -> their embeddings, reused or computed -> writer

    :ivar computed: how many embeddings have been computed so far.
    :ivar languages: the word pieces of the languages of the notes, those in the index included.
    :raises IndexUnusable: here and in every method: embeddings cannot be saved.
    """

    def __init__(self, writer: Writer, embedder: Embedder) -> None:
        self._writer = writer
        self._embedder = embedder
        self.resumed = writer.resume(embedder.info, embedder.dtype)
        self.computed = 0
        self.languages: dict[str, Pieces] = {}

    def add_notes(
        self, files: Sequence[NoteFile], source: Source, workers: WorkersFor, progress: Progress
    ) -> list[Remark]:
        """Read notes in their current state, split and embed them, and add them to the writer.

        One that can no longer be read stays as it was until the next refresh.

        :param progress: is called with notes split, and with kB of notes embedded once any passage
            needs embedding.
        :returns: warnings about notes.
        :raises IndexUnusable: an embedding is not a unit vector.
        """
        from ragqa.passages.language import add_pieces

        warnings: list[Remark] = []
        total, dimension = sum(file.stamp.size for file in files), self._embedder.info.dimension

        def embedded(size: float) -> None:
            progress("embedding", ceil(size / 1000), ceil(total / 1000))

        chunks = self._chunks(files, source, warnings, progress)
        with workers(self._embedder, progress) as at_work:
            for chunk in self.embed_chunks(chunks, at_work, embedded):
                add_pieces(self.languages, chunk.passages, self._embedder.pieces)
                for note, settled, passages in chunk.notes:
                    rows = [chunk.vectors[passage.embedding_key] for passage in passages]
                    vectors = np.array(rows, np.float32).reshape(-1, dimension)
                    self._writer.add(note, settled=settled, passages=passages, vectors=vectors)
                    warnings += [Remark(note.path, warning) for warning in note.warnings]
        return warnings

    def _chunks(
        self, files: Sequence[NoteFile], source: Source, warnings: list[Remark], progress: Progress
    ) -> Iterator[Chunk]:
        """Read and split notes, in chunks of `CHUNK_PASSAGES`."""
        from ragqa.passages.language import with_language
        from ragqa.passages.split import split_note

        chunk = Chunk()
        for done, file in enumerate(files, start=1):
            read = read_note(source.corpus, file, max_note_bytes=source.max_note_bytes)
            if isinstance(read, Skipped):
                warnings.append(read)
                continue
            note = with_language(read.note, source.chunking.language)
            passages = split_note(
                note,
                chunking=source.chunking,
                window=self._embedder.info.window,
                count_tokens=self._embedder.count_tokens,
            )
            progress("splitting", done, len(files))
            chunk.notes.append((note, read.settled, passages))
            chunk.passages += passages
            chunk.size += file.stamp.size
            if len(chunk.passages) >= CHUNK_PASSAGES:
                yield chunk
                chunk = Chunk()
        if chunk.notes:
            yield chunk

    def embed_chunks(
        self, chunks: Iterable[Chunk], workers: Workers, embedded: Callable[[float], None]
    ) -> Iterator[Chunk]:
        """Yield each chunk, in order, with all its embeddings.

        Passages of a chunk that share a key are embedded once. Enough chunks are read ahead to
        keep the workers busy.

        :param embedded: is called with the bytes of text whose embeddings are known, once any
            passage needs embedding.
        """
        pending: deque[Chunk] = deque()
        finished = 0
        for chunk in chain(chunks, (None,)):
            if chunk is not None:
                self._start(chunk, workers)
                pending.append(chunk)
            ahead = 0 if chunk is None else workers.ahead
            while pending and (
                not pending[0].parts or sum(len(each.parts) for each in pending) > ahead
            ):
                if pending[0].parts:
                    self._collect(pending[0], workers, finished, embedded)
                    continue
                first = pending.popleft()
                yield first
                finished += first.size
                if self.computed:
                    embedded(finished)

    def _start(self, chunk: Chunk, workers: Workers) -> None:
        """Look up a chunk's known embeddings, and hand the rest to the workers in parts."""
        by_key = {passage.embedding_key: passage for passage in chunk.passages}
        chunk.vectors = dict(self._writer.vectors(by_key))
        missing = [passage for key, passage in by_key.items() if key not in chunk.vectors]
        # Longest first: texts of similar lengths in a batch need little padding.
        tokens = self._embedder.count_tokens([passage.embedded_text for passage in missing])
        order = sorted(range(len(missing)), key=lambda place: -tokens[place])
        for begin in range(0, len(missing), SAVED_TOGETHER):
            part = [missing[place] for place in order[begin : begin + SAVED_TOGETHER]]
            workers.give([passage.embedded_text for passage in part])
            chunk.parts.append(part)

    def _collect(
        self, chunk: Chunk, workers: Workers, before: int, embedded: Callable[[float], None]
    ) -> None:
        """Take a chunk's next part from the workers, and save it."""
        part, there = chunk.parts[0], len(chunk.vectors)
        needed = there + sum(map(len, chunk.parts))

        def progress(_stage: str, done: int, _total: int) -> None:
            embedded(before + chunk.size * (there + done) / needed)

        rows = workers.take(progress)
        keys = [passage.embedding_key for passage in part]
        self._writer.save(keys, rows)
        self.computed += len(keys)
        chunk.vectors |= zip(keys, rows, strict=True)
        chunk.parts.popleft()
