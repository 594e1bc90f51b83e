"""Which excerpts answer a question, and in what order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

from ragqa.answering.candidates import PASSAGES, Candidate
from ragqa.answering.evidence import Evidence
from ragqa.answering.excerpt_runs import (
    EXCERPT_WORDS,
    LIST_WORDS,
    defining_run,
    excerpt_around,
    paragraph_from,
    with_announced,
)
from ragqa.answering.history import History, history
from ragqa.answering.layout import Layout, Run
from ragqa.answering.score import Reading, days_in
from ragqa.search.question_kind import CONTACTS, SHORT, QuestionKind
from ragqa.text.dates import months_of
from ragqa.text.words import blank, index_terms, stems
from ragqa.types import Kind

MIN_SCORE_SHARE = 0.8
MIN_COMPARISON_SHARE = 0.6
"""A further excerpt's sentence must score at least this share of the best one; the other side of a
comparison often matches less well."""

MIN_UNCOVERED = 0.25
MIN_GAIN = 0.5
"""A further excerpt is added where the others leave this share of the question's idf uncovered, and
it must cover this much of the rest."""

MOST_EXCERPTS = 3
"""An answer has at most this many excerpts, the rows of a table that are asked for aside."""

FURTHER_SHARE = 0.5
"""The sentence of a further excerpt must score at least this share of the best one."""

EMBED_DEPTH = 2
_MOST_EMBEDDED = 8
"""What is embedded may embed more, this many times; in all at most so many embeds are shown."""


def with_embedded(excerpts: Sequence[Candidate], evidence: Evidence) -> list[Candidate]:
    """The excerpts, each followed by its footnotes and by what it embeds, where that stands.

    One that shows nothing itself is left out. What is shown already is not repeated, so notes that
    embed each other end.
    """
    seen = list(excerpts)

    def below(excerpt: Candidate, depth: int) -> Iterator[Candidate]:
        own = excerpt.layout
        for i in range(excerpt.run[0], excerpt.run[1] + 1):
            footnotes = ((own, run) for run in own.footnotes(i))
            embedded = evidence.embedded(own, i, EXCERPT_WORDS)
            for layout, run in (*footnotes, *embedded):
                added = excerpt.elsewhere(layout, run)
                is_new = not any(map(added.overlaps, seen))
                if is_new and len(seen) < len(excerpts) + _MOST_EMBEDDED:
                    seen.append(added)
                    yield from (added, *(below(added, depth - 1) if depth else ()))

    shown = [each for excerpt in excerpts for each in (excerpt, *below(excerpt, EMBED_DEPTH))]
    return [excerpt for excerpt in shown if excerpt.shown] or list(excerpts)


@dataclass(frozen=True)
class Finder:
    """Finds the excerpts that answer, and further ones, among at least one scored candidate."""

    reading: Reading
    scored: Sequence[Candidate]
    evidence: Evidence

    def excerpts(self) -> list[Candidate]:
        """The excerpts that answer, in reading order.

        The first is around the best sentence or, for a definition, is the defining paragraph.
        Another one is added only if it covers words of the question that those before it lack, such
        as the other side of a comparison.
        """
        excerpts = [self._first, *self.rows]
        while len(excerpts) - len(self.rows) < MOST_EXCERPTS and (
            another := self._another(excerpts)
        ):
            excerpts.append(another)
        return excerpts if len(excerpts) == 1 else self._in_question_order(excerpts)

    def further(self, excerpts: Sequence[Candidate], most: int) -> list[Candidate]:
        """Further excerpts that may answer, best first, each from a section of its own.

        :param excerpts: those of the answer.
        :param most: how many at most.
        """
        least = FURTHER_SHARE * self._best.score
        others: list[Candidate] = []
        for candidate in sorted(self.scored, key=lambda candidate: -candidate.score):
            if len(others) >= most or candidate.score < least:
                break
            shown = [*excerpts, *others]
            if any(excerpt.shares_section(candidate) for excerpt in shown):
                continue
            excerpt = self._around(candidate)
            if not any(map(excerpt.overlaps, [*shown, *self.history.others])):
                others.append(excerpt)
        return others

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
        table = best.path, best.unit.block
        named = filter(self._is_named, near)
        rows = (row for row in named if (row.path, row.unit.block) == table)
        return max(rows, key=lambda row: row.score, default=best)

    def _is_named(self, candidate: Candidate) -> bool:
        """Whether the question has the name of a row."""
        return bool(candidate.row_name) and candidate.row_name <= self.reading.question.terms

    @cached_property
    def history(self) -> History:
        """The candidate to quote first, and the others on its subject."""
        return history(self.reading.question, self._best, self.scored, self.evidence.dates)

    @cached_property
    def _first(self) -> Candidate:
        defined = None if self.history.others else self._definition()
        return defined or self._around(self.history.first)

    @cached_property
    def rows(self) -> list[Candidate]:
        """The other rows that match, up to the length of a list."""
        layout, (begin, end) = self._first.layout, self._first.run
        others = [i for i in self._matching if not begin <= i <= end]
        words = accumulate(layout.words((i, i)) for i in others)
        shown = [i for i, total in zip(others, words, strict=True) if total <= LIST_WORDS]
        return [self._first.elsewhere(layout, (i, i)) for i in shown]

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
        best, question = self._first.alone, self.reading.question
        layout = best.layout
        days = days_in(question, months_of(best.quote))
        asked = index_terms(blank(question.text, [day.span for day in days]), best.language)
        said = question.idf.keys() & index_terms(best.quote, best.language)
        said = said.intersection(asked) if days else said
        is_one = self._short or self._is_named(best)
        if best.kind is not Kind.ROW or is_one or not (said or days):
            return []
        first, last = layout.block(best.run[0])
        return [
            i
            for i, quote in ((i, layout.quote((i, i))) for i in range(first, last + 1))
            if said.issubset(index_terms(quote, best.language))
            and (not days or days_in(question, months_of(quote)))
        ]

    @cached_property
    def _short(self) -> bool:
        """Whether a date, number, name or place is asked for."""
        return self.reading.question.kind in SHORT

    def _another(self, excerpts: Sequence[Candidate]) -> Candidate | None:
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
        return None if any(map(excerpt.overlaps, excerpts)) else excerpt

    def _in_question_order(self, excerpts: Sequence[Candidate]) -> list[Candidate]:
        """Sort the sides of a comparison as the question names them; leave others as found."""
        if self.reading.question.kind is not QuestionKind.COMPARISON:
            return list(excerpts)
        question = self.reading.question
        asked = index_terms(question.text, question.language)

        def position(excerpt: Candidate) -> int:
            others = frozenset().union(*(other.terms for other in excerpts if other is not excerpt))
            unique = excerpt.terms - others
            return next((i for i, term in enumerate(asked) if term in unique), len(asked))

        return sorted(excerpts, key=position)

    def _around(self, best: Candidate) -> Candidate:
        """The excerpt around a sentence."""
        layout, at = best.layout, best.sentence[0]
        scores = [0.0] * len(layout.pieces)
        name = best.row_name if self._is_named(best) else frozenset[str]()
        for candidate in self.scored:
            # A list was scored both as a whole and by its pieces.
            if not candidate.is_list and name <= candidate.row_name:
                for i in _pieces_of(layout, candidate):
                    scores[i] = max(scores[i], candidate.score)
        scores[at] = max(scores[at], best.score)
        return replace(best, run=excerpt_around(layout, scores, at, short=self._short))

    def _definition(self) -> Candidate | None:
        """The paragraph that defines the term, from the best sentence on if that defines it."""
        if self.reading.question.kind is not QuestionKind.DEFINITION:
            return None
        best = self._best
        if best.signals["holds"] >= 1:
            run = paragraph_from(best.layout, best.sentence[0])
            is_text = best.kind is Kind.PARAGRAPH
            return self._announcing(best.layout, run) if is_text else None
        notes: dict[str, Layout] = {}
        for hit in self.reading.hits[:PASSAGES]:
            notes.setdefault(hit.passage.path, self.evidence.notes[hit.passage.id])
        definitions = []
        for rank, layout in enumerate(notes.values()):
            defined = defining_run(layout, self.reading.question.subject)
            if defined is not None:
                definitions.append((defined[0], rank, layout, defined[1]))
        if not definitions:
            return None
        _, _, layout, run = min(definitions, key=lambda definition: definition[:2])
        return self._announcing(layout, run)

    def _announcing(self, layout: Layout, begun: Run) -> Candidate:
        """A paragraph whose first sentence answers, with the list its last one introduces.

        If that sentence is unscored, it gets the score of the note's best.
        """
        in_note = [each for each in self.scored if each.path == layout.path]
        best = max(in_note, key=lambda each: each.score, default=self._best)
        run = with_announced(layout, begun, begun[0], short=self._short)
        for candidate in in_note:
            if begun[0] in (own := _pieces_of(layout, candidate)):
                return replace(candidate, layout=layout, sentence=(own[0], own[-1]), run=run)
        return replace(best.elsewhere(layout, (begun[0], begun[0])), run=run)


def _pieces_of(layout: Layout, candidate: Candidate) -> range:
    """The indices of a candidate's pieces in a layout; none if it is of another note."""
    return layout.within(*candidate.span) if candidate.path == layout.path else range(0)
