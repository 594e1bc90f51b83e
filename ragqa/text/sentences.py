# ruff: noqa: RUF001 - this module distinguishes look-alike marks
"""Splits text into sentences by marks; a change of a rule raises `passages.VERSION`."""

import re
from collections.abc import Iterator
from itertools import pairwise

from ragqa.text.words import compiled, one_of, table
from ragqa.types import Span

_CLOSER = (
    r"""(?:[)\]}"'”“’»«›*_~=」』）】》]|[ \u00a0\u202f]»|\[\^?[\w-]{1,20}\]|[¹²³⁰⁴-⁹]"""
    r"|</\w{1,10}>|<br\s?/?>)"
)
# Possessive and guarded on the left, so that a million full stops are scanned only once.
_END = (
    rf"(?<![.!?…؟۔।॥])(?P<mark>[.!?…؟۔।॥]++){_CLOSER}*+(?=\s|\Z|(?<=>))"
    r"|(?<![。！？｡])[。！？｡]++[」』）】》”’)\]]*+(?P<either>[\"'*_~`]++)?"
)
_LINE_BREAK = r"(?:\A|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+)[ \t]*+(?:>[ \t]*+)*+"
_NEW_THOUGHT = r"(?>\r\n|\r|\n)[ \t>]*+(?=[\r\n]|(?:[-*+•]|\d{1,2}[.)])[ \t]+\S)"
# Spans that never break, however many full stops they contain.
_WHOLE = (
    r"`[^`]{1,300}`"
    r"|\[\[[^\[\]]{1,200}\]\]"
    r"|\[[^\[\]]{1,200}\](?=[(\[])"
    r"|\([^()]{1,200}\)"
    r"|<[^<>]{1,200}>"
    r"|“[^“”]{1,200}”"
    r"|「[^「」]{1,200}」|„[^„“”]{1,200}[“”]|«[^«»]{1,200}»|(?<=\s)»[^«»]{1,200}«"
    r'|(?<![\w"])"(?=\S)[^"]{1,200}(?<=\S)"(?!\w)'
    r"|\$(?=\S)[^$]{1,200}(?<=\S)\$(?!\d)|~~(?=[^\s~]).{1,1000}?(?<=[^\s~])~~"
)
_OPENERS = r"""\s*+["'“‘«‹(\[{*_~=`$>「『（【《]*+"""
_WORD_BEFORE = r"""[^\s()\[\]{}"'“”‘’*_~=/—–-]{1,30}\Z"""
_WORD_AFTER = r"\w{1,30}"
_WORD_CHARACTER = r"[^\W_]"
_DOTTED = r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,4}"
# "z. B.", "p. ej.", "p. ex."
_SPACED = r"(?<![^\W_])[^\W\d_A-Z]\.\s[^\W\d_]{1,3}\Z"
# "im 19. Jahrhundert", "die 2. Partition"
_BEFORE_ORDINAL = r"(?i)\b(?:im|vom|zum|zur|der|die|das|den|dem|des|beim)\s\d{1,3}\Z"
_GERMAN_MONTH = rf"(?:{one_of('german months')})\b"
_ORDINAL = r"\d{1,2}|[IVX]{1,5}"
_WRAP = 60
_GLUED = r"\[(?:[^\[\]]|\[[^\[\]]*\])*+\](?:\([^()]*\))?|`[^`\n]*`|\{%[^%]*%\}|<[^<>]*>"
_LIST_NUMBER = r"\d{1,3}|[^\W\d_]|[ivxIVX]{1,4}"


def sentence_spans(text: str) -> list[Span]:
    """Find a text's sentences, in order; together they cover everything but white space."""
    flat = compiled(_LINE_BREAK).sub(lambda match: " " * len(match[0]), text)
    thoughts = [0, *(match.start() for match in compiled(_NEW_THOUGHT).finditer(text)), len(text)]
    ends = [end for thought in pairwise(thoughts) for end in _sentence_ends(flat, *thought)]
    spans: list[Span] = []
    worded = False
    for start, end in pairwise([0, *ends]):
        has_word = compiled(_WORD_CHARACTER).search(flat, start, end) is not None
        if spans and not (worded and has_word):
            start = spans.pop()[0]
        spans.append((start, end))
        worded = worded or has_word
    return [span for span in (strip(text, *span) for span in spans) if span[0] < span[1]]


def has_lines(paragraph: str) -> bool:
    """Whether a person broke its lines: after half of them a next word or link would have fit."""
    glued = compiled(_GLUED).sub(lambda match: match[0].replace(" ", "_"), paragraph)
    lines = [line.lstrip("> \t").strip() for line in compiled(r"\r\n|\r|\n").split(glued)]
    pairs = [(a, b) for a, b in pairwise(lines) if a and b and not a.startswith("[!")]
    own = sum(len(line) + len(after.split(maxsplit=1)[0]) < _WRAP for line, after in pairs)
    return 2 * own >= len(pairs) > 0


def strip(text: str, start: int, end: int) -> Span:
    """Strip white space from both ends of `text[start:end]`."""
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())


def line_start(text: str, at: int) -> int:
    """Where the line of a character begins."""
    line = text.rfind("\n", 0, at) + 1  # from there on, lest a note without \r is read whole
    return max(line, text.rfind("\r", line, at) + 1)


def _sentence_ends(flat: str, start: int, stop: int) -> Iterator[int]:
    wholes = compiled(_WHOLE).finditer(flat, start, stop)
    whole = next(wholes, None)
    for match in compiled(_END).finditer(flat, start, stop):
        end = match.end()
        while whole and whole.end() <= end:
            whole = next(wholes, None)
        if whole and whole.start() < end:
            continue
        if match["mark"] is None:
            # Where no space follows: after a closing `**`, before an opening one.
            either = match["either"]
            is_last = not either or not flat[end : end + 1].strip()
            closes = is_last or flat.count(either, start, match.start("either")) % 2
            start = end if closes else match.start("either")
            yield start
        elif _ends_sentence(flat, start, match):
            start = end
            yield start
    if start < stop:
        yield stop


def _ends_sentence(flat: str, start: int, match: re.Match[str]) -> bool:
    """Whether the match ends the sentence that begins at `start`."""
    mark = match["mark"]
    opened = compiled(_OPENERS).match(flat, match.end(), match.endpos)
    after = opened.end() if opened else match.end()
    following = flat[after : min(after + 1, match.endpos)]
    if mark != ".":
        return mark[-1] in "۔।॥" or not following.islower()
    before = flat[max(start, match.start() - 30) : match.start()]
    last = compiled(_WORD_BEFORE).search(before)
    word = last[0] if last else ""
    folded = word.casefold()
    if folded in table("never last"):
        return False
    if compiled(_ORDINAL).fullmatch(word) and (
        following.islower()
        or compiled(_BEFORE_ORDINAL).search(before)
        or (word.isdigit() and compiled(_GERMAN_MONTH).match(flat, after, match.endpos))
    ):
        return False
    is_first = not compiled(_WORD_CHARACTER).search(before.removesuffix(word))
    if is_first and compiled(_LIST_NUMBER).fullmatch(word):
        return False
    is_spaced = compiled(_SPACED).search(before) is not None
    if folded in table("not last before a number") and not is_spaced:
        bracket = flat[after - 1] in "(["
        return not (bracket or following.isdigit() or following.islower())
    # "Hauptstr. 5"
    if folded.endswith("str") and following.isdigit():
        return False
    letter = len(word) == 1 and word.isalpha()
    is_dotted = is_spaced or compiled(_DOTTED).fullmatch(word) is not None
    if letter or folded in table("seldom last") or is_dotted:
        first = compiled(_WORD_AFTER).match(flat, after, match.endpos)
        return not first or (
            not following.islower() and first[0].casefold() in table("often first")
        )
    return True
