"""An index over one folder of notes: build it, refresh it, ask it."""

from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ragqa.answering import Answering, InUse, OpenNote, compose, in_use, open_notes
from ragqa.api.answers import answer_of, written_answer
from ragqa.api.current import MIN_POOL, Shown, await_writer, catch_up, retrieve_current, silent
from ragqa.api.filtering import filter_warnings
from ragqa.api.storing import MayUse, StorePlace, was_allowed
from ragqa.clock import Clock, today
from ragqa.config import Places, Settings
from ragqa.embedders import embedder_for
from ragqa.errors import IndexUnusable, NoIndex
from ragqa.indexing import (
    Changes,
    Embedders,
    Source,
    check_embedder,
    check_origin,
    find_changes,
    refresh,
    repair,
)
from ragqa.passages import Chunking
from ragqa.readers import Reader, available
from ragqa.retrieval import Ranking, clean_question
from ragqa.stores import Remark, Snapshot, Store
from ragqa.stores.filters import note_matcher
from ragqa.types import (
    Answer,
    Building,
    Filters,
    IndexInfo,
    IndexReport,
    NoteList,
    Progress,
    Retrieved,
    SearchResult,
)

if TYPE_CHECKING:
    from ragqa.writing import Writer


class Index:
    """An index over one folder of notes; close it, or use it in a `with` statement.

    Methods raise `RagqaError`, with a message and a hint for people.

    :param may_use: called before anything is sent to a store on another machine.
    :param shown: shows the progress of a build if a method is given no `progress`.
    """

    def __init__(
        self,
        settings: Settings,
        places: Places,
        *,
        today: Callable[[], date] = today,
        may_use: MayUse = was_allowed,
        shown: Shown = silent,
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
            shared_name=self.kept.name if self.kept.is_shared else "",
        )
        self._snapshot: Snapshot | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the index's files."""
        if self._snapshot is not None:
            self._snapshot.close()
            self._snapshot = None

    def is_built(self) -> bool:
        """Whether an index exists, sound or not."""
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
        with closing(self._store.snapshot()) as snapshot:
            check_origin(snapshot.info, self.source)
            return snapshot.info

    def snapshot(self) -> Snapshot:
        """The current index, open for reading until `close`; for evaluations.

        :raises NoIndex: nothing has been built yet.
        :raises IndexUnusable: it is damaged, or belongs to other notes, settings or embedder.
        """
        self.check_embedder()
        return self._open()

    @property
    def ranking(self) -> Ranking:
        """The ranking that the settings choose."""
        return Ranking.of(self.settings)

    @property
    def confidence(self) -> InUse:
        """The confidence models in use, and why the user's own were ignored, if any.

        :raises NoIndex: nothing has been built yet.
        :raises IndexUnusable: it is damaged, or was made from other notes or settings.
        """
        return in_use(self.places.index, self._open().info.embedder)

    def refresh(
        self, *, rebuild: bool = False, wait: bool = False, progress: Progress | None = None
    ) -> IndexReport:
        """Bring the index up to date with the notes; see `ragqa.indexing.refresh`."""
        with self._shown() if progress is None else nullcontext(progress) as shown:
            if wait:
                await_writer(self, shown)
            report = refresh(self._store, self.source, rebuild=rebuild, wait=wait, progress=shown)
        self.close()
        return report

    def building(self) -> Building | None:
        """The progress of another process that is writing the index; None if none is known."""
        return self._store.building()

    def pending(self) -> Changes:
        """The changes on disk since the index was made; nothing is written."""
        known = self._open().states()
        return find_changes(self.source, self.source.walk(), known, progress=lambda *_: None)

    def retrieve(
        self,
        question: str,
        filters: Filters | None,
        *,
        refresh: bool,
        progress: Progress | None,
        clock: Clock,
        limit: int = 0,
    ) -> tuple[Retrieved, IndexInfo, list[str]]:
        """Retrieve what `ask` answers from, with warnings; for explanations. Raises as `ask` does.

        Returns at least `MIN_POOL` passages, if there are that many.
        """
        question = clean_question(question)
        warnings = catch_up(self, progress) if refresh else []
        clock.lap("refresh")
        snapshot = self._open()
        check_embedder(snapshot.info, self.source.embedders.asking)
        clock.lap("open")
        wanted = max(limit or self.settings.top_k, MIN_POOL)
        retrieved, stale = retrieve_current(
            self, snapshot, question, filters or Filters(), wanted=wanted
        )
        clock.lap("retrieve")
        warnings += stale
        if filters:
            warnings += filter_warnings(snapshot, filters, found=bool(retrieved.hits))
        return retrieved, snapshot.info, warnings

    def ask(
        self,
        question: str,
        *,
        filters: Filters | None = None,
        refresh: bool = True,
        progress: Progress | None = None,
        writer: "Writer | None" = None,
    ) -> Answer:
        """Answer a question from the notes, with citations checked against them.

        :param refresh: first update the index, or build it if there is none; a shared one is used
            as it is.
        :param writer: an LLM to write the answer; if it fails, the answer is extractive and
            `Answer.written` says why.
        :raises UsageError: the question has nothing to search for, or is too long.
        :raises NoCorpus: there are no notes.
        :raises NoIndex: there is no index, and `refresh` is False.
        :raises IndexUnusable: the index cannot be trusted.
        :raises NotAllowed: nothing may be sent to the LLM.
        """
        clock = Clock()
        retrieved, info, warnings = self.retrieve(
            question, filters, refresh=refresh, progress=progress, clock=clock
        )
        confidence, answering = self.confidence, self.answering
        composed = compose(retrieved, self.source.embedders.asking, answering)
        warnings += [*confidence.warnings, *self._reader[1]]
        clock.lap("answer")
        answer = answer_of(
            retrieved, composed, confidence, info, top_k=self.settings.top_k, warnings=warnings
        )
        if writer is not None:
            embedder, idf = self.source.embedders.asking, self._open().idf
            answer = written_answer(
                answer, writer, retrieved, answering, embedder=embedder, idf=idf, progress=progress
            )
            clock.lap("write")
        return replace(answer, timings_ms=clock.laps())

    def search(
        self,
        query: str,
        *,
        filters: Filters | None = None,
        limit: int | None = None,
        refresh: bool = True,
        progress: Progress | None = None,
    ) -> SearchResult:
        """Find the passages nearest to a query, best first; raises as `ask` does.

        :param limit: how many passages; by default as the setting `top_k` says.
        """
        clock = Clock()
        limit = limit or self.settings.top_k
        retrieved, info, warnings = self.retrieve(
            query, filters, refresh=refresh, progress=progress, clock=clock, limit=limit
        )
        return SearchResult(
            query=retrieved.typed,
            hits=retrieved.hits[:limit],
            info=info,
            warnings=tuple(warnings),
            timings_ms=clock.laps(),
            corrected=retrieved.corrected,
            read=retrieved.question,
        )

    def notes(
        self,
        *,
        filters: Filters | None = None,
        refresh: bool = True,
        progress: Progress | None = None,
    ) -> NoteList:
        """List the notes in the index, with their tags; refreshes and raises as `ask` does."""
        warnings = catch_up(self, progress) if refresh else []
        snapshot = self._open()
        matches = note_matcher(filters or Filters())
        found = sorted(filter(matches, snapshot.notes().values()), key=lambda one: one.path)
        return NoteList(tuple(found), snapshot.info, tuple(warnings))

    def remarks(self) -> list[Remark]:
        """Remarks on where the index is stored; see `Store.remarks`."""
        return self._store.remarks()

    def problems(self, *, deep: bool = True, progress: Progress | None = None) -> list[str]:
        """Read all of the index's files and return their problems, each in a sentence.

        :param deep: also compare catalogue, terms and vectors with each other.
        """
        return self._store.problems(deep=deep, progress=progress)

    def repair(self, *, wait: bool = False, progress: Progress | None = None) -> tuple[str, ...]:
        """Rebuild what is damaged and return what was done; see `ragqa.indexing.repair`."""
        self.close()
        return repair(self._store, self.source, wait=wait, progress=progress)

    def check_embedder(self) -> None:
        """Check that the embedder in use made the index.

        :raises EmbedderMismatch: another embedder did.
        """
        check_embedder(self._open().info, self.source.embedders.asking)

    @property
    def answering(self) -> Answering:
        """How to compose answers, by the settings and the models in use."""
        settings, days = self.settings, self.settings.old_after_days
        return Answering(
            excerpts=settings.excerpts,
            words=settings.excerpt_words,
            open_note=self.open_note,
            models=self.confidence.models,
            reader=self._reader[0],
            old_before=(self._today() - timedelta(days=days)).isoformat() if days else "",
        )

    @property
    def open_note(self) -> OpenNote:
        """Opens the notes of this index's passages, each one once."""
        limit = self.settings.max_note_bytes
        return open_notes(self.places.corpus, self._open().of_note, max_note_bytes=limit)

    @cached_property
    def _reader(self) -> tuple[Reader, list[str]]:
        return available(self.settings.reader)

    @cached_property
    def _store(self) -> Store:
        return self.kept.open(self._may_use)

    def _open(self) -> Snapshot:
        if self._snapshot is None:
            snapshot = self._store.snapshot()
            try:
                check_origin(snapshot.info, self.source)
            except IndexUnusable:
                snapshot.close()
                raise
            self._snapshot = snapshot
        return self._snapshot
