"""Bring an index up to date with its notes, embedding only what is new.

How long that takes is told before anything is extracted or embedded: the bytes of text that are new
are divided by the rate at which this machine embedded last.
"""

import gc
import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, field

from ragqa.config.files import cache_folder
from ragqa.embedders import CANARY, Embedder, WorkersFor, here
from ragqa.embedders.weights import read_json, write_json
from ragqa.errors import IndexUnusable, NoIndex, OtherFormat, WriterBusy
from ragqa.indexing.source import (
    Changes,
    Source,
    check_corpus,
    check_embedder,
    check_origin,
    find_changes,
    no_notes,
    suspects_in,
)
from ragqa.notes import Walk, digest_of, format_of
from ragqa.stores import Store, Writer
from ragqa.types import IndexInfo, IndexReport, NoteFile, NoteState, Progress, Waiting, no_progress

SMALL_CHANGE_PASSAGES = 64
"""Up to this many new passages, the query embedder finishes before torch would have started."""

LONG_S = 5.0
"""An update that takes longer is not made before a question."""

DEFAULT_RATE = 20_000
"""Bytes of text a second until a build was measured: 36 passages of full length, on two cores."""

_HIGHEST_RATE = 10**12
"""A higher one was not measured."""

_LEAST_MEASURED = 50_000
"""The bytes of text that tell a rate; less is over too soon."""

_MOST_COMPARED = 100_000_000
"""The bytes of files to compare with the index; what is beyond counts as new."""

_BYTES_PER_TOKEN = 4

logger = logging.getLogger("ragqa")


def refresh(
    store: Store,
    source: Source,
    *,
    rebuild: bool = False,
    wait: bool = False,
    patience_s: float = math.inf,
    progress: Progress = no_progress,
) -> IndexReport:
    """Bring the index up to date with the notes, or build it if this ragqa has made none.

    Passages with the same text keep their embedding. If nothing changed, no lock is taken.

    :param rebuild: read all notes again, and recompute every passage and embedding.
    :param patience_s: if an update would take longer, the report only says what waits.
    :raises NoCorpus: there is no corpus, or no note in it can be read.
    :raises EmbedderMismatch: the index was built with another embedder; `rebuild` fixes it.
    :raises IndexUnusable: the index is damaged or not writable.
    :raises WriterBusy: another process is writing it and `wait` is False.
    """
    started = time.perf_counter()
    while True:
        if rebuild:  # files that could not be read are tried again
            from ragqa.notes.extraction.cache import try_again

            try_again()
        with _without_gc():
            walk = source.walk()
            base = _Base() if rebuild else _read_base(store, source, wait=wait)
            changes = _changes(source, walk, base, patience_s, progress)
        if isinstance(changes, IndexReport):
            return changes
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


def _changes(
    source: Source, walk: Walk, base: "_Base", patience_s: float, progress: Progress
) -> Changes | IndexReport:
    """What differs from the index, or the report that it stays as it is, since that takes long."""
    if base.is_other:
        progress("anew", 0, 1)
    suspects = suspects_in(walk, base.notes)
    if base.info and not base.is_other and patience_s < math.inf:
        waiting = ahead(source, suspects, base.notes)
        if waiting.seconds > patience_s:
            return left_as_it_is(base.info, waiting)
    changes = find_changes(source, walk, base.notes, suspects=suspects, progress=progress)
    _check_removals(source, base, changes)
    return changes


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
        began = time.perf_counter()
        try:
            lost, warnings = embedding.add_notes(files, source, workers, report)
        finally:
            if workers is here:  # an interrupted build tells the rate, too
                seconds = time.perf_counter() - began
                keep_rate(source.embedders.spec, embedding.computed_bytes, seconds)
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
    ahead = sum(file.stamp.size for file in changes.added + changes.changed)
    chars_per_passage = 4 * source.chunking.target_tokens
    small = base is not None and ahead <= SMALL_CHANGE_PASSAGES * chars_per_passage
    embedder = embedders.asking if small else embedders.load_building(report)
    if base is not None:
        check_embedder(base, embedder)
    return embedder, here if small else embedders.workers


def _describe(
    source: Source, base: IndexInfo | None, changes: Changes, embedder: Embedder
) -> IndexInfo:
    """Describe the new generation; the store fills in its number and counts."""
    if base is None:
        canary = embedder.embed_passages([CANARY])[0]
        # Prepare the query form, and prove that both forms agree, before a commit.
        asked = source.embedders.asking.embed_passages([CANARY])[0]
        if not math.isclose(float(canary @ asked), 1.0, abs_tol=0.01):
            raise IndexUnusable(
                f"the embedder {embedder.info.name} gives queries other vectors than notes",
                hint="use another embedder: ragqa config set embedder all-MiniLM-L6-v2",
            )
        base = IndexInfo(
            generation=0,
            embedder=embedder.info,
            dtype=embedder.dtype,
            canary=tuple(map(float, canary)),
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


def ahead(source: Source, files: Sequence[NoteFile], known: Mapping[str, NoteState]) -> Waiting:
    """What an update would read, and about how long that would take.

    A note that was moved, or only touched, keeps its embeddings; one that was edited is embedded
    anew where it was, so it counts by what it has grown, and a passage.

    :param files: those that may differ from the index.
    :param known: the state of each note in the index, by path.
    """
    if not files:
        return Waiting(0, 0.0)
    rate = _rate(source.embedders.spec)
    told = _told(source, files, known, rate)
    if told.seconds <= LONG_S or not known:
        return told
    digests, room = {state.sha256 for state in known.values()}, _MOST_COMPARED
    differing = []
    for file in files:
        room -= file.stamp.size
        limit = source.max_note_bytes
        if room < 0 or digest_of(source.corpus, file.path, max_note_bytes=limit) not in digests:
            differing.append(file)
    return _told(source, differing, known, rate)


def left_as_it_is(info: IndexInfo, waiting: Waiting) -> IndexReport:
    """The report of an update that was not made."""
    return IndexReport(
        info=info,
        added=0,
        changed=0,
        removed=0,
        unchanged=info.notes,
        skipped=info.skipped,
        newly_skipped=(),
        seconds=0.0,
        waiting=waiting,
    )


def keep_rate(spec: str, text_bytes: int, seconds: float) -> None:
    """Keep the rate at which this machine embedded text, if it was enough to tell."""
    if text_bytes < _LEAST_MEASURED or seconds <= 0:
        return
    kept = read_json(_file())
    rates = kept if isinstance(kept, dict) else {}
    try:
        write_json(_file(), rates | {spec: round(text_bytes / seconds)})
    except OSError as exc:
        logger.debug("cannot keep the rate of embedding in %s: %s", _file(), exc)


def _rate(spec: str) -> float:
    kept = read_json(_file())
    rate = kept.get(spec) if isinstance(kept, dict) else None
    if isinstance(rate, int | float) and 1 <= rate <= _HIGHEST_RATE:
        return float(rate)
    return DEFAULT_RATE


def _file() -> Path:
    return cache_folder() / "rates.json"


def _told(
    source: Source, files: Sequence[NoteFile], known: Mapping[str, NoteState], rate: float
) -> Waiting:
    edit = source.chunking.target_tokens * _BYTES_PER_TOKEN
    text = 0.0
    for file in files:
        before = known.get(file.path)
        grown = file.stamp.size - before.stamp.size if before else file.stamp.size
        text += max(grown, 0) * format_of(file.path).text_share + (edit if before else 0)
    return Waiting(len(files), text / rate)
