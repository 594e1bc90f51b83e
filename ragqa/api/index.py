"""An index over folders of notes: build and refresh it, and ask it.

A store on another machine is opened only with the user's consent.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, cached_property, partial, wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeVar, cast

from ragqa.answering import Evidence, compose
from ragqa.api.catch_up import best_files, catch_up, embedded_at_once, none_of
from ragqa.api.opened import OpenedNotes, has_phrase
from ragqa.clock import Clock, today
from ragqa.config import Loaded
from ragqa.embedders import embedder_for
from ragqa.errors import IndexUnusable, NeedsRebuild, NoIndex
from ragqa.index import MayUse, Snapshot, Store, StorePlace, was_allowed
from ragqa.index.refresh import Choice, refresh
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
from ragqa.rerankers import Reranker, available
from ragqa.search.left_out import files_left_out, filter_warnings, why_not_found
from ragqa.search.question import Question, clean_question, read_question, words_in_no_note
from ragqa.search.retrieve import BY_TERMS_ALONE, Contexts, Retrieved, contexts_of, retrieve
from ragqa.text.dates import Period
from ragqa.types import (
    Answer,
    Building,
    EmbedderInfo,
    Filters,
    Hit,
    IndexInfo,
    IndexReport,
    NoteList,
    NoteState,
    Passage,
    Progress,
    SearchResult,
    Waiting,
    no_progress,
)
from ragqa.types.answers import FURTHER

if TYPE_CHECKING:
    from ragqa.generation import Writer

P = ParamSpec("P")
T = TypeVar("T")

MIN_POOL = 10
"""The fewest passages to retrieve, since confidence considers more than are shown."""

_OUT_OF_STEP = "this folder and the shared index are out of step"
_POLL_S = 0.5
OLD_AFTER = timedelta(days=730)
"""A note that is dated longer ago is marked as old."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for a question: the hits whose text stands in `notes`, and warnings.

    :param waiting: how many files the index does not have yet.
    :param within: the time that the filters let through.
    :param clock: began with the question.
    """

    question: Question
    retrieved: Retrieved
    hits: tuple[Hit, ...]
    notes: OpenedNotes
    info: IndexInfo
    warnings: Sequence[str]
    waiting: int
    within: Period
    clock: Clock


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
    :param shown: makes what shows the progress of a build if a method is given no `progress`.
    :param embedders: those of another index of the same settings, which share their models.
    :param update_with: the command that reads what waits, for messages; "" if it is being read.
    :param waiting: tells what waits to be read, where somebody else keeps the index up to date.
    :param check: called before each stage of a question; raises to end it there.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        today: Callable[[], date] = today,
        may_use: MayUse = was_allowed,
        shown: Callable[[], AbstractContextManager[Progress]] | None = None,
        embedders: Embedders | None = None,
        update_with: str = "ragqa index",
        waiting: Callable[[], Waiting | None] = lambda: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings = loaded.settings
        self.places = places = loaded.places
        self.kept = StorePlace.of(settings, places)
        self._today, self._may_use, self._shown = today, may_use, shown
        self.update_with, self.waiting, self.check = update_with, waiting, check
        self.source = Source(
            corpus=places.corpus,
            index=places.index,
            embedders=embedders or Embedders(settings.embedder, embedder_for),
            chunking=Chunking.of(settings),
            max_note_bytes=settings.max_note_bytes,
            formats=settings.formats,
            shared_name=self.kept.name if self.kept.is_shared else "",
        )
        self._left_out = cache(partial(files_left_out, self.source))  # a walk, once until `close`
        self._opened = ExitStack()
        self._snapshot: Snapshot | None = None
        self._agrees_with: tuple[EmbedderInfo, Sequence[float]] | None = None

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
        """Whether there is an index, sound or not."""
        try:
            self.info()
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
        choose: Choice | None = None,
        long_bytes: int | None = None,
        progress: Progress | None = None,
    ) -> IndexReport:
        """Bring the index up to date with the notes; see `ragqa.index.refresh`."""
        with self._showing(progress) as progress:
            while wait and (building := self.building()):
                progress("queueing", building.embedded, 0)
                time.sleep(_POLL_S)
            self.close()
            seen = None
            with suppress(NoIndex, IndexUnusable):  # these are told by whoever reads it again
                seen = None if rebuild else self._open()
            if choose is none_of and seen and seen.info.not_embedded:
                choose = None  # what an answer at once has begun is made whole
            return refresh(
                self._store, self.source, seen=seen, release=self.close,
                rebuild=rebuild, wait=wait, choose=choose, long_bytes=long_bytes,
                progress=progress,
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
        at_once: bool = False,
        progress: Progress | None = None,
        writer: "Writer | None" = None,
        further: int = FURTHER,
    ) -> Answer:
        """Answer a question from the notes, with citations checked against them.

        :param refresh: first update the index, or build it if there is none; a shared one is used
            as it is, and so is one whose update takes longer than some seconds.
        :param at_once: of what would take longer, and of notes that have no index yet, read first
            the notes that have most of the question's words; `read_on` reads the others.
        :param writer: an LLM to write the answer; if it fails, the answer is extractive and
            `Answer.written` says why.
        :param further: the most further excerpts.
        :raises UsageError: the question has nothing to search for, or is too long.
        :raises NoIndex: there is no index, and `refresh` is False.
        """
        found = self.find(question, filters, refresh=refresh, at_once=at_once, progress=progress)
        clock = found.clock
        evidence = self.evidence(found, found.hits[: self.settings.top_k] if writer else ())
        answer = self.answer_from(found, evidence, further=further)
        clock.lap("answer")
        warnings = [*found.warnings, *answer.warnings, *self._reranker[1]]
        if not answer.answered:
            warnings += why_not_found(self._left_out(), found.info, filters, warnings)
        answer = replace(answer, warnings=tuple(warnings), waiting=found.waiting)
        if writer is not None:
            from ragqa.generation import written_answer

            answer = written_answer(
                answer, writer, found.question, evidence, idf=self._open().idf, progress=progress
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
        limit = limit or self.settings.top_k
        found = self.find(
            query, filters, refresh=refresh, progress=progress, limit=limit,
            only=partial(has_phrase, query) if exact else None,
        )  # fmt: skip
        warnings = list(found.warnings)
        if not found.hits:
            warnings += why_not_found(self._left_out(), found.info, filters, warnings)
        return SearchResult(
            question=found.question.typed,
            hits=found.hits[:limit],
            info=found.info,
            warnings=tuple(warnings),
            timings_ms=found.clock.laps(),
            corrected=found.question.corrected,
            read=found.question.text,
            waiting=found.waiting,
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
        warnings, waiting = catch_up(self, progress, refresh=refresh)
        snapshot, filters = self._open(), filters or Filters()
        records = sorted(snapshot.notes(filters).values(), key=lambda record: record.path)
        warnings += filter_warnings(snapshot, filters, is_found=bool(records)) if filters else []
        return NoteList(tuple(records), snapshot.info, tuple(warnings), waiting)

    def find(
        self,
        question: str,
        filters: Filters | None = None,
        *,
        refresh: bool = True,
        progress: Progress | None = None,
        limit: int = MIN_POOL,
        only: Callable[[Passage], bool] | None = None,
        every: bool = False,
        at_once: bool = False,
    ) -> Found:
        """Update the index, and find the hits that the notes still have; raises as `ask` does.

        :param limit: how many passages to return at least, if there are that many.
        :param only: which passages to return; None for all.
        :param every: rank every passage, as `retrieve` does.
        """
        clock, typed, filters = Clock(), clean_question(question), filters or Filters()
        # What other filters let through is known only once a note is read.
        is_first = at_once and self.kept.kind == "local" and filters == Filters(paths=filters.paths)
        first = partial(best_files, self.source, typed, filters, progress) if is_first else None
        warnings, waiting = catch_up(self, progress, refresh=refresh, first=first)
        clock.lap("refresh")
        snapshot, notes = self.snapshot(), self.opened_notes()
        clock.lap("open")
        embedder, today = self.source.embedders.asking, self._today()
        read = read_question(snapshot, embedder, typed, filters=filters, today=today)
        embedded = embedded_at_once(self._store, snapshot, embedder, read, filters)
        remedy = _OUT_OF_STEP if self.kept.is_shared else "run ragqa index"
        within = Period(filters.since, filters.until)
        k = wanted = max(self.settings.top_k, MIN_POOL, limit)
        while True:
            found = retrieve(
                snapshot, read, k, filters=filters, contexts=self.contexts, every=every,
                embedded=embedded,
            )  # fmt: skip
            asked_for = [hit for hit in found.hits if only is None or only(hit.passage)]
            hits, stale = notes.standing(notes.of_time(asked_for, within), remedy=remedy)
            if len(hits) >= wanted or len(found.hits) < k:
                break
            k *= 4  # passages further down may stand in their notes
        hits = hits[: 2 * wanted if read.period else wanted]
        clock.lap("retrieve")
        self.check()
        warnings += stale + [BY_TERMS_ALONE] * read.by_terms_alone
        warnings += filter_warnings(snapshot, filters, is_found=bool(hits)) if filters else []
        info = snapshot.info
        return Found(read, found, tuple(hits), notes, info, warnings, waiting, within, clock)

    def evidence(self, found: Found, also: Sequence[Hit] = ()) -> Evidence:
        """The evidence to answer from, with the notes of `also` opened besides."""
        lacking = words_in_no_note(self._open(), found.question) if found.hits else ()
        old_before = (self._today() - OLD_AFTER).isoformat()
        evidence = found.notes.evidence(found.hits, also)
        return replace(evidence, no_note_has=lacking, old_before=old_before, within=found.within)

    def answer_from(self, found: Found, evidence: Evidence, *, further: int = FURTHER) -> Answer:
        """The answer from what was found, without the warnings of that."""
        embedder = self.source.embedders.asking
        answer = compose(
            found.question, evidence, embedder, found.info, reranker=self.reranker, further=further
        )
        return replace(answer, hits=found.hits[: self.settings.top_k])

    def opened_notes(self) -> OpenedNotes:
        """The notes of this index as they are now, for one question."""
        return OpenedNotes(self.source, self._open())

    @property
    def reranker(self) -> Reranker:
        """What reads question and passages together."""
        return self._reranker[0]

    @cached_property
    def _reranker(self) -> tuple[Reranker, list[str]]:
        return available(self.settings.reranker)

    def is_there(self) -> bool:
        """Whether there is an index to open; it stays open."""
        try:
            self._open()
        except NoIndex:
            return False
        except IndexUnusable:
            pass  # this is told by whoever reads it again
        return True

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
