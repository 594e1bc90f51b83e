"""Check that quotations are verbatim, apart from white space and the style of quotation marks."""

import re
from collections.abc import Iterator, Sequence

from ragqa.grounding.contradictions import About, Doubt

_OPEN, _CLOSE = '"\u201c\u201d\u201e\u00ab', '"\u201c\u201d\u00bb'
_QUOTED = re.compile(rf"[{_OPEN}]([^{_OPEN}{_CLOSE}]{{1,2000}})[{_CLOSE}]")
_OMITTED = re.compile(r"\[?(?:\.\.\.|\u2026)\]?")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\n]*\)|\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]*)\]\]")
# Emphasis, code and inner quotation marks are ignored; a curly apostrophe is a straight one.
_MARKS = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u2013": "-", "\u2014": "-"}
    | dict.fromkeys('*_`"\u201c\u201d\u201e', "")
)
_MIN_WORDS = 3
_SHOWN = 60


def misquotations(claim: str, texts: Sequence[str]) -> Iterator[Doubt]:
    """Doubt each quotation of three words or more that no text has."""
    plain = [_plain(text) for text in texts]
    for found in _QUOTED.finditer(claim):
        pieces = [_plain(piece).strip(" .,;:!?") for piece in _OMITTED.split(found[1])]
        if len(found[1].split()) < _MIN_WORDS:
            continue
        if not all(any(piece in text for text in plain) for piece in pieces):
            quote = " ".join(found[1].split())
            shown = quote if len(quote) <= _SHOWN else f"{quote[:_SHOWN]}\u2026"
            yield Doubt(About.QUOTE, 1.0, f'the quote "{shown}"')


def _plain(text: str) -> str:
    shown = _LINK.sub(lambda link: link[1] or link[2] or "", text)
    return " ".join(shown.translate(_MARKS).casefold().split())
