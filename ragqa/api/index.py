"""Ask an index over one folder of notes."""

from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from ragqa.answering import Answering, compose
from ragqa.api.answers import answer_of, with_sources, written_answer
from ragqa.api.checking import keep_current, open_embedded, with_source
from ragqa.api.days import find_day
from ragqa.api.filtered import filter_warnings
from ragqa.api.stored_index import StoredIndex
from ragqa.clock import Clock
from ragqa.errors import IndexNotWritable, NoIndex, OlderFormat, WriterBusy
from ragqa.readers import Reader, available
from ragqa.retrieval import clean_question, retrieve
from ragqa.stores import Snapshot
from ragqa.stores.filters import note_matcher
from ragqa.types import (
    Answer,
    Citation,
    Filters,
    IndexInfo,
    NoteList,
    Progress,
    Retrieved,
    SearchResult,
)

if TYPE_CHECKING:
    from ragqa.generation import Writer

BY_TERMS_ALONE = (
    "the embedder cannot read this language, so this was found by its words alone; a multilingual "
    "model may read it: ragqa config set embedder intfloat/multilingual-e5-small"
)

MIN_POOL = 10
"""The fewest passages to retrieve, since confidence considers more than are shown."""

_OUT_OF_STEP = "this folder and the shared index are out of step"


class Index(StoredIndex):
    """An index over one folder of notes; close it, or use it in a `with` statement.

    Methods raise `RagqaError`, with a message and a hint for people.

    :param may_use: called before anything is sent to a store on another machine.
    :param shown: shows the progress of a build if a method is given no `progress`.
    """

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
        answering = self.answering
        composed = compose(retrieved, self.source.embedders.asking, answering)
        clock.lap("answer")
        warnings += self._reader[1]
        top_k = self.settings.top_k
        answer = answer_of(retrieved, composed, info, top_k=top_k, warnings=warnings)
        answer = with_sources(answer, self._sourced)
        if writer is not None:
            embedder, idf = self.source.embedders.asking, self._open().idf
            written = written_answer(
                answer, writer, retrieved, answering, embedder=embedder, idf=idf, progress=progress
            )
            answer = with_sources(written, self._sourced)
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
        warnings = self._catch_up(progress) if refresh else []
        snapshot, filters = self._open(), filters or Filters()
        matches = note_matcher(filters)
        found = sorted(filter(matches, snapshot.notes().values()), key=lambda one: one.path)
        if filters:
            warnings += filter_warnings(snapshot, filters, found=bool(found))
        return NoteList(tuple(found), snapshot.info, tuple(warnings))

    def retrieve(
        self,
        question: str,
        filters: Filters | None,
        *,
        refresh: bool,
        progress: Progress | None,
        clock: Clock,
        limit: int = MIN_POOL,
    ) -> tuple[Retrieved, IndexInfo, list[str]]:
        """Retrieve what `ask` answers from, with warnings; for explanations. Raises as `ask` does.

        :param limit: how many passages to return at least, if there are that many.
        """
        question, filters = clean_question(question), filters or Filters()
        warnings = self._catch_up(progress) if refresh else []
        clock.lap("refresh")
        snapshot = self.snapshot()
        clock.lap("open")
        found = find_day(snapshot, self.places.corpus, question, self._today(), filters)
        read = found.question if found else question
        retrieved, stale = self._retrieve_current(snapshot, read, filters, limit=limit)
        if found:
            only = replace(filters, paths=(found.path,))
            own, _ = self._retrieve_current(snapshot, read, only, limit=limit)
            retrieved = found.first_in(retrieved, own.hits)
        clock.lap("retrieve")
        warnings += stale
        if filters:
            warnings += filter_warnings(snapshot, filters, found=bool(retrieved.hits))
        return retrieved, snapshot.info, warnings

    @property
    def answering(self) -> Answering:
        """How to compose answers, by the settings."""
        settings, days = self.settings, self.settings.old_after_days
        return Answering(
            excerpts=settings.excerpts,
            words=settings.excerpt_words,
            open_note=self.open_note,
            embedded=open_embedded(
                self.places.corpus, self._open(), max_note_bytes=settings.max_note_bytes
            ),
            reader=self._reader[0],
            old_before=(self._today() - timedelta(days=days)).isoformat() if days else "",
        )

    @cached_property
    def _reader(self) -> tuple[Reader, list[str]]:
        return available(self.settings.reader)

    def _sourced(self, citation: Citation) -> Citation:
        limit = self.settings.max_note_bytes
        return with_source(citation, self.places.corpus, max_note_bytes=limit)

    def _retrieve_current(
        self, snapshot: Snapshot, question: str, filters: Filters, *, limit: int
    ) -> tuple[Retrieved, list[str]]:
        """Retrieve passages that match their current notes, and warn of each changed note."""
        wanted = k = max(self.settings.top_k, MIN_POOL, limit)
        embedder = self.source.embedders.asking
        while True:
            found = retrieve(
                snapshot, embedder, question, k=k, filters=filters, ranking=self.ranking
            )
            current, warnings = keep_current(
                self.places.corpus,
                found.hits,
                max_note_bytes=self.settings.max_note_bytes,
                remedy=_OUT_OF_STEP if self.kept.is_shared else "run ragqa index",
            )
            if len(current) >= wanted or len(found.hits) < k:
                warnings += [BY_TERMS_ALONE] if found.by_terms_alone else []
                return replace(found, hits=tuple(current[:wanted])), warnings
            k *= 4

    def _catch_up(self, progress: Progress | None) -> list[str]:
        """Refresh before a question; if that fails, return a warning and use the index as it is.

        A shared index is only reopened: another machine may have changed it.

        :raises WriterBusy: another process is writing, and there is no usable index.
        :raises IndexNotWritable: likewise for an index that cannot be written.
        """
        if self.kept.is_shared:
            self.close()
            return []
        try:
            report = self.refresh(progress=progress)
        except (WriterBusy, IndexNotWritable) as exc:
            self.close()
            try:
                generation = self.info().generation
            except (NoIndex, OlderFormat):
                raise exc from None
            stale = f"could not bring the index up to date, so this is from generation {generation}"
            return [f"{stale}: {exc.message}"]
        skips = (f"skipped {skip.path}: {skip.reason}" for skip in report.newly_skipped)
        return [*report.warnings, *skips]
