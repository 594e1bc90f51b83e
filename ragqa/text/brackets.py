"""Tell a text's own bracketed numbers from citations: `[1]` is ragqa's, `[ 1 ]` the text's.

Spaces change the meaning of neither prose nor code, and any terminal can show them.
"""

from itertools import pairwise

from ragqa.text.seen import Seen
from ragqa.text.words import compiled

_OWN = r"\[(\d+(?:\s*[,;\u2013]\s*\d+)*)\]"


def set_apart(text: str) -> str:
    """A text that may stand beside citations."""
    return compiled(_OWN).sub(r"[ \1 ]", text)


def seen_apart(seen: Seen) -> Seen:
    """The same for a text that keeps track of its source."""
    cuts = [at for own in compiled(_OWN).finditer(seen.text) for at in own.span(1)]
    pieces = [seen[start:end] for start, end in pairwise([0, *cuts, len(seen.text)])]
    return Seen.joined(pieces, between=" ") if cuts else seen
