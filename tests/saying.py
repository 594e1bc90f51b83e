"""What the tests of formats share: the blocks of a note as people read them."""

from ragqa.passages.plain import with_plain
from ragqa.text.shown import unit_words
from ragqa.types import Kind, Unit


def plain_text(markdown, *, kind=Kind.PARAGRAPH, context="", labels=()):
    """What a stretch of Markdown says as one unit."""
    if kind is Kind.TABLE_HEAD:
        return " ".join(markdown.replace("\\|", "|").split())
    unit = Unit(kind, 0, len(markdown), context=context, labels=tuple(labels))
    return unit_words(*with_plain(markdown, [unit]))


def blocks_said(note, *, without):
    """The kind of each block, but of these kinds, and its words."""
    return [
        (b.kind, plain_text(text, kind=b.kind, context=b.label, labels=b.labels))
        for b in note.blocks
        if b.kind not in without and (text := note.text[b.start : b.end])
    ]
