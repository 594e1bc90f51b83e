"""Number words as digits: "thirty-two" is 32, and "two thirds" is 66.7%."""

import re

from ragqa.text.lexicon import ONES, TENS
from ragqa.text.words import compiled

FILL = "\x1f"
"""Fills what a number in digits is shorter than in words; white space that no text has."""

_VALUES = {
    **{word: n for n, word in enumerate(ONES)},
    **{word: 10 * n for n, word in enumerate(TENS, start=2)},
    "a": 1,
    "an": 1,
    "dozen": 12,
}
_MULTIPLES = {"hundred": 100, "thousand": 1000}
_ONE = "|".join(ONES)
_BELOW_HUNDRED = rf"(?:(?:{'|'.join(TENS)})(?:-(?:{_ONE}))?|(?:{_ONE}))"
_NUMBER = (
    rf"(?i)\b(?:(?:{_BELOW_HUNDRED}|an?)[ -](?:hundred|thousand)(?:(?: and)? {_BELOW_HUNDRED})?"
    r"|(?:a )?dozen|one(?= (?:million|billion|trillion|percent|per cent)\b)"
    rf"|(?!one\b){_BELOW_HUNDRED})\b"
)
_SHARES = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "tenth": 10}
_SHARE = (
    r"(?i)\b(?P<many>a|one|two|three|four)[ -](?P<part>third|quarter|fifth|tenth)s?\b"
    r"|\b(?P<half>half)(?= (?:of|the|as|an?)\b)"
)
# "three times out of four", "one in two thousand requests": a share.
_OUT_OF = (
    rf"(?i)\b(?P<many>{_BELOW_HUNDRED}|\d{{1,3}})(?: (?:times|cases|requests|of them))?"
    r" (?:out of|in) (?:every )?"
    rf"(?P<all>(?:{_BELOW_HUNDRED}|an?)(?:[ -](?:hundred|thousand))?|\d{{2,5}})\b"
    r"(?!-| (?:\d|January|February|March|April|May|June|July|August|Sep|Oct|Nov|Dec))"
)
_FRACTION = r"(?<![\w./,-])([1-9])/([2-9])(?![\w/]|\.\d)"
_LEAST_TOTAL = 2
_GROUPS = r"\d{1,3}(?:_\d{3})+"


def in_digits(text: str) -> str:
    """The text with number words, except "one", as digits and all offsets kept by `FILL`.

    "fifteen" becomes "15     ", `200_000` becomes "200000 ", and "3/4" becomes "75%".
    """
    text = compiled(_GROUPS).sub(lambda found: _fill(found, found[0].replace("_", "")), text)
    text = compiled(_FRACTION).sub(_fraction, text)
    text = compiled(_SHARE).sub(lambda found: _fill(found, _share(found)), text)
    text = compiled(_OUT_OF).sub(_out_of, text)
    return compiled(_NUMBER).sub(lambda found: _fill(found, _number(found[0])), text)


def past_fill(text: str, end: int) -> int:
    """Where what fills a text at some place ends."""
    while text.startswith(FILL, end):
        end += 1
    return end


def _fill(found: re.Match[str], digits: str) -> str:
    """The digits filled to the length of the match: on the left before a hyphen, else right."""
    length = len(found[0])
    is_joined = found.string[found.end() : found.end() + 1] == "-"
    return digits.rjust(length, FILL) if is_joined else digits.ljust(length, FILL)


def _fraction(found: re.Match[str]) -> str:
    """A fraction below 1 as a percentage of the same length; any other unchanged."""
    part, whole = int(found[1]), int(found[2])
    return f"{100 * part / whole:.0f}%" if part < whole else found[0]


def _out_of(found: re.Match[str]) -> str:
    many, total = (_value(found[each]) for each in ("many", "all"))
    if not 0 < many < total or total <= _LEAST_TOTAL:
        return found[0]
    return _fill(found, f"{100 * many / total:.3g}%")


def _value(written: str) -> int:
    return int(written) if written.isdigit() else int(_number(written))


def _share(found: re.Match[str]) -> str:
    if found["half"]:
        return "50%"
    return f"{100 * _VALUES[found['many'].lower()] / _SHARES[found['part'].lower()]:.3g}%"


def _number(words: str) -> str:
    total = 0
    for word in re.split(r"[ -]", words.lower()):
        if word in _MULTIPLES:
            total = max(total, 1) * _MULTIPLES[word]
        elif word == "dozen":
            total = 12
        else:
            total += _VALUES.get(word, 0)
    return str(total)
