"""What the tests of formats share: the blocks of a note as people read them."""

from ragqa.text.markdown import plain_text


def blocks_said(note, *, without):
    """The kind of each block, but of these kinds, and its words."""
    return [
        (b.kind, plain_text(note.text[b.start : b.end], kind=b.kind, context=b.label))
        for b in note.blocks
        if b.kind not in without
    ]
