"""Bring an index up to date with its notes, embedding only what is new."""

import gc
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from msgspec import Struct, field

from ragqa.embedders import CANARY, Embedder, WorkersFor, here
from ragqa.errors import IndexUnusable, NoIndex, OtherFormat, WriterBusy
from ragqa.indexing.source import (
    BYTES_PER_TOKEN,
    Changes,
    Source,
    ahead,
    check_corpus,
    check_embedder,
    check_origin,
    find_changes,
    no_notes,
)
from ragqa.notes import format_of
from ragqa.stores import Store, Writer
from ragqa.types import IndexInfo, IndexReport, NoteState, Progress, no_progress

SMALL_CHANGE_PASSAGES = 64
"""Up to this many new passages, the query embedder finishes before torch would have started."""


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
    while True:
        with _without_gc():
            walk = source.walk()
            base = _Base() if rebuild else _read_base(store, source, wait=wait)
            if unless_long and base.info and not base.is_other:
                waiting = ahead(source, walk, base.notes)
                if waiting.is_long:
                    nothing = Changes(walk, (), (), (), (), base.info.skipped, base.info.notes)
                    return replace(_report(base.info, base.info, nothing, started), waiting=waiting)
            if base.is_other:
                progress("anew", 0, 1)
            changes = find_changes(source, walk, base.notes, progress=progress)
            _check_removals(source, base, changes)
        if base.info and not changes and changes.skipped == base.info.skipped:
            store.tidy()
            return _report(base.info, base.info, changes, started)
        with store.writer(fresh=base.info is None, wait=wait) as writer:
            now = _Base() if rebuild else _read_base(store, source, wait=wait)
            if now.generation != base.generation:
                continue  # another process has committed meanwhile
            info, changes, warnings = _write(writer, source, base.info, changes, progress)
            _forget(store, base, changes)
            return _report(info, base.info, changes, started, warnings)


def _forget(store: Store, base: "_Base", changes: Changes) -> None:
    """Remove the documents of files that the index no longer has."""
    paths = [*changes.removed, *(file.path for file in changes.changed)]
    old = {base.notes[path].sha256 for path in paths if format_of(path).version}
    if not old or base.is_other:
        return
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


class _Base(Struct, frozen=True):
    """The existing index and its notes; empty if one must be built.

    :param is_other: whether there is one that another version of ragqa made.
    """

    info: IndexInfo | None = None
    notes: Mapping[str, NoteState] = field(default_factory=dict)
    is_other: bool = False

    @property
    def generation(self) -> int:
        return 0 if self.info is None else self.info.generation


def _read_base(store: Store, source: Source, *, wait: bool) -> _Base:
    try:
        info, states = store.state()
        chunking = source.chunking.as_mapping()
        is_other = info.chunking.get("version") != chunking["version"] and not source.shared_name
        if is_other:  # all notes are read again, but what they say mostly keeps its embedding
            info = replace(info, chunking=chunking, languages={})
            states = {
                path: state._replace(sha256="", settled=False) for path, state in states.items()
            }
        check_origin(info, source)
        return _Base(info, states, is_other)
    except WriterBusy:  # an index of the format before can only be read once it is taken over
        if not wait:
            raise
        with store.writer(fresh=False, wait=True):
            pass
        return _read_base(store, source, wait=wait)
    except NoIndex:
        return _Base()
    except OtherFormat as exc:
        if source.shared_name:
            raise  # another machine may need it: it is replaced only when that is asked for
        if exc.corpus:
            check_corpus(exc.corpus, source)
        return _Base(is_other=True)


def _check_removals(source: Source, base: _Base, changes: Changes) -> None:
    """Protect a shared index from being emptied by another folder of the same name.

    :raises IndexUnusable: most of its notes are missing here.
    """
    known, removed = len(base.notes), len(changes.removed)
    if source.shared_name and 2 * removed > known:
        raise IndexUnusable(
            f"{removed} of the {known} notes of the shared index {source.shared_name} "
            f"are not in {source.corpus}, so nothing was changed",
            hint="bring the folder up to date, or remove them for everyone: ragqa index --rebuild",
        )


def _write(
    writer: Writer,
    source: Source,
    base: IndexInfo | None,
    changes: Changes,
    report: Progress,
) -> tuple[IndexInfo, Changes, tuple[str, ...]]:
    """Write the next generation; returns it, the final changes, and warnings about notes.

    :raises NoCorpus: no note is left.
    """
    from ragqa.indexing.adding import Embedding

    embedder, workers = _embedder_for(source, base, changes, report)
    embedding = Embedding(writer, embedder)
    embedding.languages |= base.languages if base else {}
    with embedding.noting_saved_work():
        writer.remove(changes.removed)
        for note in changes.restamped:
            writer.restamp(note.path, note.stamp, settled=note.settled)
        files = changes.added + changes.changed
        lost, warnings = embedding.add_notes(files, source, workers, report)
        if lost:  # they have become unreadable since the changes were found
            writer.remove(skip.path for skip in lost)
            changes = changes.without(lost)
            if not (changes.added or changes.changed or changes.unchanged):
                raise no_notes(source, changes.skipped, changes.walk)
        report("writing", 0, 1)
        described = _describe(source, base, changes, embedder)
        info = writer.commit(replace(described, languages=embedding.languages))
    report("writing", 1, 1)
    return info, changes, warnings


def _embedder_for(
    source: Source, base: IndexInfo | None, changes: Changes, report: Progress
) -> tuple[Embedder, WorkersFor]:
    """Choose the embedder's form by the amount of work, and check it against the base."""
    embedders = source.embedders
    size = sum(file.stamp.size for file in changes.added + changes.changed)
    passage_bytes = BYTES_PER_TOKEN * source.chunking.target_tokens
    small = base is not None and size <= SMALL_CHANGE_PASSAGES * passage_bytes
    embedder = embedders.asking if small else embedders.load_building(report)
    if base is not None:
        check_embedder(base, embedder)
    return embedder, here if small else embedders.workers


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
