"""What is struck out in a note: it may be shown, with its marks, but nobody holds it any more."""

from ragqa.text.words import compiled
from ragqa.types import Span

# Code, which has no marks, comes first.
_STRUCK = (
    r"(?s)(`+)(?!`).{1,1000}?(?<!`)\1(?!`)"
    r"|(?<![\\~])~~(?![\s~]).{1,1000}?(?<![\s~\\])~~(?!~)"
    r"|<(?P<tag>(?i:del|s|strike))\b[^<>]*>.{1,1000}?</(?P=tag)>"
)


def struck_spans(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """The spans of what a part of a text strikes out (`~~`, `<del>`, `<s>`), marks included."""
    stop = len(text) if end is None else end
    matches = compiled(_STRUCK).finditer(text, start, stop)
    return [match.span() for match in matches if not match[1]]
