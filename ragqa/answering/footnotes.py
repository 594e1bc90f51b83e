"""Footnotes: a sentence with `[^1]` and what `[^1]:` says of it belong together."""

from collections.abc import Iterator

from ragqa.answering.layout import Layout, Run
from ragqa.text.words import compiled
from ragqa.types import Kind

_MARK = r"(\[\^[^\]\s]{1,100}\])(:?)"


def companions(layout: Layout, quote: str, kind: Kind) -> Iterator[tuple[Layout, Run]]:
    """The footnotes of a unit of a note; if it is a footnote itself, the sentence that it is of."""
    marks = compiled(_MARK).finditer(quote) if kind is not Kind.CODE and "[^" in quote else ()
    for mark, colon in {found.groups(): None for found in marks}:
        for i in range(len(layout.pieces)):
            text = layout.quote((i, i))
            if text.startswith(f"{mark}:") if not colon else mark in text.split(f"{mark}:")[0]:
                yield layout, (i, i if colon else _last(layout, i))
                break


def _last(layout: Layout, i: int) -> int:
    """The last sentence of the footnote that begins here."""
    last = layout.block(i)[1]
    while i < last and not layout.text.startswith("[^", layout.pieces[i + 1].unit.start):
        i += 1
    return i
