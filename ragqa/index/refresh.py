"""Bring an index up to date with its notes, or build it anew, embedding only what is new."""

import gc
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from math import ceil
from typing import TypeAlias

from ragqa.embedders import CANARY, Embedder, EmbedParts, Workers, here
from ragqa.errors import EmbedderMismatch, NeedsRebuild, NoIndex
from ragqa.index import Snapshot, Store
from ragqa.index.rows import model_of
from ragqa.index.source import (
    BYTES_PER_TOKEN,
    Changes,
    Source,
    ahead,
    check_corpus,
    check_embedder,
    check_origin,
    find_changes,
    waiting_files,
)
from ragqa.index.writer import IndexWriter
from ragqa.notes import Walk, format_of, read_note
from ragqa.types import (
    IndexInfo,
    IndexReport,
    NoteFile,
    NoteRecord,
    NoteState,
    Passage,
    Pieces,
    Progress,
    Remark,
    Skipped,
    Waiting,
    no_progress,
)

SMALL_CHANGE_PASSAGES = 64  # are embedded before torch would have started
CHUNK_PASSAGES = 2048  # are looked up and sorted by length together, but for the last note's
SAVED_TOGETHER = 256  # passages whose embeddings are saved together; a dead worker loses these

Choice: TypeAlias = Callable[[Sequence[NoteFile]], Sequence[NoteFile]]
"""Chooses the files to read now of those that wait to be read."""

KEPT = "The embeddings so far are saved: run the same command again to resume."


def refresh(
    store: Store,
    source: Source,
    *,
    rebuild: bool = False,
    wait: bool = False,
    choose: Choice | None = None,
    long_bytes: int | None = None,
    seen: Snapshot | None = None,
    release: Callable[[], None] = lambda: None,
    progress: Progress = no_progress,
) -> IndexReport:
    """Bring the index up to date with the notes, or build it if this ragqa has made no sound one.

    Embeddings of the same text are kept, also those of an interrupted build or a damaged index.

    :param rebuild: read all notes again, and split them anew.
    :param choose: where an update would take long, being of more than `long_bytes`, only the files
        that this chooses are read, and nothing is embedded. A new index needs one at least.
    :param seen: the newest snapshot, if it is open; `release` closes it before a build.
    :raises NoCorpus: there is no corpus, or no note in it can be read.
    :raises EmbedderMismatch: the index was built with another embedder; `rebuild` fixes it.
    :raises IndexUnusable: the index is not writable, or a shared one needs a rebuild.
    :raises WriterBusy: another process is writing it and `wait` is False.
    """
    started = time.perf_counter()
    if rebuild:  # files that could not be read are tried again
        from ragqa.notes.extraction import forget

        forget(refused=True)
    while True:
        try:
            with _without_gc():
                walk = source.walk()
                found = None if rebuild else _read_base(store, source, seen, whole=not choose)
                base, known = found or (None, {})
                some, waiting = _part(source, walk, base, known, choose, long_bytes)
                changes = find_changes(source, walk, base, known, some=some, progress=progress)
            is_same = not changes and base and changes.skipped == base.skipped
            if base and is_same and (choose or not base.not_embedded):
                return _report(base, base, changes, started, waiting=waiting)
            release()  # or SQLite could not move its log to the file
            seen = None
            with store.writer(fresh=base is None, wait=wait) as writer:
                if found and writer.info != base:
                    continue  # another process has committed meanwhile
                bare = base.not_embedded if base and not choose else 0
                info, warnings = _write(
                    writer, source, base, changes, progress, bare=bare, is_part=some is not None
                )
                _forget(store, known, changes)
                return _report(info, base, changes, started, warnings, waiting)
        except NeedsRebuild as exc:
            if rebuild or source.shared_name:
                raise  # another machine may need it: it is replaced only when that is asked for
            if exc.corpus:
                check_corpus(exc.corpus, source)
            progress("anew", 0, 1)
            release()
            rebuild, seen = True, None


def _part(
    source: Source,
    walk: Walk,
    base: IndexInfo | None,
    known: Mapping[str, NoteState],
    choose: Choice | None,
    long_bytes: int | None,
) -> tuple[Collection[str] | None, Waiting | None]:
    """The paths of the files to read now, None for all that changed, and what waits then."""
    if choose is None:
        return None, None
    waiting = ahead(source, walk, base, known, long_bytes=long_bytes)
    if not waiting.is_long:
        return None, None
    some = {file.path for file in choose(waiting_files(walk, base, known))}
    if not (some or base):
        return None, None
    left = waiting.files - len(some)
    return some, Waiting(left, is_long=True) if left > 0 else None


def _forget(store: Store, known: Mapping[str, NoteState], changes: Changes) -> None:
    """Remove the documents of files that the index no longer has."""
    paths = [*changes.removed, *(file.path for file in changes.changed)]
    if old := {known[path].sha256 for path in paths if format_of(path).version}:
        from ragqa.notes.extraction import forget

        with store.snapshot() as snapshot:
            forget(old - {state.sha256 for state in snapshot.states.values()})


@contextmanager
def _without_gc() -> Iterator[None]:
    """Disable garbage collection, a third of the time of a walk; what it makes holds no garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read_base(
    store: Store, source: Source, seen: Snapshot | None, *, whole: bool
) -> tuple[IndexInfo | None, Mapping[str, NoteState]] | None:
    """The index that is changed, if there is one, and its notes; None if it is replaced."""
    try:
        with nullcontext(seen) if seen else store.snapshot() as snapshot:
            check_origin(snapshot.info, source)
            if not snapshot.is_own:
                check_embedder(snapshot.info, source.embedders.asking)
                return None
            if whole:
                snapshot.check()
            return snapshot.info, snapshot.states
    except NoIndex:
        return None, {}


def _write(
    writer: IndexWriter,
    source: Source,
    base: IndexInfo | None,
    changes: Changes,
    report: Progress,
    *,
    bare: int,
    is_part: bool,
) -> tuple[IndexInfo, list[Remark]]:
    """Write the next generation; returns it, and warnings about notes.

    :param bare: how many passages of the base have no embedding; they are embedded as well.
    :param is_part: other notes wait, so nothing is embedded yet.
    """
    files = changes.added + changes.changed
    size = sum(file.stamp.size for file in files)
    left = bare * BYTES_PER_TOKEN * source.chunking.target_tokens
    embedder, workers = _embedder_for(source, base, 0 if is_part else size + left, report)
    described = base or _describe(source, embedder, writer.info)
    writer.model = model_of(described)
    embedding = Embedding(writer, embedder, size + left, report)
    embedding.languages |= described.languages
    try:
        with workers(embedder, report) as embed_parts:
            warnings = embedding.read(files, source, changes.days, None if is_part else embed_parts)
            if bare:
                embedding.fill(left / bare, embed_parts)
        report("writing", 0, 1)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        languages, skipped = embedding.languages, changes.skipped
        described = replace(described, created=now, languages=languages, skipped=skipped)
        info = writer.commit(
            described, removed=changes.removed, restamped=changes.restamped, is_part=is_part
        )
    except KeyboardInterrupt as exc:
        if embedding.computed:
            exc.add_note(KEPT)
        raise
    report("writing", 1, 1)
    return info, warnings


def _embedder_for(
    source: Source, base: IndexInfo | None, size: int, report: Progress
) -> tuple[Embedder, Workers]:
    """Choose the embedder's form by the amount of work, and check it against the base."""
    embedders = source.embedders
    passage_bytes = BYTES_PER_TOKEN * source.chunking.target_tokens
    is_small = base is not None and size <= SMALL_CHANGE_PASSAGES * passage_bytes
    if is_small or not size:
        if base is not None:
            check_embedder(base, embedders.asking)
        return embedders.asking, here
    report("loading", 0, 1)
    embedder = embedders.building
    report("loading", 1, 1)
    if base is not None:
        check_embedder(base, embedder)
    return embedder, embedders.workers


def _describe(source: Source, embedder: Embedder, former: IndexInfo | None) -> IndexInfo:
    """An index built from nothing; the former's embeddings are kept while the embedder agrees."""
    canary: tuple[float, ...] = ()
    if former and former.dtype == embedder.dtype:
        with suppress(EmbedderMismatch):
            check_embedder(former, embedder)
            canary = former.canary
    return IndexInfo(
        generation=0,
        embedder=embedder.info,
        dtype=embedder.dtype,
        canary=canary or tuple(map(float, embedder.embed_passages([CANARY])[0])),
        chunking=source.chunking.as_mapping(),
        notes=0,
        passages=0,
        corpus=source.origin,
        created="",
    )


def _report(
    info: IndexInfo,
    base: IndexInfo | None,
    changes: Changes,
    started: float,
    warnings: Sequence[Remark] = (),
    waiting: Waiting | None = None,
) -> IndexReport:
    before = set(map(str, base.skipped)) if base else ()
    return IndexReport(
        info=info,
        added=len(changes.added),
        changed=len(changes.changed),
        removed=len(changes.removed),
        unchanged=changes.unchanged,
        skipped=changes.skipped,
        newly_skipped=tuple(skip for skip in changes.skipped if str(skip) not in before),
        seconds=round(time.perf_counter() - started, 3),
        warnings=tuple(warnings),
        waiting=waiting,
    )


SplitNote: TypeAlias = tuple[NoteRecord, Sequence[Passage]]


class Embedding:
    """Splits notes for a writer, and embeds what it has no embedding of yet, with bounded memory.

    :param total: the bytes of all notes.
    :param progress: is called with notes split, and with kB of notes embedded if any are.
    :ivar computed: how many embeddings have been computed so far.
    :ivar languages: the word pieces of the languages of the notes, those in the index included.
    :raises IndexUnusable: in every method: embeddings cannot be saved, or are no unit vectors.
    """

    def __init__(
        self, writer: IndexWriter, embedder: Embedder, total: int, progress: Progress
    ) -> None:
        self._writer, self._embedder, self._progress = writer, embedder, progress
        self._total, self._known, self.computed = total, 0.0, 0
        self.languages: dict[str, Pieces] = {}

    def read(
        self,
        files: Sequence[NoteFile],
        source: Source,
        days: Mapping[str, str],
        embed_parts: EmbedParts | None,
    ) -> list[Remark]:
        """Read, split and add notes, some thousand passages at a time; returns warnings.

        A note that can no longer be read stays as it was until the next refresh.

        :param days: those of notes that have no other date, by path.
        :param embed_parts: None to embed nothing.
        """
        warnings, waiting, count, size = list[Remark](), list[SplitNote](), 0, 0
        for done, file in enumerate(files, start=1):
            read = read_note(source.corpus, file.path, max_note_bytes=source.max_note_bytes)
            if isinstance(read, Skipped):
                warnings.append(read)
            else:
                read = replace(read, date=read.date or days.get(read.path, ""))
                note, passages = source.split(read, self._embedder)
                self._progress("splitting", done, len(files))
                waiting.append((note.record, passages))
                warnings += [Remark(note.path, warning) for warning in note.warnings]
                count += len(passages)
                size += file.stamp.size
            if count >= CHUNK_PASSAGES or done == len(files):
                self.add(waiting, size, embed_parts)
                waiting, count, size = [], 0, 0
        return warnings

    def add(self, notes: Sequence[SplitNote], size: float, embed_parts: EmbedParts | None) -> None:
        """Add notes of this size in bytes, and embed what there is no embedding of yet."""
        from ragqa.passages.language import add_pieces

        passages = [passage for _, own in notes for passage in own]
        self._embed(passages, size, embed_parts)
        add_pieces(self.languages, passages, self._embedder.pieces)
        for record, own in notes:
            self._writer.add(record, own)

    def fill(self, each: float, embed_parts: EmbedParts) -> None:
        """Embed the passages of the index that have no embedding yet, `each` of so many bytes."""
        while passages := self._writer.bare(CHUNK_PASSAGES):
            self._embed(passages, each * len(passages), embed_parts)
            self._writer.link(passages)

    def _embed(
        self, passages: Sequence[Passage], size: float, embed_parts: EmbedParts | None
    ) -> None:
        """Find the embeddings of passages of this size, and save those that there are not yet."""
        by_key = {passage.embedding_key: passage for passage in passages}
        known = self._writer.vectors(by_key)
        if embed_parts is None:
            return
        missing = [passage for key, passage in by_key.items() if key not in known]
        each = size / max(1, len(by_key))
        self._known += size - each * len(missing)
        # Longest first: texts of similar lengths in a batch need little padding.
        missing.sort(key=lambda passage: -len(passage.embedded_text))
        parts = [missing[n : n + SAVED_TOGETHER] for n in range(0, len(missing), SAVED_TOGETHER)]
        texts = [[passage.embedded_text for passage in part] for part in parts]
        embedded = embed_parts(texts, partial(self._report, each))
        for part, vectors in zip(parts, embedded, strict=True):
            self._writer.save(part, vectors)
            self.computed += len(part)
            self._known += each * len(part)
        if self.computed:
            self._report(0, "embedding", 0, 1)

    def _report(self, each: float, stage: str, done: int, _total: int) -> None:
        """Tell how much is embedded, with what is done of a part whose passages have this size."""
        embedded = self._known + each * done
        self._progress(stage, ceil(embedded / 1000), ceil(self._total / 1000))
