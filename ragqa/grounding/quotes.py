"""Quotations in a claim: word for word in a source, but for white space and the form of marks."""

import re
from collections.abc import Iterator, Sequence

from ragqa.grounding.contradictions import About, Doubt

_OPEN, _CLOSE = '"\u201c\u201d\u201e\u00ab', '"\u201c\u201d\u00bb'
_QUOTED = re.compile(rf"[{_OPEN}]([^{_OPEN}{_CLOSE}]{{1,2000}})[{_CLOSE}]")
_OMITTED = re.compile(r"\[?(?:\.\.\.|\u2026)\]?")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\n]*\)|\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]*)\]\]")
# Emphasis, code and quotation marks within are passed over; a curly apostrophe is a straight one.
_MARKS = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u2013": "-", "\u2014": "-"}
    | dict.fromkeys('*_`"\u201c\u201d\u201e', "")
)
_LEAST_WORDS = 3
_SHOWN = 60


def misquoted(claim: str, texts: Sequence[str]) -> Iterator[Doubt]:
    """Doubt each quotation that no text has; fewer than three words in quotation marks are none."""
    plain = [_plain(text) for text in texts]
    for found in _QUOTED.finditer(claim):
        pieces = [_plain(piece).strip(" .,;:!?") for piece in _OMITTED.split(found[1])]
        if len(found[1].split()) < _LEAST_WORDS:
            continue
        if not all(any(piece in text for text in plain) for piece in pieces):
            said = " ".join(found[1].split())
            shown = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}\u2026"
            yield Doubt(About.QUOTE, 1.0, f'the quote "{shown}"')


def _plain(text: str) -> str:
    shown = _LINK.sub(lambda link: link[1] or link[2] or "", text)
    return " ".join(shown.translate(_MARKS).casefold().split())
