"""Compare the contexts of units, such as the labels of a table's columns, with their note.

A context that an index or a saved answer has is shown beside a quote, so it must be the note's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ragqa.notes import parse_note
from ragqa.notes.formats.document import Document
from ragqa.notes.lines import header_label
from ragqa.text.markdown import labels_between, row_cells
from ragqa.text.seen import Seen
from ragqa.types import Block, Kind, Passage, Span, Stamp, Unit

_NEAR = 50_000
_RULE = frozenset(" \t\r>|:-+")


@dataclass
class NoteContexts:
    """What the contexts of a note's units may be.

    The note is parsed only where its lines alone do not confirm a context.
    """

    path: str
    document: Document
    _headers: dict[int, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The note's text."""
        return self.document.text

    def hold(self, passage: Passage) -> bool:
        """Whether the contexts of a passage's units are those of the note."""
        return all(self._holds(unit) for unit in passage.units if unit.context)

    def _holds(self, unit: Unit) -> bool:
        if unit.kind is Kind.ROW:
            confirmed = unit.context == self._labels(unit)
        else:
            above = self.text[max(0, unit.start - _NEAR) : unit.start]
            parts = unit.context.replace(" > ", ": ").split(": ")
            confirmed = all(part in above for part in parts) or _have(_letters(above), parts)
        span = unit.start, unit.end
        return confirmed or unit.context in contexts_at(self.text, self._blocks, span)

    def _labels(self, unit: Unit) -> str:
        """The labels of a row in a table of lines, by the line above its line of dashes."""
        start = self.text.rfind("\n", 0, unit.start) + 1
        end = self.text.find("\n", unit.end)
        row = self.text[start : end if end >= 0 else None]
        header = self._headers[start] = self._header(start)
        return _labels(row, header, (unit.start - start, unit.end - start))

    def _header(self, start: int) -> str:
        """The header of the table that has a row on the line at this offset, "" if none."""
        top = 0
        while start:
            above = self.text.rfind("\n", 0, start - 1) + 1
            line = self.text[above : start - 1]
            if above in self._headers:
                return self._headers[above]
            if not line.strip(" \t\r>"):
                break
            top = above if "-" in line and _RULE.issuperset(line) else top
            start = above
        first = self.text.rfind("\n", 0, max(top - 1, 0)) + 1
        line = self.text[first : max(top - 1, 0)]
        return header_label(cell.text for cell in row_cells(Seen.of(line))) if top else ""

    @cached_property
    def _blocks(self) -> Sequence[Block]:
        return parse_note(self.path, self.text, "", Stamp(0, 0)).blocks


def contexts_at(text: str, blocks: Sequence[Block], span: Span) -> list[str]:
    """The contexts that a unit at this span of a note may have.

    The first is its own; before it in the others stand headings, outermost last.
    """
    from ragqa.passages.parts import block_contexts, heading_paths

    rows = zip(blocks, block_contexts(text, blocks), heading_paths(blocks), strict=True)
    for block, label, path in rows:
        if block.start <= span[0] < block.end:
            if block.kind is Kind.ROW:
                start, end = (at - block.start for at in span)
                label = _labels(text[block.start : block.end], label, (start, end))
            return list(_with_headings(label, path))
    return []


def _with_headings(label: str, path: Sequence[str]) -> Iterator[str]:
    for depth in range(len(path), -1, -1):
        yield ": ".join(filter(None, (" > ".join(path[depth:]), label)))


def _labels(row: str, header: str, span: Span) -> str:
    """The labels of a row, or of a part of it at a span of its text."""
    is_whole = not row[: span[0]].strip(" \t\r>") and not row[span[1] :].strip()
    return header if is_whole else labels_between(row, header, *span)


def _have(letters: str, parts: Sequence[str]) -> bool:
    return all(_letters(part) in letters for part in parts)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))
