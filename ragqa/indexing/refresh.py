"""Bring an index up to date with its notes, embedding only what is new."""

import math
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

import numpy as np

from ragqa.embedders import CANARY, Embedder
from ragqa.errors import IndexUnusable, NoIndex
from ragqa.indexing.changes import Changes, find_changes
from ragqa.indexing.embedding import Embedding
from ragqa.indexing.source import Source, check_embedder, check_origin
from ragqa.notes import ReadNote
from ragqa.passages import split_note
from ragqa.stores import Store, Writer
from ragqa.types import (
    IndexInfo,
    IndexReport,
    NoteRecord,
    Passage,
    Progress,
    Vector,
    Vectors,
)

SMALL_CHANGE_PASSAGES = 64
"""Up to so many new passages the asking embedder is done before torch would have started."""


def refresh(
    store: Store,
    source: Source,
    *,
    rebuild: bool = False,
    wait: bool = False,
    progress: Progress | None = None,
) -> IndexReport:
    """Bring the index up to date with the notes; build it where there is none.

    Unchanged notes keep their passages, and passages with the same embedded text keep their
    embedding. Where nothing changed, nothing is written and no lock is taken.

    :param rebuild: make every passage and embedding anew, whatever the index holds.
    :raises NoCorpus: there is no corpus, or not one note in it can be read.
    :raises EmbedderMismatch: the index was built with another embedder; `rebuild` mends it.
    :raises IndexUnusable: the index is damaged, or cannot be written.
    :raises WriterBusy: another process is writing it and `wait` is False.
    """
    started = time.perf_counter()
    report = progress or _silent
    while True:
        walk = source.walk()
        base, known = (None, {}) if rebuild else _read_base(store, source)
        changes = find_changes(source, walk, known, progress=report)
        if base is not None and not changes and changes.skipped == base.skipped:
            return _report(base, base, changes, started)
        with store.writer(fresh=base is None, wait=wait) as writer:
            now, _ = (None, {}) if rebuild else _read_base(store, source)
            if _generation(now) != _generation(base):
                continue  # another process committed while this one read: look again
            info = _write(writer, source, base, changes, report)
            return _report(info, base, changes, started)


def _read_base(store: Store, source: Source) -> tuple[IndexInfo | None, dict[str, NoteRecord]]:
    try:
        snapshot = store.snapshot()
    except NoIndex:
        return None, {}
    with closing(snapshot):
        check_origin(snapshot.info, source)
        return snapshot.info, snapshot.notes()


def _generation(info: IndexInfo | None) -> int:
    return 0 if info is None else info.generation


def _write(
    writer: Writer, source: Source, base: IndexInfo | None, changes: Changes, report: Progress
) -> IndexInfo:
    embedder = _embedder_for(source, base, changes, report)
    new = changes.added + changes.changed
    split = _split(new, source, embedder, report)
    embedding = Embedding(writer, embedder)
    with embedding.saying_what_is_kept():
        vectors = embedding.vectors(
            [passage for passages in split for passage in passages],
            lambda done, total: report("embedding", done, total),
        )
        report("writing", 0, 1)
        writer.remove(changes.removed)
        for read in changes.restamped:
            writer.restamp(read.note.path, read.note.stamp, settled=read.settled)
        for read, passages in zip(new, split, strict=True):
            rows = _rows(passages, vectors, embedder.info.dimension)
            writer.add(read.note, settled=read.settled, passages=passages, vectors=rows)
        info = writer.commit(_describe(source, base, changes, embedder))
    report("writing", 1, 1)
    return info


def _embedder_for(
    source: Source, base: IndexInfo | None, changes: Changes, report: Progress
) -> Embedder:
    """Choose the form of the embedder by the work ahead, and check it against the base."""
    ahead = sum(len(read.note.text) for read in changes.added + changes.changed)
    chars_per_passage = 4 * source.chunking.target_tokens
    small = base is not None and ahead <= SMALL_CHANGE_PASSAGES * chars_per_passage
    if small:
        embedder = source.embedders.asking
    else:
        report("loading", 0, 1)
        embedder = source.embedders.building
        report("loading", 1, 1)
    if base is not None:
        check_embedder(base, embedder)
    return embedder


def _split(
    new: Sequence[ReadNote], source: Source, embedder: Embedder, report: Progress
) -> list[list[Passage]]:
    split = []
    for done, read in enumerate(new, start=1):
        split.append(
            split_note(
                read.note,
                chunking=source.chunking,
                window=embedder.info.window,
                count_tokens=embedder.count_tokens,
            )
        )
        report("splitting", done, len(new))
    return split


def _rows(passages: Sequence[Passage], vectors: dict[int, Vector], dimension: int) -> Vectors:
    if not passages:
        return np.empty((0, dimension), dtype=np.float32)
    return np.stack([vectors[passage.embedding_key] for passage in passages])


def _describe(
    source: Source, base: IndexInfo | None, changes: Changes, embedder: Embedder
) -> IndexInfo:
    """What the new generation says of itself; generation and counts are the store's to fill in."""
    if base is None:
        canary = embedder.embed_passages([CANARY])[0]
        # Makes the asking form ready, and proves that both forms agree, before anything is kept.
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
        corpus=source.corpus_from_index,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        skipped=changes.skipped,
    )


def _report(
    info: IndexInfo, base: IndexInfo | None, changes: Changes, started: float
) -> IndexReport:
    before = () if base is None else base.skipped
    warnings = tuple(
        f"{read.note.path}: {warning}"
        for read in changes.added + changes.changed
        for warning in read.note.warnings
    )
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


def _silent(stage: str, done: int, total: int) -> None:
    """Say nothing."""
