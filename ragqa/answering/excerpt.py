"""Which excerpts answer a question, and in what order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate

from ragqa.answering.current import DatesOf, History, history, of_passage
from ragqa.answering.embeds import (
    Embedded,
    embeds_in,
    footnotes_of,
    nothing_embedded,
    runs_of,
    text_of,
)
from ragqa.answering.excerpt_blocks import Block, blocks_of, excerpt_text
from ragqa.answering.excerpt_runs import (
    LIST_WORDS,
    Wanted,
    defining_run,
    excerpt_around,
    paragraph_from,
    with_announced,
)
from ragqa.answering.layout import Layout, OpenNote, Run, layout_of_passage
from ragqa.answering.missing import Lookup
from ragqa.answering.reading import Reading
from ragqa.answering.score import days_in
from ragqa.answering.sentences import PASSAGES, Candidate
from ragqa.config import Settings
from ragqa.readers import Reader
from ragqa.search.question_kind import CONTACTS, QuestionKind
from ragqa.text.dates import months_of
from ragqa.text.shown import unit_words
from ragqa.text.words import blank, index_terms, stems
from ragqa.types import Kind, Passage, Unit
from ragqa.types.answers import FURTHER

MIN_SCORE_SHARE = 0.8
MIN_COMPARISON_SHARE = 0.6
"""A further excerpt's sentence must score at least this share of the best one; the other side of a
comparison often matches less well."""

MIN_UNCOVERED = 0.25
MIN_GAIN = 0.5
"""A further excerpt is added where the others leave this share of the question's idf uncovered, and
it must cover this much of the rest."""

FURTHER_SHARE = 0.5
"""The sentence of a further excerpt must score at least this share of the best one."""

_EMBED_DEPTH = 2
_MOST_EMBEDDED = 8
"""What is embedded may embed more, this many times; in all at most so many embeds are shown."""

_SHOWN_WITH_CONTEXT = (Kind.ITEM, Kind.ROW, Kind.PROPERTY, Kind.HEADING)
"""Kinds of unit that need context when they stand alone, such as the table's header."""


@dataclass(frozen=True, slots=True)
class Answering:
    """How to compose answers.

    `excerpts` is the most excerpts, `further` how many others are offered, `words` the most words
    of one before it is extended to a whole list or table. `open_note` gives the layout of a
    passage's note; by default an excerpt ends where its passage does. `embedded` gives what notes
    embed; by default that is nothing.
    `reader` reads question and passages together. Notes with an ISO date before `old_before` are
    marked as old. `lookup` tells what the whole index has.
    """

    excerpts: int = Settings().excerpts
    further: int = FURTHER
    words: int = Settings().excerpt_words
    open_note: OpenNote = layout_of_passage
    embedded: Embedded = nothing_embedded
    reader: Reader = field(default_factory=Reader)
    dates_of: DatesOf = of_passage
    old_before: str = ""
    lookup: Lookup = field(default_factory=Lookup)


@dataclass(frozen=True)
class Excerpt:
    """A run of a note around the sentence that answers."""

    best: Candidate
    layout: Layout
    run: Run

    @property
    def path(self) -> str:
        """The note's path."""
        return self.layout.path

    @property
    def span(self) -> tuple[int, int]:
        """Its characters in the note."""
        return self.layout.span(self.run)

    @property
    def units(self) -> tuple[Unit, ...]:
        """Its units, in order."""
        return self.layout.units(self.run)

    @cached_property
    def blocks(self) -> Sequence[Block]:
        """The blocks that a reader sees of it."""
        return blocks_of(self.layout.quote(self.run), self.units, self.span[0])

    @cached_property
    def whole(self) -> Candidate:
        """The whole excerpt, with the score of its sentence."""
        start, end = self.span
        quote, units = self.layout.quote(self.run), self.units
        text = excerpt_text(self.blocks, self.layout.is_cut(self.run))
        unit = units[0]
        if len(units) > 1:
            context = "\n".join(dict.fromkeys(filter(None, (each.full_context for each in units))))
            broken = all(each.has_lines for each in units)
            unit = Unit(Kind.EXCERPT, start, end, context, has_lines=broken)
        elif unit.has_lines:
            text = f"{unit.context}:\n{text}" if unit.context else text
        elif unit.kind in _SHOWN_WITH_CONTEXT:
            text = unit_words(quote, unit)
        return replace(self.best, unit=unit, quote=quote, text=text)

    @cached_property
    def terms(self) -> frozenset[str]:
        """The terms of its text, headings and context."""
        begin, end = self.run
        trails = {piece.passage.trail for piece in self.layout.pieces[begin : end + 1]}
        text = " ".join((*trails, self.whole.unit.full_context, self.whole.text))
        return frozenset(index_terms(text, self.whole.language))

    def of_run(self, layout: Layout, run: Run) -> "Excerpt":
        """Another run that answers as this one does."""
        piece = layout.pieces[run[0]]
        hit = replace(self.best.hit, passage=piece.passage)
        unit = Unit(Kind.EXCERPT, *layout.span(run), piece.unit.full_context)
        quote, text = layout.quote(run), text_of(layout, run)
        return Excerpt(replace(self.best, hit=hit, unit=unit, quote=quote, text=text), layout, run)

    def shares_section(self, candidate: Candidate) -> bool:
        """Whether it has some of the section that a candidate stands in."""
        if candidate.hit.passage.path != self.path:
            return False
        return candidate.unit.section in {unit.section for unit in self.units}

    def overlaps(self, candidate: Candidate) -> bool:
        """Whether it has at least part of a candidate."""
        return self.whole.overlaps(candidate)


def with_embedded(excerpts: Sequence[Excerpt], answering: Answering) -> list[Excerpt]:
    """The excerpts, each followed by its footnotes and by what it embeds, where that stands.

    One that shows nothing itself is left out. What is shown already is not repeated, so notes that
    embed each other end.
    """
    seen = list(excerpts)

    def below(excerpt: Excerpt, depth: int) -> Iterator[Excerpt]:
        for unit in excerpt.units:
            quote = excerpt.layout.text[unit.start : unit.end]
            links = embeds_in(unit, quote)
            embedded = runs_of(links, excerpt.path, answering.embedded, answering.words)
            for layout, run in (*footnotes_of(excerpt.layout, quote, unit.kind), *embedded):
                added = excerpt.of_run(layout, run)
                is_new = not any(added.overlaps(other.whole) for other in seen)
                if is_new and len(seen) < len(excerpts) + _MOST_EMBEDDED:
                    seen.append(added)
                    yield from (added, *(below(added, depth - 1) if depth else ()))

    shown = [each for excerpt in excerpts for each in (excerpt, *below(excerpt, _EMBED_DEPTH))]
    return [excerpt for excerpt in shown if excerpt.whole.text] or list(excerpts)


@dataclass(frozen=True)
class Finder:
    """Finds the excerpts that answer, and further ones, among at least one scored candidate."""

    reading: Reading
    scored: Sequence[Candidate]
    answering: Answering

    def excerpts(self) -> list[Excerpt]:
        """The excerpts that answer, in reading order.

        The first is around the best sentence or, for a definition, is the defining paragraph.
        Another one is added only if it covers words of the question that those before it lack, such
        as the other side of a comparison.
        """
        excerpts = [self._first, *self.rows]
        while len(excerpts) - len(self.rows) < self.answering.excerpts and (
            another := self._another(excerpts)
        ):
            excerpts.append(another)
        return excerpts if len(excerpts) == 1 else self._in_question_order(excerpts)

    def further(
        self, excerpts: Sequence[Excerpt], places: Sequence[Candidate] = ()
    ) -> list[Excerpt]:
        """Further excerpts that may answer, best first, each from a section of its own.

        :param excerpts: those of the answer.
        :param places: sentences that come first: they have words which the answer lacks.
        """
        least = FURTHER_SHARE * self._best.score
        others: list[Excerpt] = []
        for candidate in places[: self.answering.further]:
            excerpt = self._around(replace(candidate, score=least))
            if not any(excerpt.overlaps(other.whole) for other in [*excerpts, *others]):
                others.append(excerpt)
        for candidate in sorted(self.scored, key=lambda candidate: -candidate.score):
            if len(others) == self.answering.further or candidate.score < least:
                break
            shown = [*excerpts, *others]
            if any(excerpt.shares_section(candidate) for excerpt in shown):
                continue
            excerpt = self._around(candidate)
            seen = (*(other.whole for other in shown), *self.history.others)
            if not any(map(excerpt.overlaps, seen)):
                others.append(excerpt)
        return others

    def others(self, excerpts: Sequence[Excerpt]) -> list[Candidate]:
        """The statements of other dates on the subject, as far as these excerpts lack them."""
        others = self.history.others
        return [each for each in others if not any(excerpt.overlaps(each) for excerpt in excerpts)]

    @cached_property
    def _best(self) -> Candidate:
        """The best sentence; among the rows of a table, one that the question names.

        One about the same that has the address asked for comes before one that scores more.
        """
        best = max(self.scored, key=lambda candidate: candidate.score)
        near = [each for each in self.scored if each.score >= MIN_SCORE_SHARE * best.score]
        if self.reading.question.kind in CONTACTS:
            idf = self.reading.question.idf
            rarest = max(idf.keys() - stems("contacts"), key=lambda term: idf[term], default="")
            fit = (candidate for candidate in near if candidate.signals["holds"])
            having = (candidate for candidate in fit if rarest in candidate.terms)
            best = max(having, key=lambda candidate: candidate.score, default=best)
        table = best.hit.passage.path, best.unit.block
        named = filter(self._is_named, near)
        rows = (row for row in named if (row.hit.passage.path, row.unit.block) == table)
        return max(rows, key=lambda row: row.score, default=best)

    def _is_named(self, candidate: Candidate) -> bool:
        """Whether the question has the name of a row."""
        return bool(candidate.row_name) and candidate.row_name <= self.reading.question.terms

    @cached_property
    def history(self) -> History:
        """The statement to quote first, and the others on its subject."""
        dates_of = self.answering.dates_of
        return history(self.reading.question, self._best, self.scored, dates_of)

    @cached_property
    def _first(self) -> Excerpt:
        defined = None if self.history.others else self._definition()
        return defined or self._around(self.history.first)

    @cached_property
    def rows(self) -> list[Excerpt]:
        """The other rows that match, up to the length of a list."""
        layout, (begin, end) = self._first.layout, self._first.run
        others = [i for i in self._matching if not begin <= i <= end]
        words = accumulate(layout.words((i, i)) for i in others)
        shown = [i for i, total in zip(others, words, strict=True) if total <= LIST_WORDS]
        return [self._first.of_run(layout, (i, i)) for i in shown]

    @property
    def rows_left(self) -> tuple[str, ...]:
        """A warning if more rows match than are shown."""
        begin, end = self._first.run
        others = sum(not begin <= i <= end for i in self._matching)
        total, left = len(self._matching), others - len(self.rows)
        return (f"{total - left} of {total} rows that match are shown",) if left else ()

    @cached_property
    def _matching(self) -> list[int]:
        """The rows of the table that have what the question says of the one that answers.

        A date is had by what it means: "2025" alone is not June 2025. There are none where the
        question names that row, or a date, number, name or place is asked for.
        """
        layout, best, question = self._first.layout, self._first.best, self.reading.question
        days = days_in(question, months_of(best.quote))
        asked = index_terms(blank(question.text, [day.span for day in days]), best.language)
        said = question.idf.keys() & index_terms(best.quote, best.language)
        said = said.intersection(asked) if days else said
        is_one = self._wanted.short or self._is_named(best)
        if best.unit.kind is not Kind.ROW or is_one or not (said or days):
            return []
        first, last = layout.block(layout.at(best.unit.start))
        return [
            i
            for i, quote in ((i, layout.quote((i, i))) for i in range(first, last + 1))
            if said.issubset(index_terms(quote, best.language))
            and (not days or days_in(question, months_of(quote)))
        ]

    @cached_property
    def _wanted(self) -> Wanted:
        return Wanted(self.reading.question.kind, self.answering.words)

    def _another(self, excerpts: Sequence[Excerpt]) -> Excerpt | None:
        """The excerpt that covers most of what the others lack; None if it is not worth adding."""
        covered = frozenset().union(*(excerpt.terms for excerpt in excerpts))
        is_comparison = self.reading.question.kind is QuestionKind.COMPARISON
        idf = self.reading.question.idf
        if is_comparison:
            # Words such as "versus" belong to neither side, so no sentence has them.
            known = covered.union(*(candidate.terms for candidate in self.scored))
            idf = {term: weight for term, weight in idf.items() if term in known}
        uncovered = {term: weight for term, weight in idf.items() if term not in covered}
        total = sum(idf.values())
        if not total or sum(uncovered.values()) < MIN_UNCOVERED * total:
            return None
        min_score = (MIN_COMPARISON_SHARE if is_comparison else MIN_SCORE_SHARE) * self._best.score

        def gain(candidate: Candidate) -> float:
            terms = candidate.terms
            return sum(weight for term, weight in uncovered.items() if term in terms)

        eligible = [
            candidate
            for candidate in self.scored
            if candidate.score >= min_score
            and gain(candidate) >= MIN_GAIN * sum(uncovered.values())
            and candidate not in self.history.others
            and not any(excerpt.overlaps(candidate) for excerpt in excerpts)
        ]
        if not eligible:
            return None
        best = max(eligible, key=lambda candidate: candidate.score + gain(candidate) / total)
        excerpt = self._around(best)
        overlaps = any(excerpt.overlaps(other.whole) for other in excerpts)
        return None if overlaps else excerpt

    def _in_question_order(self, excerpts: Sequence[Excerpt]) -> list[Excerpt]:
        """Sort the sides of a comparison as the question names them; leave others as found."""
        if self.reading.question.kind is not QuestionKind.COMPARISON:
            return list(excerpts)
        question = self.reading.question
        asked = index_terms(question.text, question.language)

        def position(excerpt: Excerpt) -> int:
            others = frozenset().union(*(other.terms for other in excerpts if other is not excerpt))
            unique = excerpt.terms - others
            return next((i for i, term in enumerate(asked) if term in unique), len(asked))

        return sorted(excerpts, key=position)

    def _around(self, best: Candidate) -> Excerpt:
        """The excerpt around a sentence."""
        layout = self.answering.open_note(best.hit.passage)
        at = layout.at(best.unit.start)
        scores = [0.0] * len(layout.pieces)
        name = best.row_name if self._is_named(best) else frozenset[str]()
        for candidate in self.scored:
            # A list was scored both as a whole and by its pieces.
            if candidate.unit.kind is not Kind.LIST and name <= candidate.row_name:
                for i in _pieces_of(layout, candidate):
                    scores[i] = max(scores[i], candidate.score)
        scores[at] = max(scores[at], best.score)
        return Excerpt(best, layout, excerpt_around(layout, scores, at, self._wanted))

    def _definition(self) -> Excerpt | None:
        """The paragraph that defines the term, from the best sentence on if that defines it."""
        if self.reading.question.kind is not QuestionKind.DEFINITION:
            return None
        unit = self._best.unit
        if self._best.signals["holds"] >= 1:
            layout = self.answering.open_note(self._best.hit.passage)
            run = paragraph_from(layout, layout.at(unit.start))
            return self._announcing(layout, run) if unit.kind is Kind.PARAGRAPH else None
        notes: dict[str, Passage] = {}
        for hit in self.reading.hits[:PASSAGES]:
            notes.setdefault(hit.passage.path, hit.passage)
        definitions = []
        for rank, passage in enumerate(notes.values()):
            layout = self.answering.open_note(passage)
            defined = defining_run(layout, self.reading.question.subject)
            if defined is not None:
                definitions.append((defined[0], rank, layout, defined[1]))
        if not definitions:
            return None
        _, _, layout, run = min(definitions, key=lambda definition: definition[:2])
        return self._announcing(layout, run)

    def _announcing(self, layout: Layout, run: Run) -> Excerpt:
        """A paragraph whose first sentence answers, with the list its last one introduces."""
        best = self._sentence(layout, run[0])
        return Excerpt(best, layout, with_announced(layout, run, run[0], self._wanted))

    def _sentence(self, layout: Layout, i: int) -> Candidate:
        """A piece of a note as a candidate; if unscored, it gets the score of the note's best."""
        piece = layout.pieces[i]
        in_note = [each for each in self.scored if each.hit.passage.path == layout.path]
        for candidate in in_note:
            if i in _pieces_of(layout, candidate):
                return candidate
        best = max(in_note, key=lambda candidate: candidate.score, default=self._best)
        quote = layout.quote((i, i))
        text = unit_words(quote, piece.unit)
        hit = replace(best.hit, passage=piece.passage)
        return replace(best, hit=hit, unit=piece.unit, quote=quote, text=text)


def _pieces_of(layout: Layout, candidate: Candidate) -> Iterator[int]:
    """Yield the indices of a candidate's pieces; none if it is of another note."""
    if candidate.hit.passage.path != layout.path:
        return
    i = layout.at(candidate.unit.start)
    while i < len(layout.pieces) and layout.pieces[i].unit.start < candidate.unit.end:
        yield i
        i += 1
