"""Bring an index up to date with its notes, embedding only what is new."""

import gc
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ragqa.embedders import CANARY, Embedder
from ragqa.embedders.workers import WorkersFor, here
from ragqa.errors import EmbedderMismatch, IndexUnusable, NoIndex, OlderFormat
from ragqa.indexing.adding import add_notes
from ragqa.indexing.changes import Changes, find_changes, no_notes
from ragqa.indexing.embedding import Embedding
from ragqa.indexing.source import Source, check_corpus, check_embedder, check_origin
from ragqa.stores import Kept, Older, Store, Writer, none_kept
from ragqa.types import IndexInfo, IndexReport, NoteState, Progress, Skipped, no_progress

SMALL_CHANGE_PASSAGES = 64
"""Up to so many new passages the asking embedder is done before torch would have started."""


def refresh(
    store: Store,
    source: Source,
    *,
    rebuild: bool = False,
    wait: bool = False,
    kept: Kept = none_kept,
    progress: Progress | None = None,
) -> IndexReport:
    """Bring the index up to date with the notes; build it where there is none.

    Unchanged notes keep their passages, and passages with the same embedded text keep their
    embedding. Where nothing changed, nothing is written and no lock is taken. An index of an older
    format is rebuilt with the embeddings that it has.

    :param rebuild: make every passage and embedding anew, whatever the index holds.
    :param kept: embeddings that need not be computed, by their passages' ids.
    :raises NoCorpus: there is no corpus, or not one note in it can be read.
    :raises EmbedderMismatch: the index was built with another embedder; `rebuild` mends it.
    :raises IndexUnusable: the index is damaged, or cannot be written.
    :raises WriterBusy: another process is writing it and `wait` is False.
    """
    started = time.perf_counter()
    report = progress or no_progress
    while True:
        with _only_growing():
            walk = source.walk()
            base = _Base() if rebuild else _read_base(store, source)
            if base.is_older:
                report("upgrading", 0, 1)
            changes = find_changes(source, walk, base.notes, progress=report)
        _check_removals(source, base, changes)
        if base.info and not changes and changes.skipped == base.info.skipped:
            store.tidy()
            return _report(base.info, base.info, changes, started)
        if base.older:
            kept = _kept_of(base.older, source, report)
        with store.writer(fresh=base.info is None, wait=wait) as writer:
            now = _Base() if rebuild else _read_base(store, source)
            if (now.generation, now.is_older) != (base.generation, base.is_older):
                continue  # another process committed while this one read: look again
            info, changes, warnings = _write(writer, source, base.info, changes, kept, report)
            return _report(info, base.info, changes, started, warnings)


@contextmanager
def _only_growing() -> Iterator[None]:
    """Do not look for garbage: there is none among some tuples for each note, only more of them.

    Looking took a third of the time over a hundred thousand notes, before every question.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(frozen=True, slots=True)
class _Base:
    """The index that there is to begin with, and its notes; none where one is to be built.

    :param is_older: whether there is one of an older format, which is begun anew.
    :param older: what can be taken over from it, if it can be read.
    """

    info: IndexInfo | None = None
    notes: Mapping[str, NoteState] = field(default_factory=dict)
    is_older: bool = False
    older: Older | None = None

    @property
    def generation(self) -> int:
        return 0 if self.info is None else self.info.generation


def _read_base(store: Store, source: Source) -> _Base:
    try:
        snapshot = store.snapshot()
    except NoIndex:
        return _Base()
    except OlderFormat:
        older = store.older()
        if older:
            check_corpus(older.info, source)
        return _Base(is_older=True, older=older)
    with closing(snapshot):
        check_origin(snapshot.info, source)
        return _Base(snapshot.info, snapshot.states())


def _kept_of(older: Older, source: Source, report: Progress) -> Kept:
    """The embeddings of an index of an older format, if they are of the embedder in use."""
    try:
        check_embedder(older.info, _building(source, report))
    except EmbedderMismatch:
        return none_kept
    return older.embeddings(report)


def _building(source: Source, report: Progress) -> Embedder:
    report("loading", 0, 1)
    embedder = source.embedders.building
    report("loading", 1, 1)
    return embedder


def _check_removals(source: Source, base: _Base, changes: Changes) -> None:
    """Make sure that an index that others use, too, is not emptied by another folder of that name.

    :raises IndexUnusable: most of its notes are not there.
    """
    known, removed = len(base.notes), len(changes.removed)
    if base.older:
        known = base.older.info.notes
        removed = known - len(changes.added)
    if source.shared_as and 2 * removed > known:
        raise IndexUnusable(
            f"{removed} of the {known} notes of the shared index {source.shared_as} "
            f"are not in {source.corpus}, so nothing was changed",
            hint="bring the folder up to date; if they are to go for all: ragqa index --rebuild",
        )


def _write(
    writer: Writer,
    source: Source,
    base: IndexInfo | None,
    changes: Changes,
    kept: Kept,
    report: Progress,
) -> tuple[IndexInfo, Changes, tuple[str, ...]]:
    """Write the next generation; gives what changed in the end, and what is odd about the notes."""
    embedder, workers = _embedder_for(source, base, changes, report)
    embedding = Embedding(writer, embedder, kept)
    with embedding.saying_what_is_kept():
        writer.remove(changes.removed)
        for note in changes.restamped:
            writer.restamp(note.path, note.stamp, settled=note.settled)
        added = add_notes(
            changes.added + changes.changed,
            source,
            embedder,
            writer=writer,
            embedding=embedding,
            workers=workers,
            progress=report,
        )
        changes = _settle(writer, source, changes, added.lost)
        report("writing", 0, 1)
        info = writer.commit(_describe(source, base, changes, embedder))
    report("writing", 1, 1)
    return info, changes, added.warnings


def _settle(writer: Writer, source: Source, changes: Changes, lost: tuple[Skipped, ...]) -> Changes:
    """Take out notes that were there when changes were looked for and cannot be read any more.

    :raises NoCorpus: no note is left.
    """
    if not lost:
        return changes
    writer.remove(skip.path for skip in lost)
    left = changes.without(lost)
    if not (left.added or left.changed or left.unchanged):
        raise no_notes(source, left.skipped)
    return left


def _embedder_for(
    source: Source, base: IndexInfo | None, changes: Changes, report: Progress
) -> tuple[Embedder, WorkersFor]:
    """Choose the form of the embedder by the work ahead, and check it against the base."""
    ahead = sum(file.stamp.size for file in changes.added + changes.changed)
    chars_per_passage = 4 * source.chunking.target_tokens
    small = base is not None and ahead <= SMALL_CHANGE_PASSAGES * chars_per_passage
    embedder = source.embedders.asking if small else _building(source, report)
    if base is not None:
        check_embedder(base, embedder)
    return embedder, here if small else source.embedders.workers


def _describe(
    source: Source, base: IndexInfo | None, changes: Changes, embedder: Embedder
) -> IndexInfo:
    """What the new generation says of itself; generation and counts are the store's to fill in."""
    if base is None:
        canary = embedder.embed_passages([CANARY])[0]
        # Makes the asking form ready, and proves that both forms agree, before a commit.
        asked = source.embedders.asking.embed_passages([CANARY])[0]
        if not math.isclose(float(canary @ asked), 1.0, abs_tol=0.01):
            raise IndexUnusable(
                f"the embedder {embedder.info.name} gives other vectors for building and asking",
                hint="use another embedder: ragqa config set embedder all-MiniLM-L6-v2",
            )
        fingerprint, dtype, stored = embedder.info, embedder.dtype, tuple(map(float, canary))
    else:
        fingerprint, dtype, stored = base.embedder, base.dtype, tuple(base.canary)
    return IndexInfo(
        generation=0,
        embedder=fingerprint,
        dtype=dtype,
        canary=stored,
        chunking=source.chunking.as_mapping(),
        notes=0,
        passages=0,
        corpus=source.origin,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        skipped=changes.skipped,
    )


def _report(
    info: IndexInfo,
    base: IndexInfo | None,
    changes: Changes,
    started: float,
    warnings: tuple[str, ...] = (),
) -> IndexReport:
    before = () if base is None else base.skipped
    return IndexReport(
        info=info,
        added=len(changes.added),
        changed=len(changes.changed),
        removed=len(changes.removed),
        unchanged=changes.unchanged,
        skipped=changes.skipped,
        newly_skipped=tuple(skip for skip in changes.skipped if skip not in before),
        seconds=round(time.perf_counter() - started, 3),
        warnings=warnings,
    )
