"""What comes with a sentence: its footnotes, and what it embeds, as `![[note#heading]]`."""

from collections.abc import Callable, Iterable, Iterator

from ragqa.answering.excerpt_blocks import blocks_of, excerpt_text
from ragqa.answering.layout import Layout, Run
from ragqa.text.words import compiled
from ragqa.types import Kind, Look, Span, Unit

_FOOTNOTE = r"(\[\^[^\]\s]{1,100}\])(:?)"

Embedded = Callable[[str, str], tuple[Layout, Span] | None]
"""Gives the note, and the span of it, that a link in the note at a path means.

None for one that means no text of an indexed note.
"""


def nothing_embedded(path: str, link: str) -> None:
    """Embed no text."""


def embeds_in(unit: Unit, quote: str) -> list[str]:
    """The links of the embeds in a unit of a note."""
    embeds = (one for one in unit.slices or () if one.look & Look.EMBED)
    return [quote[one.start : one.end] for one in embeds]


def is_embed(layout: Layout, i: int) -> bool:
    """Whether a piece of a note is nothing but embeds."""
    unit = layout.pieces[i].unit
    return bool(embeds_in(unit, layout.quote((i, i)))) and not layout.said(i)


def runs_of(
    links: Iterable[str], path: str, embedded: Embedded, words: int
) -> Iterator[tuple[Layout, Run]]:
    """Yield what a note embeds by these links: of each a piece, and more while `words` last.

    Hidden text ends a run. Front matter is left out, as where Obsidian embeds a note.
    """
    for layout, (start, end) in filter(None, (embedded(path, link) for link in links)):
        run: Run | None = None
        left = words
        for i in range(layout.at(start), len(layout.pieces)):
            piece = layout.pieces[i]
            if piece.kind is Kind.PROPERTY:
                continue
            left -= piece.words
            if piece.unit.start >= end or (run and left < 0):
                break
            between = layout.text[layout.pieces[i - 1].unit.end : piece.unit.start] if run else ""
            if run and between.replace(">", " ").strip():
                yield layout, run
                run = None
            run = (run[0] if run else i), i
        if run:
            yield layout, run


def text_of(layout: Layout, run: Run) -> str:
    """The plain text of a run."""
    return excerpt_text(blocks_of(layout.quote(run), layout.units(run), layout.span(run)[0]))


def footnotes_of(layout: Layout, quote: str, kind: Kind) -> Iterator[tuple[Layout, Run]]:
    """The footnotes of a unit of a note; if it is a footnote itself, the sentence that it is of."""
    marks = compiled(_FOOTNOTE).finditer(quote) if kind is not Kind.CODE and "[^" in quote else ()
    for mark, colon in {found.groups(): None for found in marks}:
        for i in range(len(layout.pieces)):
            text = layout.quote((i, i))
            if text.startswith(f"{mark}:") if not colon else mark in text.split(f"{mark}:")[0]:
                yield layout, (i, i if colon else _footnote_end(layout, i))
                break


def _footnote_end(layout: Layout, i: int) -> int:
    """The last sentence of the footnote that begins here."""
    last = layout.block(i)[1]
    while i < last and not layout.text.startswith("[^", layout.pieces[i + 1].unit.start):
        i += 1
    return i
