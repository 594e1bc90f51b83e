"""The notes that are answered from, and how answers are composed."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ragqa.answering.layout import Layout, Run, layout_of_passage
from ragqa.rerankers import Reranker
from ragqa.types import Dated, Kind, Passage, Span
from ragqa.types.answers import FURTHER

_NEVER = "9999-12-31"


class Notes:
    """The notes that passages are from; by default nothing but the passages is known."""

    def open(self, passage: Passage) -> Layout:
        """The layout of a passage's note; an excerpt ends where this does."""
        return layout_of_passage(passage)

    def embedded(self, path: str, link: str) -> tuple[Layout, Span] | None:
        """The note, and the span of it, that a link in the note at a path means.

        None for one that means no text of an indexed note.
        """
        del path, link
        return None

    def parts_embedded(self, layout: Layout, i: int, words: int) -> Iterator[tuple[Layout, Run]]:
        """Yield what a piece embeds: of each note a piece, and more while `words` last.

        Hidden text ends a run. Front matter is left out, as where Obsidian embeds a note.
        """
        found = (self.embedded(layout.path, link) for link in layout.embeds(i))
        for note, (start, end) in filter(None, found):
            run: Run | None = None
            left = words
            for n in range(note.at(start), len(note.pieces)):
                piece = note.pieces[n]
                if piece.kind is Kind.PROPERTY:
                    continue
                left -= piece.words
                if piece.unit.start >= end or (run and left < 0):
                    break
                between = note.text[note.pieces[n - 1].unit.end : piece.unit.start] if run else ""
                if run and between.replace(">", " ").strip():
                    yield note, run
                    run = None
                run = (run[0] if run else n), n
            if run:
                yield note, run

    def dated(self, passage: Passage) -> Dated:
        """The day of a passage's note, and what it is taken from."""
        return Dated(passage.note_date, "note" if passage.note_date else "", _NEVER)

    def locator(self, passage: Passage, chars: Span) -> str:
        """The page, cell or other place of these characters in a file that was converted."""
        del passage, chars
        return ""

    def lack(self, term: str) -> bool:
        """Whether no note in the index has a term, in any like spelling."""
        del term
        return False


@dataclass(frozen=True, slots=True)
class Answering:
    """How to compose answers, and the notes to take them from.

    `further` is how many further excerpts are offered. `reranker` reads question and passages
    together. Notes with an ISO date before `old_before` are marked as old.
    """

    further: int = FURTHER
    notes: Notes = field(default_factory=Notes)
    reranker: Reranker = field(default_factory=Reranker)
    old_before: str = ""
