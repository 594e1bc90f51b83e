"""A file as Markdown, and where each part of that stands in the file: on which page, in which cell.

Files of Markdown and plain text are documents as they are, and have lines for places.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ragqa.types import Span

OUTPUT = "output"
"""The label of the output of a notebook's cell."""

_PLACE = (
    r"(?i)(?:(?P<page>pp?\.|pages?)|(?P<cell>cells?)|(?P<paragraph>paragraphs?))\s*(?P<said>.+?)"
    r"(?:\s*\(pages? (?P<numbers>[\d-]+) of the file\))?(?P<output>, output)?"
)
_FRAGMENT = r"(?:\(pages? |\App?\. )(\d+)[^()]*\)?\Z"


class Place(NamedTuple):
    """Where a page, cell or paragraph of a file begins in its text.

    `label` is a page's printed number, if it has one, or `OUTPUT`.
    """

    start: int
    number: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, as Markdown.

    `what` is what its `places`, in order, are: "page", "cell" or "paragraph"; "" if lines are the
    places. `warnings` say what of the file is left out.
    """

    text: str
    what: str = ""
    places: tuple[Place, ...] = ()
    title: str = ""
    tags: tuple[str, ...] = ()
    date: str = ""
    warnings: tuple[str, ...] = ()

    def locate(self, span: Span) -> str:
        """The place of a span of the text, such as "p. xii (page 3 of the file)" or "cells 7-8"."""
        first = bisect_right(self.places, span[0], key=lambda place: place.start)
        last = bisect_right(self.places, max(*span) - 1, key=lambda place: place.start)
        if not last:
            return ""
        ends = self.places[max(first, 1) - 1], self.places[max(first, last, 1) - 1]
        numbers = _joined([f"{end.number}" for end in ends])
        if self.what != "page":
            several = "s" * (ends[0].number != ends[1].number)
            is_output = not several and ends[0].label == OUTPUT
            return f"{self.what}{several} {numbers}{f', {OUTPUT}' * is_output}"
        word, pages = ("p.", "page") if ends[0] == ends[1] else ("pp.", "pages")
        if all(end.label in ("", f"{end.number}") for end in ends):
            return f"{word} {numbers}"
        labels = _joined([end.label or f"{end.number}" for end in ends])
        return f"{word} {labels} ({pages} {numbers} of the file)"

    def span_at(self, locator: str) -> Span | None:
        """The span of a place as `locate` names it, or of pages by their printed numbers alone."""
        found = re.fullmatch(_PLACE, locator)
        if not found or not self.what or not found[self.what]:
            return None
        numbers = {f"{place.number}": place.number for place in self.places}
        if not found["numbers"]:
            numbers |= {place.label: place.number for place in reversed(self.places)}
            # `locate` writes a number alone only of a page without another label.
            numbers |= {f"{place.number}": place.number for place in self.places if not place.label}
        said = found["numbers"] or found["said"]
        ends = [said] if said in numbers else re.split("[-\u2013]", said, maxsplit=1)
        first, last = numbers.get(ends[0]), numbers.get(ends[-1])
        if first is None or last is None or last < first:
            return None
        label = OUTPUT if found["output"] else ""
        starts = (p.start for p in self.places if p.number == first and label in ("", p.label))
        start = next(starts, None)
        end = next((place.start for place in self.places if place.number > last), len(self.text))
        return None if start is None else (start, end)


Converted: TypeAlias = Document | str
"""What a file was converted to, or why it cannot be; this is kept, and said by the child."""


def _joined(ends: Sequence[str]) -> str:
    """A place, or the first and the last of several."""
    return "-".join(dict.fromkeys(ends))


def fragment(locator: str) -> str:
    """What a link to a file ends with, so that it opens at this place: "#page=3" or ""."""
    page = re.search(_FRAGMENT, locator)
    return f"#page={page[1]}" if page else ""
