"""An index over folders of notes: build and refresh it, and ask it.

A store on another machine is opened only with the user's consent.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import replace
from datetime import date, timedelta
from functools import cache, cached_property, partial, wraps
from threading import Event
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeVar, cast

from ragqa.answering import Answering, compose
from ragqa.api.current import CurrentNotes
from ragqa.api.finding import (
    SKIPPED,
    Retrieval,
    contexts_of,
    files_left_out,
    filter_warnings,
    has_phrase,
    why_not_found,
)
from ragqa.clock import Clock, today
from ragqa.config import Places, Settings
from ragqa.embedders import embedder_for
from ragqa.errors import GivenUp, IndexNotWritable, IndexUnusable, NeedsRebuild, NoIndex, WriterBusy
from ragqa.index import MayUse, Snapshot, Store, StorePlace
from ragqa.index.refresh import refresh
from ragqa.index.source import (
    Changes,
    Embedders,
    Source,
    ahead,
    check_embedder,
    check_origin,
    find_changes,
)
from ragqa.passages import Chunking
from ragqa.readers import Reader, available
from ragqa.search.question import clean_question, read_question
from ragqa.search.retrieve import Contexts, find_hits
from ragqa.types import (
    Answer,
    Building,
    Filters,
    IndexInfo,
    IndexReport,
    NoteList,
    NoteState,
    Passage,
    Progress,
    SearchResult,
    Waiting,
    by_kind,
    no_progress,
)
from ragqa.types.answers import FURTHER

if TYPE_CHECKING:
    from ragqa.generation.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")

ShowProgress = Callable[[], AbstractContextManager[Progress]]
"""Makes a context manager that shows the progress of a build."""

MIN_POOL = 10
"""The fewest passages to retrieve, since confidence considers more than are shown."""

_OUT_OF_STEP = "this folder and the shared index are out of step"

_POLL_S = 0.5
OLD_AFTER = timedelta(days=730)
"""A note that is dated longer ago is marked as old."""


def was_allowed(host: str) -> bool:
    """Whether the user has already allowed this host to store notes; does not ask."""
    from ragqa.state.consent import Use, is_allowed

    return is_allowed(host, Use.STORE)


def _of_a_sound_index(
    method: Callable[Concatenate["Index", P], T],
) -> Callable[Concatenate["Index", P], T]:
    """A question that meets a damaged row is asked once more, of an index built anew."""

    @wraps(method)
    def ask(self: "Index", /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(self, *args, **kwargs)
        except NeedsRebuild:
            if self.kept.is_shared or not kwargs.get("refresh", True):
                raise
            with self._showing(cast("Progress | None", kwargs.get("progress"))) as progress:
                progress("anew", 0, 1)
                self.refresh(rebuild=True, progress=progress)
            return method(self, *args, **kwargs)

    return ask


class Index:
    """An index over one folder of notes; close it, or use it in a `with` statement.

    Methods raise `RagqaError`, with a message and a hint for people.

    :param may_use: called before anything is sent to a store on another machine.
    :param shown: shows the progress of a build if a method is given no `progress`.
    :ivar waiting: what the index does not have yet since it takes long to read; None for nothing.
    :ivar update_with: the command that reads it, for messages; "" while it is being read.
    :ivar given_up: once it is set, a question begins no further stage, and raises `GivenUp`.
    """

    waiting: Waiting | None = None
    update_with = "ragqa index"
    given_up: Event | None = None
    """Whether the last question brought it up to date."""

    def __init__(
        self,
        settings: Settings,
        places: Places,
        *,
        today: Callable[[], date] = today,
        may_use: MayUse = was_allowed,
        shown: ShowProgress | None = None,
    ) -> None:
        self.settings = settings
        self.places = places
        self.kept = StorePlace.of(settings, places)
        self._today = today
        self._may_use = may_use
        self._shown = shown
        self.source = Source(
            corpus=places.corpus,
            index=places.index,
            embedders=Embedders(settings.embedder, embedder_for),
            chunking=Chunking.of(settings),
            max_note_bytes=settings.max_note_bytes,
            formats=settings.formats,
            shared_name=self.kept.name if self.kept.is_shared else "",
        )
        self._left_out = cache(partial(files_left_out, self.source))  # a walk, once until `close`
        self._opened = ExitStack()
        self._snapshot: Snapshot | None = None
        self._agrees_with: object = None
        self._is_newest = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the index's files."""
        self._snapshot = None
        self._left_out.cache_clear()
        self._opened.close()

    def is_built(self) -> bool:
        """Whether there is an index, sound or not; what this opens serves the next question."""
        self._is_newest = self._snapshot is None
        try:
            self._open()
        except (NoIndex, IndexUnusable) as exc:
            return not isinstance(exc, NoIndex)
        return True

    def info(self) -> IndexInfo:
        """The index's contents and how it was made.

        :raises NoIndex: nothing has been built yet.
        :raises IndexUnusable: it is damaged, or was made from other notes or settings.
        """
        return self._state()[0]

    def snapshot(self) -> Snapshot:
        """The current index, open for reading until `close`; for evaluations.

        :raises NoIndex: nothing has been built yet.
        :raises IndexUnusable: it is damaged, or belongs to other notes, settings or embedder.
        """
        snapshot = self._open()
        built = snapshot.info.embedder, snapshot.info.canary
        if self._agrees_with != built:  # the check embeds a sentence
            check_embedder(snapshot.info, self.source.embedders.asking)
            self._agrees_with = built
        return snapshot

    @cached_property
    def contexts(self) -> Contexts:
        """The embeddings of the contexts of several folders, by the folder's name."""
        return contexts_of(self.places.corpus, self.source.embedders)

    def refresh(
        self,
        *,
        rebuild: bool = False,
        wait: bool = False,
        unless_long: bool = False,
        progress: Progress | None = None,
    ) -> IndexReport:
        """Bring the index up to date with the notes; see `building.refresh`."""
        with self._showing(progress) as progress:
            while wait and (building := self.building()):
                progress("queueing", building.embedded, 0)
                time.sleep(_POLL_S)
            if not self._is_newest:
                self.close()
            self._is_newest, seen = False, None
            with suppress(NoIndex, IndexUnusable):  # these are told by whoever reads it again
                seen = None if rebuild else self._open()
            return refresh(
                self._store, self.source, seen=seen, release=self.close,
                rebuild=rebuild, wait=wait, unless_long=unless_long, progress=progress,
            )  # fmt: skip

    def _showing(self, progress: Progress | None) -> AbstractContextManager[Progress]:
        given = nullcontext(progress or no_progress)
        return self._shown() if self._shown and progress is None else given

    def building(self) -> Building | None:
        """The progress of another process that is writing the index; None if none is known."""
        return self._store.building()

    def ahead(self, *, rebuild: bool = False) -> Waiting:
        """What a build would read: everything, if another version of ragqa made the index."""
        with suppress(NoIndex, NeedsRebuild):
            if not rebuild:
                return ahead(self.source, self.source.walk(), *self._state())
        return ahead(self.source, self.source.walk(), None, {})

    def pending(self) -> Changes:
        """The changes on disk since the index was made; nothing is written."""
        return find_changes(self.source, self.source.walk(), *self._state(), progress=no_progress)

    @_of_a_sound_index
    def ask(
        self,
        question: str,
        *,
        filters: Filters | None = None,
        refresh: bool = True,
        progress: Progress | None = None,
        writer: "Writer | None" = None,
        further: int = FURTHER,
    ) -> Answer:
        """Answer a question from the notes, with citations checked against them.

        :param refresh: first update the index, or build it if there is none; a shared one is used
            as it is, and so is one whose update takes longer than some seconds.
        :param writer: an LLM to write the answer; if it fails, the answer is extractive and
            `Answer.written` says why.
        :param further: the most further excerpts.
        :raises UsageError: the question has nothing to search for, or is too long.
        :raises NoCorpus: there are no notes.
        :raises NoIndex: there is no index, and `refresh` is False.
        :raises IndexUnusable: the index cannot be trusted.
        :raises NotAllowed: nothing may be sent to the LLM.
        """
        clock = Clock()
        retrieval = self.find(question, filters, refresh=refresh, progress=progress, clock=clock)
        embedder = self.source.embedders.asking
        answering = replace(self.answering_from(retrieval.notes), further=further)
        answer = compose(retrieval.question, retrieval.hits, embedder, answering, retrieval.info)
        clock.lap("answer")
        warnings = [*retrieval.warnings, *answer.warnings, *self._reader[1]]
        if not answer.answered:
            warnings += why_not_found(self._left_out(), retrieval.info, filters, warnings)
        nearest, waiting = retrieval.hits[: self.settings.top_k], self.files_waiting
        answer = replace(answer, hits=nearest, warnings=tuple(warnings), waiting=waiting)
        if writer is not None:
            from ragqa.generation.writer import written_answer

            idf = self._open().idf
            answer = written_answer(
                answer, writer, retrieval.question, answering, idf=idf, progress=progress
            )
            clock.lap("write")
        return replace(answer, timings_ms=clock.laps())

    @_of_a_sound_index
    def search(
        self,
        query: str,
        *,
        filters: Filters | None = None,
        limit: int | None = None,
        exact: bool = False,
        refresh: bool = True,
        progress: Progress | None = None,
    ) -> SearchResult:
        """Find the passages nearest to a query, best first; raises as `ask` does.

        :param limit: how many passages; by default as the setting `top_k` says.
        :param exact: only those that have the query as a phrase, but for case and white space.
        """
        clock, limit = Clock(), limit or self.settings.top_k
        retrieval = self.find(
            query, filters, refresh=refresh, progress=progress, clock=clock, limit=limit,
            only=partial(has_phrase, query) if exact else None,
        )  # fmt: skip
        warnings = list(retrieval.warnings)
        if not retrieval.hits:
            warnings += why_not_found(self._left_out(), retrieval.info, filters, warnings)
        return SearchResult(
            question=retrieval.question.typed,
            hits=retrieval.hits[:limit],
            info=retrieval.info,
            warnings=tuple(warnings),
            timings_ms=clock.laps(),
            corrected=retrieval.question.corrected,
            read=retrieval.question.text,
            waiting=self.files_waiting,
        )

    @_of_a_sound_index
    def notes(
        self,
        *,
        filters: Filters | None = None,
        refresh: bool = True,
        progress: Progress | None = None,
    ) -> NoteList:
        """List the notes in the index, with their tags; refreshes and raises as `ask` does."""
        warnings = self._caught_up(progress, refresh=refresh)
        snapshot, filters = self._open(), filters or Filters()
        records = sorted(snapshot.notes(filters).values(), key=lambda record: record.path)
        warnings += filter_warnings(snapshot, filters, is_found=bool(records)) if filters else []
        return NoteList(tuple(records), snapshot.info, tuple(warnings), self.files_waiting)

    def find(
        self,
        question: str,
        filters: Filters | None,
        *,
        refresh: bool,
        progress: Progress | None,
        clock: Clock,
        limit: int = MIN_POOL,
        only: Callable[[Passage], bool] | None = None,
    ) -> Retrieval:
        """Update the index, and find the hits that the notes still have; raises as `ask` does.

        :param limit: how many passages to return at least, if there are that many.
        :param only: which passages to return; None for all.
        """
        typed, filters = clean_question(question), filters or Filters()
        warnings = self._caught_up(progress, refresh=refresh)
        clock.lap("refresh")
        snapshot, notes = self.snapshot(), self.current_notes()
        clock.lap("open")
        embedder, today = self.source.embedders.asking, self._today()
        read = read_question(snapshot, embedder, typed, filters=filters, today=today)
        stand = partial(notes.keep, remedy=_OUT_OF_STEP) if self.kept.is_shared else notes.keep
        hits, stale = find_hits(
            snapshot,
            read,
            filters,
            wanted=max(self.settings.top_k, MIN_POOL, limit),
            contexts=self.contexts,
            keep=lambda hits: stand([hit for hit in hits if only is None or only(hit.passage)]),
        )
        clock.lap("retrieve")
        self._check_wanted()
        warnings += stale
        warnings += filter_warnings(snapshot, filters, is_found=bool(hits)) if filters else []
        return Retrieval(read, hits, notes, snapshot.info, warnings)

    def _check_wanted(self) -> None:
        if self.given_up is not None and self.given_up.is_set():
            raise GivenUp("this is no longer wanted")

    def current_notes(self) -> CurrentNotes:
        """The notes of this index as they are now, for one question."""
        return CurrentNotes(
            self.places.corpus,
            self._open(),
            max_note_bytes=self.settings.max_note_bytes,
            split=lambda note: self.source.split(note, self.source.embedders.asking)[1],
        )

    def answering_from(self, notes: CurrentNotes) -> Answering:
        """How to compose answers from these notes."""
        old_before = (self._today() - OLD_AFTER).isoformat()
        return Answering(notes=notes, reader=self._reader[0], old_before=old_before)

    @cached_property
    def _reader(self) -> tuple[Reader, list[str]]:
        return available(self.settings.reader)

    @property
    def files_waiting(self) -> int:
        """How many new and changed files the index does not have yet, as far as is known."""
        return self.waiting.files if self.waiting else 0

    def _caught_up(self, progress: Progress | None, *, refresh: bool) -> list[str]:
        """Update the index if wanted; returns warnings of that, and about files that wait.

        Where it cannot be updated, it is used as it is. A shared index is only reopened: another
        machine may have changed it.

        :raises WriterBusy, IndexNotWritable: it cannot be written, and there is no usable index.
        """
        self._check_wanted()
        warnings: list[str] = []
        if refresh and self.kept.is_shared:
            self.close()
        elif refresh:
            self.waiting = None
            try:
                report = self.refresh(progress=progress, unless_long=True)
            except (WriterBusy, IndexNotWritable) as exc:
                self.close()
                try:
                    generation = self.info().generation
                except (NoIndex, NeedsRebuild):
                    raise exc from None
                stale = "could not bring the index up to date, so this is from generation"
                return [f"{stale} {generation}: {exc.message}"]
            self.waiting = report.waiting
            warnings += by_kind(report.warnings)
            warnings += (f"{SKIPPED}{line}" for line in by_kind(report.newly_skipped))
        return warnings + ([self.waiting.notice(self.update_with)] if self.waiting else [])

    @cached_property
    def _store(self) -> Store:
        return self.kept.open(self._may_use)

    def _state(self) -> tuple[IndexInfo, dict[str, NoteState]]:
        with ExitStack() as briefly:
            snapshot = self._snapshot or briefly.enter_context(self._store.snapshot())
            check_origin(snapshot.info, self.source)
            return snapshot.info, snapshot.states

    def _open(self) -> Snapshot:
        if self._snapshot is None:
            self._snapshot = self._opened.enter_context(self._store.snapshot())
        check_origin(self._snapshot.info, self.source)
        return self._snapshot
