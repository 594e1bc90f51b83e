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
            context = "\n".join(dict.fromkeys(filter(None, (one.full_context for one in units))))
            broken = all(one.has_lines for one in units)
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
            for found in (*footnotes_of(excerpt.layout, quote, unit.kind), *embedded):
                one = excerpt.of_run(*found)
                is_new = not any(one.overlaps(other.whole) for other in seen)
                if is_new and len(seen) < len(excerpts) + _MOST_EMBEDDED:
                    seen.append(one)
                    yield from (one, *(below(one, depth - 1) if depth else ()))

    found = [one for excerpt in excerpts for one in (excerpt, *below(excerpt, _EMBED_DEPTH))]
    return [one for one in found if one.whole.text] or list(excerpts)


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
        found = [self._first, *self.rows]
        while len(found) - len(self.rows) < self.answering.excerpts and (
            another := self._another(found)
        ):
            found.append(another)
        return found if len(found) == 1 else self._in_question_order(found)

    def further(self, found: Sequence[Excerpt], places: Sequence[Candidate] = ()) -> list[Excerpt]:
        """Further excerpts that may answer, best first, each from a section of its own.

        :param found: the excerpts of the answer.
        :param places: sentences that come first: they have words which the answer lacks.
        """
        least = FURTHER_SHARE * self._best.score
        others: list[Excerpt] = []
        for one in places[: self.answering.further]:
            excerpt = self._around(replace(one, score=least))
            if not any(excerpt.overlaps(other.whole) for other in [*found, *others]):
                others.append(excerpt)
        for one in sorted(self.scored, key=lambda one: -one.score):
            if len(others) == self.answering.further or one.score < least:
                break
            shown = [*found, *others]
            if any(excerpt.shares_section(one) for excerpt in shown):
                continue
            excerpt = self._around(one)
            seen = (*(other.whole for other in shown), *self.history.others)
            if not any(map(excerpt.overlaps, seen)):
                others.append(excerpt)
        return others

    def others(self, found: Sequence[Excerpt]) -> list[Candidate]:
        """The statements of other dates on the subject, as far as these excerpts lack them."""
        others = self.history.others
        return [one for one in others if not any(excerpt.overlaps(one) for excerpt in found)]

    @cached_property
    def _best(self) -> Candidate:
        """The best sentence; among the rows of a table, one that the question names.

        One about the same that has the address asked for comes before one that scores more.
        """
        best = max(self.scored, key=lambda one: one.score)
        least = MIN_SCORE_SHARE * best.score
        if self.reading.question.kind in CONTACTS:
            idf = self.reading.question.idf
            rarest = max(idf.keys() - stems("contacts"), key=lambda term: idf[term], default="")
            fit = (one for one in self.scored if one.signals["holds"] and rarest in one.terms)
            having = (one for one in fit if one.score >= least)
            best = max(having, key=lambda one: one.score, default=best)
        table = best.hit.passage.path, best.unit.block
        named = (one for one in self.scored if self._is_named(one) and one.score >= least)
        rows = (one for one in named if (one.hit.passage.path, one.unit.block) == table)
        return max(rows, key=lambda one: one.score, default=best)

    def _is_named(self, one: Candidate) -> bool:
        """Whether the question has the name of a row."""
        return bool(one.row_name) and one.row_name <= self.reading.question.terms

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

    def _another(self, found: Sequence[Excerpt]) -> Excerpt | None:
        """The excerpt that covers most of what the others lack; None if it is not worth adding."""
        covered = frozenset().union(*(excerpt.terms for excerpt in found))
        is_comparison = self.reading.question.kind is QuestionKind.COMPARISON
        idf = self.reading.question.idf
        if is_comparison:
            # Words such as "versus" belong to neither side, so no sentence has them.
            known = covered.union(*(one.terms for one in self.scored))
            idf = {term: weight for term, weight in idf.items() if term in known}
        uncovered = {term: weight for term, weight in idf.items() if term not in covered}
        total = sum(idf.values())
        if not total or sum(uncovered.values()) < MIN_UNCOVERED * total:
            return None
        min_score = (MIN_COMPARISON_SHARE if is_comparison else MIN_SCORE_SHARE) * self._best.score

        def gain(one: Candidate) -> float:
            terms = one.terms
            return sum(weight for term, weight in uncovered.items() if term in terms)

        eligible = [
            one
            for one in self.scored
            if one.score >= min_score
            and gain(one) >= MIN_GAIN * sum(uncovered.values())
            and one not in self.history.others
            and not any(excerpt.overlaps(one) for excerpt in found)
        ]
        if not eligible:
            return None
        best = max(eligible, key=lambda one: one.score + gain(one) / total)
        excerpt = self._around(best)
        overlaps = any(excerpt.overlaps(other.whole) for other in found)
        return None if overlaps else excerpt

    def _in_question_order(self, found: Sequence[Excerpt]) -> list[Excerpt]:
        """Sort the sides of a comparison as the question names them; leave others as found."""
        if self.reading.question.kind is not QuestionKind.COMPARISON:
            return list(found)
        question = self.reading.question
        asked = index_terms(question.text, question.language)

        def position(excerpt: Excerpt) -> int:
            others = frozenset().union(*(one.terms for one in found if one is not excerpt))
            unique = excerpt.terms - others
            return next((i for i, term in enumerate(asked) if term in unique), len(asked))

        return sorted(found, key=position)

    def _around(self, best: Candidate) -> Excerpt:
        """The excerpt around a sentence."""
        layout = self.answering.open_note(best.hit.passage)
        at = layout.at(best.unit.start)
        scores = [0.0] * len(layout.pieces)
        name = best.row_name if self._is_named(best) else frozenset[str]()
        for one in self.scored:
            # A list was scored both as a whole and by its pieces.
            if one.unit.kind is not Kind.LIST and name <= one.row_name:
                for i in _pieces_of(layout, one):
                    scores[i] = max(scores[i], one.score)
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
        found = []
        for rank, passage in enumerate(notes.values()):
            layout = self.answering.open_note(passage)
            defined = defining_run(layout, self.reading.question.subject)
            if defined is not None:
                found.append((defined[0], rank, layout, defined[1]))
        if not found:
            return None
        _, _, layout, run = min(found, key=lambda one: one[:2])
        return self._announcing(layout, run)

    def _announcing(self, layout: Layout, run: Run) -> Excerpt:
        """A paragraph whose first sentence answers, with the list its last one introduces."""
        best = self._sentence(layout, run[0])
        return Excerpt(best, layout, with_announced(layout, run, run[0], self._wanted))

    def _sentence(self, layout: Layout, i: int) -> Candidate:
        """A piece of a note as a candidate; if unscored, it gets the score of the note's best."""
        piece = layout.pieces[i]
        in_note = [one for one in self.scored if one.hit.passage.path == layout.path]
        for one in in_note:
            if i in _pieces_of(layout, one):
                return one
        best = max(in_note, key=lambda one: one.score, default=self._best)
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
