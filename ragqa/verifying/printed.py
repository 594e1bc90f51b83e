"""Answers as `ragqa ask` prints them: the quotes in them, and their words in a note."""

import re
from collections.abc import Iterator, Sequence

from ragqa.answering.excerpt_blocks import CUT, Block, Line, blocks_of
from ragqa.passages.parts import heading_paths, units_of
from ragqa.places import CITED, readings
from ragqa.text.shown import Shown
from ragqa.types import Block as NoteBlock
from ragqa.types import Kind, Span
from ragqa.verifying.likeness import quote_places

_SOURCE = re.compile(r" {0,2}(\d{1,4}) (\S.*?)(?: {2}.*)?")
_CONTEXT = re.compile(r" \([^()]*\)$")
_NUMBERS = re.compile(r"\s*((?:\[\d+\])+)[ \t]*")
_ABOVE = re.compile(r"(?m)^(?:Looked for .*\.|(?:Probably|Not sure; nearest).*:)$")
_BESIDE = re.compile(r"(?m)^\|(?: .*)?\n?")
"""The lines around the first excerpt, which begin with a bar."""

_BY_LLM = re.compile(r"(?m)^Written by ")
"""In such an answer the text above the places is the LLM's; the quotes stand below the places."""

_INDENT = "   "
_DRAWN = re.compile(f"[-+|\u2500-\u257f{CUT}]*")
"""What is drawn around a table or marks a cut: it is no word of the note."""


def quotes_in(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield each citation of a printed answer: its number, its quote and its place.

    A quote stands below its place, indented, or before its number in the text above the places.
    A further excerpt that is cut to one line has none.
    """
    sources: dict[int, tuple[str, list[str]]] = {}
    above: list[str] = []
    below: list[str] | None = None
    for line in map(str.rstrip, text.splitlines()):
        if (source := _SOURCE.fullmatch(line)) and (place := _place_in(source[2])):
            below = []
            sources.setdefault(int(source[1]), (place, below))
        elif below is not None and (not line or line.startswith(_INDENT)):
            below.append(line.removeprefix(_INDENT))
        else:
            below = None
            above.append(line)
    quotes = {} if _BY_LLM.search(text) else _before_numbers("\n".join(above))
    for n, (place, lines) in sorted(sources.items()):
        if quote := quotes.get(n) or "\n".join(lines).strip():
            yield n, quote, place


def _place_in(text: str) -> str:
    """The place in a note that a text names, "" if it names none."""
    place = _CONTEXT.sub("", text)
    return place if any(reading.lines or reading.locator for reading in readings(place)) else ""


def _before_numbers(text: str) -> dict[int, str]:
    """The quote before each number of a citation, such as `[2]`, by number."""
    pieces = _NUMBERS.split(_BESIDE.sub("", _ABOVE.split(text)[-1]))
    quotes: dict[int, str] = {}
    for quote, numbers in zip(pieces[::2], pieces[1::2], strict=False):
        for n in map(int, CITED.findall(numbers)):
            quotes.setdefault(n, quote.strip())
    return quotes


def shown_places(text: str, blocks: Sequence[NoteBlock], quote: str) -> list[Span]:
    """Where a note has the words of a quote as they are shown: without markup, rows also as pairs.

    The quote may begin with the headings above its words, as printed answers do.
    """
    # Late: a report imports this module, and needs no Markdown parser.
    from ragqa.passages.slices import with_slices

    units = with_slices(text, units_of(text, blocks))
    rows = (unit for unit in units if unit.kind is Kind.ROW)
    pairs = (pair for r in rows for pair in blocks_of(text[r.start : r.end], [r], r.start))
    shown = Shown.joined(map(_shown, (*blocks_of(text, units, 0), *pairs)), between="\n")
    words = quote.split()
    ended = quote.removesuffix(".").split()  # a row alone is printed as a sentence
    trails = [" \u203a ".join(path).split() for path in dict.fromkeys(heading_paths(blocks))]
    below = [words[len(trail) :] for trail in trails if trail and words[: len(trail)] == trail]
    undrawn = [
        [w for w in phrase if w == "-" or not _DRAWN.fullmatch(w)] for phrase in (words, *below)
    ]
    for phrase in (words, ended, *below, *undrawn):
        places = quote_places(shown.text, " ".join(phrase), 0)
        stretches = (shown.at[start:end] for start, end in places)
        offsets = ([at for at in stretch if at >= 0] for stretch in stretches)
        if spans := [(own[0], own[-1] + 1) for own in offsets if own]:
            return spans
    return []


def _shown(block: Block) -> Shown:
    """A block on one line, with the mark of its item."""
    if isinstance(block, Line):
        return Shown.joined([Shown.added(block.mark), block.text])
    return Shown.joined([cell for row in (block.head, *block.rows) for cell in row], between=" ")
