"""What the tests of formats share: the blocks of a note as people read them."""

from ragqa.text.markdown import plain_text


def blocks_said(note, *, without):
    """The kind of each block, but of these kinds, and its words."""
    return [
        (b.kind, plain_text(text, kind=b.kind, context=b.label, labels=b.labels))
        for b in note.blocks
        if b.kind not in without and (text := note.text[b.start : b.end])
    ]
