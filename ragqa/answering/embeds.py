"""What comes with a sentence: its footnotes, and what it embeds, as `![[note#heading]]`."""

from collections.abc import Iterable, Iterator

from ragqa.answering.layout import Layout, Run
from ragqa.answering.notes import Notes
from ragqa.text.words import compiled
from ragqa.types import Kind

_FOOTNOTE = r"(\[\^[^\]\s]{1,100}\])(:?)"


def runs_of(
    links: Iterable[str], path: str, notes: Notes, words: int
) -> Iterator[tuple[Layout, Run]]:
    """Yield what a note embeds by these links: of each a piece, and more while `words` last.

    Hidden text ends a run. Front matter is left out, as where Obsidian embeds a note.
    """
    for layout, (start, end) in filter(None, (notes.embedded(path, link) for link in links)):
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
