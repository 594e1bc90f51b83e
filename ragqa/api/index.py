"""Ask an index over one folder of notes."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from ragqa.answering import Answering, compose
from ragqa.api.answers import answer_of, with_sources, written_answer
from ragqa.api.checking import keep_current, open_embedded, with_source
from ragqa.api.stored_index import StoredIndex
from ragqa.clock import Clock
from ragqa.errors import IndexNotWritable, NoIndex, OlderFormat, UsageError, WriterBusy
from ragqa.readers import Reader, available
from ragqa.retrieval import clean_question, retrieve
from ragqa.stores import Snapshot
from ragqa.stores.filters import fold_tag, note_matcher, path_matcher, tag_and_parents
from ragqa.stores.where import by_name, parse_where
from ragqa.types import (
    Answer,
    Citation,
    Filters,
    IndexInfo,
    NoteList,
    NoteRecord,
    Progress,
    Retrieved,
    SearchResult,
    with_parents,
)

if TYPE_CHECKING:
    from ragqa.generation import Writer

BY_TERMS_ALONE = (
    "the embedder reads Latin script only, so this was found by its words alone; for a model that "
    "reads more: ragqa config set embedder_scripts all"
)

MIN_POOL = 10
"""The fewest passages to retrieve, since confidence considers more than are shown."""

_MAX_NEAREST = 3
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
        confidence, answering = self.confidence, self.answering
        composed = compose(retrieved, self.source.embedders.asking, answering)
        clock.lap("answer")
        warnings += [*confidence.warnings, *self._reader[1]]
        top_k = self.settings.top_k
        answer = answer_of(retrieved, composed, confidence, info, top_k=top_k, warnings=warnings)
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
        snapshot = self._open()
        matches = note_matcher(filters or Filters())
        found = sorted(filter(matches, snapshot.notes().values()), key=lambda one: one.path)
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
        retrieved, stale = self._retrieve_current(snapshot, question, filters, limit=limit)
        clock.lap("retrieve")
        warnings += stale
        if filters:
            warnings += _filter_warnings(snapshot, filters, found=bool(retrieved.hits))
        return retrieved, snapshot.info, warnings

    @property
    def answering(self) -> Answering:
        """How to compose answers, by the settings and the models in use."""
        settings, days = self.settings, self.settings.old_after_days
        return Answering(
            excerpts=settings.excerpts,
            words=settings.excerpt_words,
            open_note=self.open_note,
            embedded=open_embedded(
                self.places.corpus, self._open(), max_note_bytes=settings.max_note_bytes
            ),
            models=self.confidence.models,
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


def _filter_warnings(snapshot: Snapshot, filters: Filters, *, found: bool) -> list[str]:
    """Warnings about the notes that filters exclude.

    :param found: whether any passage passed the filters.
    :raises UsageError: no note has a tag, path or property that the filters name.
    """
    if not found or len(filters.paths) > 1 or filters.where:
        _check_names(snapshot, filters)
    warnings = _undated(snapshot, filters) if filters.since else []
    if not found:
        warnings.append("nothing was found among the notes that match the filters")
    return warnings


def _check_names(snapshot: Snapshot, filters: Filters) -> None:
    """Raise unless the index has every tag and path that the filters name."""
    notes = snapshot.notes()
    tags = {each for note in notes.values() for tag in note.tags for each in tag_and_parents(tag)}
    for tag in filters.tags:
        if fold_tag(tag) not in tags:
            raise UsageError(
                f"no note has the tag {fold_tag(tag)}{_nearest(fold_tag(tag), tags)}",
                hint="ragqa list --tags",
            )
    _check_properties(notes.values(), filters.where)
    for glob in filters.paths:
        if not any(map(path_matcher([glob]), notes)):
            paths = {each for path in notes for each in with_parents(path)}
            raise UsageError(
                f"no note has a path like {glob}{_nearest(glob, paths)}", hint="ragqa list"
            )


def _check_properties(notes: Iterable[NoteRecord], where: str) -> None:
    """Raise unless each property is in some note, and has values that compare as asked."""
    values = by_name(pair for note in notes for pair in note.properties)
    for one in parse_where(where).comparisons if where else ():
        held = values.get(one.name)
        if held is None:
            near = (
                _nearest(one.name, values) or f"; there are {', '.join([*values][:10]) or 'none'}"
            )
            raise UsageError(f"no note has the property {one.name}{near}", hint="ragqa list")
        if not one.can_hold(held):
            raise UsageError(
                f"no note has a value of {one.name} that {one.sign} can compare with {one.value}; "
                f"values are such as {held[0]}",
                hint=f"ragqa list --where '{one.name} = {held[0]}'",
            )


def _undated(snapshot: Snapshot, filters: Filters) -> list[str]:
    undated = snapshot.undated(filters)
    if not undated:
        return []
    notes = "1 note without a date was" if undated == 1 else f"{undated} notes without a date were"
    return [f"{notes} left out by --since"]


def _nearest(name: str, names: Iterable[str]) -> str:
    # Imported late: only an unknown name needs it.
    from difflib import get_close_matches

    close = get_close_matches(name, sorted(names), n=_MAX_NEAREST)
    return f"; nearest: {', '.join(close)}" if close else ""
