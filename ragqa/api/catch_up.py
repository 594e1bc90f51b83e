"""Bring an index up to date before a question, or read first what the question needs."""

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from operator import itemgetter
from typing import TYPE_CHECKING

from ragqa.embedders import Embedder
from ragqa.errors import IndexNotWritable, NeedsRebuild, NoIndex, WriterBusy
from ragqa.index import Snapshot, Store
from ragqa.index.filters import path_matcher
from ragqa.index.refresh import Choice
from ragqa.index.scan import ranked
from ragqa.index.source import Source
from ragqa.search.left_out import SKIPPED
from ragqa.search.question import Question
from ragqa.types import Filters, IndexReport, NoteFile, Progress, Vector, by_kind, no_progress

if TYPE_CHECKING:
    from ragqa.api.index import Index

READ_FIRST, READ_TOGETHER = 60, 240
"""The notes that are read before an answer at once, and the most of a part that is read after."""

LONG_BYTES = 20_000
"""More new text than this, a second's work, is not all embedded before an answer at once."""

EMBEDDED_FIRST = 48
"""The passages, best by words, that a question finds embedded or embeds itself."""

PATIENCE_S, _GLANCE_S = 10.0, 0.1
"""How long a question waits for another process to leave the index, and how often it looks."""


def catch_up(
    index: "Index", progress: Progress | None, *, refresh: bool, first: Choice | None = None
) -> tuple[list[str], int]:
    """Update the index if wanted; returns warnings, and how many files wait to be read.

    Where it cannot be updated, it is used as it is. A shared index is only reopened: another
    machine may have changed it.

    :param first: chooses the notes to read where much waits; None to read none then.
    :raises WriterBusy, IndexNotWritable: it cannot be written, and there is no usable index.
    """
    index.check()
    warnings, waiting = list[str](), index.waiting()
    refresh = refresh or bool(first and (waiting or not index.is_there()))
    if refresh and index.kept.is_shared:
        index.close()
    elif refresh:
        try:
            report = (
                read_first(index, first, progress)
                if first
                else index.refresh(progress=progress, choose=none_of)
            )
        except (WriterBusy, IndexNotWritable) as exc:
            index.close()
            if first and waiting and index.is_there():
                return warnings, waiting.files
            try:
                generation = index.info().generation
            except (NoIndex, NeedsRebuild):
                raise exc from None
            stale = "could not bring the index up to date, so this is from generation"
            return [f"{stale} {generation}: {exc.message}"], 0
        waiting = report.waiting
        warnings += by_kind(report.warnings)
        warnings += (f"{SKIPPED}{line}" for line in by_kind(report.newly_skipped))
    notice = [waiting.notice(index.update_with)] if waiting and not first else []
    return warnings + notice, waiting.files if waiting else 0


def none_of(files: Sequence[NoteFile]) -> Sequence[NoteFile]:
    """Choose none of the files: nothing is read where that would take long."""
    return files[:0]


def best_files(
    source: Source,
    question: str,
    filters: Filters,
    progress: Progress | None,
    files: Sequence[NoteFile],
) -> Sequence[NoteFile]:
    """The files to read first for a question: those with most of its words, of the paths wanted."""
    is_at = path_matcher(filters.paths or ("*",))
    wanted = [file for file in files if is_at(file.path)]
    return ranked(source, wanted, question, progress or no_progress)[:READ_FIRST]


def read_first(index: "Index", first: Choice, progress: Progress | None) -> IndexReport:
    """Read the notes to read first, if others must wait.

    Another process that reads on leaves the index free between its parts; this waits for that.

    :raises WriterBusy: it does not.
    """
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return index.refresh(progress=progress, choose=first, long_bytes=LONG_BYTES)
        except WriterBusy:
            index.check()
            if time.monotonic() > until:
                raise
            time.sleep(_GLANCE_S)


def read_on(index: "Index", progress: Progress | None = None) -> IndexReport:
    """Read the notes that wait, in parts that questions find at once, and then embed all."""
    size, left, progress = READ_FIRST, math.inf, progress or no_progress
    while True:
        report = index.refresh(choose=itemgetter(slice(size)), long_bytes=0, progress=progress)
        if report.waiting is None or report.waiting.files >= left:  # some change all the time
            break
        size, left = min(2 * size, READ_TOGETHER), report.waiting.files
        time.sleep(2 * _GLANCE_S)  # a question that waits for the index gets it now
    return index.refresh(progress=progress)


def embedded_at_once(
    store: Store, snapshot: Snapshot, embedder: Embedder, question: Question, filters: Filters
) -> dict[int, Vector]:
    """Of the best passages by words, the embeddings that the index lacks, by passage id.

    They are kept, unless another process is writing the index.
    """
    if not snapshot.info.not_embedded:
        return {}
    best = snapshot.best([*question.searched, *question.parts], EMBEDDED_FIRST, filters)
    passages = snapshot.bare([id_ for id_, _ in best])
    if not passages:
        return {}
    vectors = embedder.embed_passages([passage.embedded_text for passage in passages])
    with (
        suppress(WriterBusy, IndexNotWritable),
        store.writer(fresh=False, wait=False) as writer,
    ):
        writer.save(passages, vectors)
        writer.commit(is_part=True)
    return {passage.id: vector for passage, vector in zip(passages, vectors, strict=True)}
