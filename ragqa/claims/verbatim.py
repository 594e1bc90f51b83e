"""What must be in the sources verbatim: quotations, and code, since a synonym does not run."""

import re
from collections.abc import Iterator, Sequence

from ragqa.claims.encoding import Encoded, encode
from ragqa.claims.model import About, Doubt

_OPEN, _CLOSE = '"\u201c\u201d\u201e\u00ab', '"\u201c\u201d\u00bb'
_QUOTED = re.compile(rf"[{_OPEN}]([^{_OPEN}{_CLOSE}]{{1,2000}})[{_CLOSE}]")
_OMITTED = re.compile(r"\[?(?:\.\.\.|\u2026)\]?")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\n]*\)|\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]*)\]\]")
# Emphasis, code and inner quotation marks are ignored; a curly apostrophe is a straight one.
_MARKS = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u2013": "-", "\u2014": "-"}
    | dict.fromkeys('*_`"\u201c\u201d\u201e', "")
)
_FENCED = re.compile(r"\s*(?:```|~~~)")
_INLINE = re.compile(r"\s*`[^`\n]+`[\s.:;,]*")
_FENCE_LINE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*$", re.MULTILINE)
_MIN_CHARS = 2
_MIN_WORDS = 3
_SHOWN = 60


def misquotations(claim: str, texts: Sequence[str]) -> Iterator[Doubt]:
    """Doubt each quotation of three words or more that no text has.

    White space, emphasis and the style of quotation marks may differ.
    """
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


def is_code(text: str) -> bool:
    """Whether a text is a block of code, or a single inline code span."""
    return bool(_FENCED.match(text) or _INLINE.fullmatch(text))


def read_code(text: str) -> Encoded:
    """Read the words of code without its fences, and without token vectors."""
    return encode(_FENCE_LINE.sub(lambda fence: " " * len(fence[0]), text))


def checked_words(code: Encoded) -> list[int]:
    """The words of code to check; single characters count only where there is nothing else."""
    words = list(range(len(code.words)))
    return [i for i in words if len(code.words[i].text) >= _MIN_CHARS] or words
