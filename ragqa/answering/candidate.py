"""A candidate: a sentence of a note that may answer, and what is shown around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ragqa.answering.excerpt_blocks import ExcerptBlock, excerpt_text
from ragqa.answering.layout import Layout, Run
from ragqa.text.dates import date_terms
from ragqa.text.shown import cells, unit_words
from ragqa.text.words import index_terms
from ragqa.types import Kind, Passage, Span, Unit, Vector

_SHOWN_WITH_CONTEXT = (Kind.ITEM, Kind.ROW, Kind.PROPERTY, Kind.HEADING)
"""Kinds of unit that need context when they stand alone, such as the table's header."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A sentence, item, row or list of a note that may answer, and the run that is shown with it.

    `sentence` is what may answer, and `run` what is quoted: an excerpt around it, at first itself.
    `passage` is where the sentence was found, and `text` what it says in plain text, with what it
    embeds. It `refers` if it only says where something else is told.

    `score` is 0 to 1 and what a reranker adds: `signals` are unscaled, `parts` their contributions.
    `matches` has the best cosine of each content token of the question with its tokens, shape
    (tokens,).
    """

    layout: Layout
    run: Run
    sentence: Run
    passage: Passage
    text: str
    refers: bool = False
    score: float = 0.0
    signals: Mapping[str, float] = field(default_factory=dict)
    parts: Mapping[str, float] = field(default_factory=dict)
    matches: Vector = field(default_factory=lambda: np.zeros(0, np.float32))

    def elsewhere(self, layout: Layout, run: Run) -> "Candidate":
        """Another run, which answers as this one does."""
        passage, text = layout.pieces[run[0]].passage, layout.plain(run)
        return replace(self, layout=layout, run=run, sentence=run, passage=passage, text=text)

    @property
    def alone(self) -> "Candidate":
        """Its sentence alone."""
        return replace(self, run=self.sentence)

    @property
    def unread_score(self) -> float:
        """Its score without what a reranker adds."""
        return self.score - self.parts.get("reranker", 0.0)

    @property
    def path(self) -> str:
        """The note's path."""
        return self.layout.path

    @property
    def language(self) -> str:
        """The language of its passage."""
        return self.passage.language

    @property
    def span(self) -> Span:
        """Its characters in the note."""
        return self.layout.span(self.run)

    @property
    def place(self) -> tuple[str, int]:
        """Its path and offset."""
        return self.path, self.span[0]

    @property
    def quote(self) -> str:
        """Its verbatim text."""
        return self.layout.quote(self.run)

    @property
    def units(self) -> tuple[Unit, ...]:
        """Its units, in order."""
        return self.layout.units(self.run)

    @property
    def unit(self) -> Unit:
        """The first unit of its sentence."""
        return self.layout.pieces[self.sentence[0]].unit

    @property
    def kind(self) -> Kind:
        """The kind of its only unit; several are an excerpt."""
        return self.units[0].kind if self.run[0] == self.run[1] else Kind.EXCERPT

    @property
    def is_list(self) -> bool:
        """Whether its sentence is a line with the list that it introduces."""
        last = self.layout.pieces[self.sentence[1]]
        return self.unit.kind is Kind.PARAGRAPH and last.kind is Kind.ITEM

    @property
    def context(self) -> str:
        """What stands above its units: parent items, the line before a list, a table's header."""
        # A list that may answer as a whole has the line before it among its units.
        units = self.units if self.run != self.sentence else (self.unit,)
        return "\n".join(dict.fromkeys(filter(None, (unit.full_context for unit in units))))

    @property
    def trails(self) -> Sequence[str]:
        """The titles and headings that it stands below."""
        begin, end = self.run
        return list(
            dict.fromkeys(piece.passage.trail for piece in self.layout.pieces[begin : end + 1])
        )

    @cached_property
    def blocks(self) -> Sequence[ExcerptBlock]:
        """The blocks that a reader sees of it."""
        return self.layout.blocks(self.run)

    @cached_property
    def shown(self) -> str:
        """What a reader sees of it, as plain text."""
        unit = self.units[0]
        is_one = self.run[0] == self.run[1]
        if is_one and unit.kind in _SHOWN_WITH_CONTEXT and not unit.has_lines:
            return unit_words(unit)
        text = excerpt_text(self.blocks, self.layout.is_cut(self.run))
        return f"{unit.context}:\n{text}" if is_one and unit.has_lines and unit.context else text

    @property
    def full_text(self) -> str:
        """What it says, after its headings and context."""
        said = self.text if self.run == self.sentence else self.shown
        return " ".join((*self.trails, self.context, said))

    @cached_property
    def terms(self) -> frozenset[str]:
        """The terms of `full_text`, and of its dates."""
        text, language = self.full_text, self.language
        return frozenset([*index_terms(text, language), *date_terms(text, language)])

    @cached_property
    def own_terms(self) -> frozenset[str]:
        """The terms of its quote alone."""
        return frozenset(index_terms(self.quote, self.language))

    @cached_property
    def row_name(self) -> frozenset[str]:
        """The terms of a row's first cell, which says what the row is about; else none."""
        is_row = self.unit.kind is Kind.ROW and self.unit.begins
        name = cells(self.unit)[0] if is_row else ""
        return frozenset(index_terms(name, self.language))

    def overlaps(self, other: "Candidate") -> bool:
        """Whether both quote some of the same characters."""
        (start, end), (begin, stop) = self.span, other.span
        return self.path == other.path and start < stop and begin < end

    def shares_section(self, other: "Candidate") -> bool:
        """Whether it has some of the section that another's sentence stands in."""
        sections = {unit.section for unit in self.units}
        return self.path == other.path and other.unit.section in sections
