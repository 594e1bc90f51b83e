"""Ask an index over one folder of notes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING

from ragqa.answering import Answering, Assessment, Lookup, compose
from ragqa.api.current import CurrentNotes
from ragqa.api.stored_index import StoredIndex
from ragqa.clock import Clock
from ragqa.errors import (
    GivenUp,
    IndexNotWritable,
    NoCorpus,
    NoIndex,
    NoSuchTag,
    OtherFormat,
    UsageError,
    WriterBusy,
)
from ragqa.notes.daily import day_in, paths_in_words
from ragqa.notes.formats import how_to_read, switched_off
from ragqa.readers import Reader, available
from ragqa.search.question import Question, clean_question, find_day, read_question
from ragqa.search.retrieve import of_day_first, of_period_first, retrieve
from ragqa.search.spelling import best_by_terms, in_no_note
from ragqa.stores import Snapshot
from ragqa.stores.filters import (
    fold_tag,
    parse_where,
    path_matcher,
    tag_and_parents,
)
from ragqa.types import (
    EXTRACTIVE,
    Answer,
    Filters,
    Hit,
    IndexInfo,
    NoteList,
    NoteRecord,
    Progress,
    SearchResult,
    Waiting,
    by_kind,
    counted,
    with_parents,
)
from ragqa.types.answers import FURTHER

if TYPE_CHECKING:
    from ragqa.generation import Writer


_BY_TERMS_ALONE = (
    "the embedder cannot read this language, so this was found by its words alone; a multilingual "
    "model may read it: ragqa config set embedder intfloat/multilingual-e5-small"
)

MIN_POOL = 10
"""The fewest passages to retrieve, since confidence considers more than are shown."""

SKIPPED = "skipped "
_OUT_OF_STEP = "this folder and the shared index are out of step"

_PLACES = 20
"""A word is looked for in this many of the best passages for it."""

MAX_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for a question: its hits, which stand in `notes`, and warnings."""

    question: Question
    hits: tuple[Hit, ...]
    notes: CurrentNotes
    info: IndexInfo
    warnings: Sequence[str]


def answer_of(
    question: Question,
    hits: tuple[Hit, ...],
    composed: Assessment,
    info: IndexInfo,
    *,
    warnings: Sequence[str] = (),
) -> Answer:
    """The extractive answer.

    :param hits: those to give as the nearest passages.
    """
    return Answer(
        question=question.typed,
        answered=composed.answered,
        confidence=composed.confidence,
        backend=EXTRACTIVE,
        text=composed.text,
        citations=tuple(composed.citations),
        hits=hits,
        info=info,
        warnings=tuple(warnings),
        also=tuple(composed.also),
        earlier=tuple(composed.earlier),
        missing=composed.missing,
        corrected=question.respelled,
        read=question.text,
    )


class Index(StoredIndex):
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
    _is_current = False
    """Whether the last question brought it up to date."""

    _off: Mapping[str, int] | None = None
    """The files of formats that are switched off, by suffix; None until that is asked."""

    def close(self) -> None:
        """Release the index's files, and forget what is on disk."""
        super().close()
        self._off = None

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
        found = self.find(question, filters, refresh=refresh, progress=progress, clock=clock)
        embedder = self.source.embedders.asking
        answering = replace(self.answering_from(found.notes, filters), further=further)
        composed = compose(found.question, found.hits, embedder, answering)
        clock.lap("answer")
        warnings = [*found.warnings, *composed.warnings, *self._reader[1]]
        if not composed.answered:
            warnings += self._why_not_found(found.info, filters, warnings)
        nearest = found.hits[: self.settings.top_k]
        answer = answer_of(found.question, nearest, composed, found.info, warnings=warnings)
        answer = replace(found.notes.located(answer), waiting=self.files_waiting)
        if writer is not None:
            from ragqa.generation import written_answer

            written = written_answer(
                answer,
                writer,
                found.question,
                answering,
                embedder=embedder,
                idf=self._open().idf,
                progress=progress,
            )
            answer = found.notes.located(written)
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
        clock, limit = Clock(), limit or self.settings.top_k
        found = self.find(
            query, filters, refresh=refresh, progress=progress, clock=clock, limit=limit
        )
        missed = [] if found.hits else self._why_not_found(found.info, filters, found.warnings)
        return SearchResult(
            question=found.question.typed,
            hits=found.hits[:limit],
            info=found.info,
            warnings=(*found.warnings, *missed),
            timings_ms=clock.laps(),
            corrected=found.question.respelled,
            read=found.question.text,
            waiting=self.files_waiting,
        )

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
        found = sorted(snapshot.notes(filters).values(), key=lambda one: one.path)
        if filters:
            warnings += _filter_warnings(snapshot, filters, found=bool(found))
        return NoteList(tuple(found), snapshot.info, tuple(warnings), self.files_waiting)

    def find(
        self,
        question: str,
        filters: Filters | None,
        *,
        refresh: bool,
        progress: Progress | None,
        clock: Clock,
        limit: int = MIN_POOL,
    ) -> Found:
        """Catch up, read a question, and find what stands in the notes; raises as `ask` does.

        :param limit: how many passages to return at least, if there are that many.
        """
        typed, filters = clean_question(question), filters or Filters()
        warnings = self._caught_up(progress, refresh=refresh)
        clock.lap("refresh")
        snapshot, notes, corpus = self.snapshot(), self.current_notes(), self.places.corpus
        clock.lap("open")
        embedder, today = self.source.embedders.asking, self._today()
        named = day_in(typed, today)
        day = find_day(snapshot, corpus, typed, named, filters) if named else None
        paths = paths_in_words(corpus, typed, named) if named else []
        if named and paths and not (day or snapshot.passages(at=paths)):
            warnings.append(f"there is no daily note of {named[0].isoformat()}")
        read = read_question(snapshot, embedder, typed, filters=filters, day=day, today=today)
        hits, stale = self._current_hits(read, filters, notes, limit=limit)
        if day:
            only = replace(filters, paths=(day.path,))
            hits = of_day_first(read, self._current_hits(read, only, notes, limit=limit)[0], hits)
        clock.lap("retrieve")
        if read.period:
            since, until = read.period
            only = replace(
                filters,
                since=max(since, filters.since),
                until=min(filter(None, (until, filters.until)), default=""),
            )
            own, _ = self._current_hits(read, only, notes, limit=limit)
            hits = of_period_first(read.period, own, hits)
        self._check_wanted()
        warnings += stale
        warnings += _filter_warnings(snapshot, filters, found=bool(hits)) if filters else []
        return Found(read, hits, notes, snapshot.info, warnings)

    def _check_wanted(self) -> None:
        if self.given_up is not None and self.given_up.is_set():
            raise GivenUp("this is no longer wanted")

    def current_notes(self) -> CurrentNotes:
        """The notes of this index as they are now, for one question."""
        limit = self.settings.max_note_bytes
        return CurrentNotes(self.places.corpus, self._open(), max_note_bytes=limit)

    def answering_from(self, notes: CurrentNotes, filters: Filters | None = None) -> Answering:
        """How to compose answers, by the settings, from these notes."""
        settings, days = self.settings, self.settings.old_after_days
        snapshot = self._open()
        return Answering(
            excerpts=settings.excerpts,
            words=settings.excerpt_words,
            open_note=notes.open,
            embedded=notes.embedded,
            dates_of=notes.dated,
            reader=self._reader[0],
            old_before=(self._today() - timedelta(days=days)).isoformat() if days else "",
            lookup=Lookup(
                # A note that is not read yet may have it.
                no_note_has=lambda term: self._is_current and in_no_note(snapshot, term),
                passages_with=lambda terms: notes.current(
                    best_by_terms(snapshot, terms, _PLACES, filters)
                ),
            ),
        )

    @cached_property
    def _reader(self) -> tuple[Reader, list[str]]:
        return available(self.settings.reader)

    def _current_hits(
        self, question: Question, filters: Filters, notes: CurrentNotes, *, limit: int
    ) -> tuple[tuple[Hit, ...], list[str]]:
        """The passages that match their current notes, best first, and warnings of the others."""
        wanted = k = max(self.settings.top_k, MIN_POOL, limit)
        remedy = _OUT_OF_STEP if self.kept.is_shared else "run ragqa index"
        while True:
            found = retrieve(self._open(), question, k=k, filters=filters, ranking=self.ranking)
            current, warnings = notes.keep(found, remedy=remedy)
            if len(current) >= wanted or len(found) < k:
                warnings += [_BY_TERMS_ALONE] if question.by_terms_alone else []
                return tuple(current[:wanted]), warnings
            k *= 4

    def _why_not_found(
        self, info: IndexInfo, filters: Filters | None, told: Sequence[str]
    ) -> list[str]:
        """A warning of what was not looked through: formats that are off, and skipped notes.

        :param told: warnings; those of notes that were skipped just now are not repeated.
        """
        if self._off is None:
            try:
                self._off = switched_off(self.source.walk().others)
            except NoCorpus:
                self._off = {}
        paths = filters.paths if filters else ()
        is_asked = path_matcher(paths) if paths else bool
        is_told = any(warning.startswith(SKIPPED) for warning in told)
        skips = 0 if is_told else sum(is_asked(one.path) for one in info.skipped)
        was = "was" if skips == 1 else "were"
        parts = [f"{counted(skips, 'note')} {was} skipped (ragqa status says why)"] * bool(skips)
        if total := sum(self._off.values()):
            listed = ", ".join(f"{count} {suffix}" for suffix, count in sorted(self._off.items()))
            was, it = ("was", "it") if total == 1 else ("were", "them")
            how = how_to_read(self._off, self.settings.formats)
            files = f"{counted(total, 'file')} ({listed})"
            parts.append(f"{files} {was} left out; to read {it}: {how}")
        return ["; ".join(parts)] if parts else []

    @property
    def files_waiting(self) -> int:
        """How many new and changed files the index does not have yet, as far as is known."""
        return self.waiting.files if self.waiting else 0

    def _caught_up(self, progress: Progress | None, *, refresh: bool) -> list[str]:
        """Warnings of an update, if one is wanted, and about what waits."""
        self._check_wanted()
        self._is_current = False
        warnings = self._catch_up(progress) if refresh else []
        return warnings + ([self.waiting.notice(self.update_with)] if self.waiting else [])

    def _catch_up(self, progress: Progress | None) -> list[str]:
        """Refresh before a question; if that fails, return a warning and use the index as it is.

        A shared index is only reopened: another machine may have changed it.

        :raises WriterBusy, IndexNotWritable: it cannot be written, and there is no usable index.
        """
        if self.kept.is_shared:
            self.close()
            return []
        self.waiting = None
        try:
            report = self.refresh(progress=progress, unless_long=True)
        except (WriterBusy, IndexNotWritable) as exc:
            self.close()
            try:
                generation = self.info().generation
            except (NoIndex, OtherFormat):
                raise exc from None
            stale = f"could not bring the index up to date, so this is from generation {generation}"
            return [f"{stale}: {exc.message}"]
        self.waiting = report.waiting
        self._is_current = not report.waiting
        skips = (f"{SKIPPED}{line}" for line in by_kind(report.newly_skipped))
        return [*by_kind(report.warnings), *skips]


def _filter_warnings(snapshot: Snapshot, filters: Filters, *, found: bool) -> list[str]:
    """Warnings about the notes that filters exclude.

    :param found: whether any passage passed the filters.
    :raises UsageError: no note has a tag, path or property that the filters name.
    """
    if not found or len(filters.paths) > 1 or filters.where:
        notes = snapshot.notes()
        tags = {each for one in notes.values() for tag in one.tags for each in tag_and_parents(tag)}
        for tag in map(fold_tag, filters.tags):
            if tag not in tags:
                raise NoSuchTag(tag, _close(tag, tags))
        if filters.where:
            _check_properties(notes.values(), filters.where)
        for glob in filters.paths:
            if not any(map(path_matcher([glob]), notes)):
                near = _nearest(glob, {each for path in notes for each in with_parents(path)})
                raise UsageError(f"no note has a path like {glob}{near}", hint="ragqa list")
    warnings = []
    undated = 0
    if filters.since or filters.until:
        let_through = snapshot.notes(replace(filters, since="", until="")).values()
        undated = sum(not note.date for note in let_through)
    if undated:
        were = "was" if undated == 1 else "were"
        by = "since" if filters.since else "until"
        warnings.append(f"{counted(undated, 'note')} without a date {were} left out by --{by}")
    if not found:
        warnings.append("nothing was found among the notes that match the filters")
    return warnings


def _check_properties(notes: Iterable[NoteRecord], where: str) -> None:
    """Raise unless each property is in some note."""
    names = dict.fromkeys(name.casefold() for note in notes for name, _ in note.properties)
    for one in parse_where(where).comparisons:
        if one.name not in names:
            there = f"; there are {', '.join([*names][:10]) or 'none'}"
            near = _nearest(one.name, names) or there
            raise UsageError(f"no note has the property {one.name}{near}", hint="ragqa list")


def _close(name: str, names: Iterable[str]) -> tuple[str, ...]:
    # Imported late: only an unknown name needs it.
    from difflib import get_close_matches

    return tuple(get_close_matches(name, sorted(names), n=MAX_NEAREST))


def _nearest(name: str, names: Iterable[str]) -> str:
    close = _close(name, names)
    return f"; nearest: {', '.join(close)}" if close else ""
