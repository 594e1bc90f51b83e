"""Numbers written as words, to digits: "thirty-two" is 32 and "two thirds" is 66.7%."""

import re

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {
    **{word: n for n, word in enumerate(_ONES.split())},
    **{word: 10 * n for n, word in enumerate(_TENS.split(), start=2)},
}
_MULTIPLES = {"hundred": 100, "thousand": 1000}
_NUMERAL = "|".join(_VALUES)
_MULTIPLE = "|".join(_MULTIPLES)
_WRITTEN = re.compile(
    rf"\b(?:(?:{_NUMERAL}|\d{{1,3}}|an?)[ -](?:{_MULTIPLE})"
    rf"(?:(?: and)? (?:{_NUMERAL})(?:-(?:{_NUMERAL}))?)?"
    rf"|(?:{_TENS.replace(' ', '|')})-(?:{_NUMERAL})|(?:{_NUMERAL}))\b",
    re.IGNORECASE,
)
_PART = re.compile(
    r"\b(?P<many>a|one|two|three|four)[ -](?P<of>third|quarter|fifth|tenth)s?\b"
    r"|\bhalf(?= (?:of|the|as|a)\b)",
    re.IGNORECASE,
)
_PARTS = {"third": 3, "quarter": 4, "fifth": 5, "tenth": 10}
_GROUPED = re.compile(r"(?<=\d)_(?=\d{3})")


def in_digits(text: str) -> str:
    """The text with digits for the numbers that it has in words, all but "one"."""
    text = _GROUPED.sub("", text)
    text = _PART.sub(_share, text)
    return _WRITTEN.sub(_digits, text)


def _share(found: re.Match[str]) -> str:
    if found["of"] is None:
        return "50%"
    many = {"a": 1}.get(found["many"].lower(), _VALUES.get(found["many"].lower(), 1))
    return f"{100 * many / _PARTS[found['of'].lower()]:.4g}%"


def _digits(found: re.Match[str]) -> str:
    words = re.split(r"[ -]", found[0].lower())
    if words == ["one"]:
        return found[0]
    total = 0
    for word in words:
        if word in _MULTIPLES:
            total = max(total, 1) * _MULTIPLES[word]
        elif word.isdigit():
            total += int(word)
        else:
            total += _VALUES.get(word, 1 if word in ("a", "an") else 0)
    return str(total)
