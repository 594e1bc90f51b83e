"""What a sentence mentions by its form alone: dates, amounts and names, each as its characters."""

import re
from dataclasses import dataclass

from ragqa.analysis import STOP_WORDS, WORD

Span = tuple[int, int]

_MONTH = (
    "(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\b\.?)"
)
_DAY = r"(?:\d{1,2}(?:st|nd|rd|th)?)"
_YEAR = r"(?:1[0-9]\d\d|20\d\d)"
_DATE = re.compile(
    rf"""(?<![\w$£€.,/-])(?:
      \d{{4}}-\d\d(?:-\d\d)?
    | {_DAY}(?:\ (?:of\ )?{_MONTH})(?:,?\ {_YEAR})?
    | {_MONTH}\ {_DAY}(?:\ ?[\u2013-]\ ?{_DAY})?(?:,?\ {_YEAR})?
    | {_MONTH}(?:\ of)?,?\ {_YEAR}
    | (?<=[Ii]n\ ){_MONTH}
    | (?:spring|summer|autumn|fall|winter|early|mid|late)[\ -](?:of\ )?{_YEAR}s?
    | (?:(?:early|mid|late)[\ -])?(?:the\ )?\d{{1,2}}(?:st|nd|rd|th)[\ -]centur(?:y|ies)
    | \d{{1,4}}\ (?:BC|BCE|AD|CE)\b
    | {_YEAR}s?(?:\ ?[\u2013-]\ ?(?:{_YEAR}|\d\d)\b)?
    )(?![\w$%]|[.,]\d)""",
    re.VERBOSE,
)

_WORD_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
_DIGITS = r"\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?"
_NUMBER = rf"(?:{_DIGITS}|(?:{_WORD_NUMBERS.replace(' ', '|')})(?:-(?:one|two|three|four|five|six|seven|eight|nine))?)"
_SCALE = r"(?:\ (?:hundred|thousand|million|billion|trillion|dozen)\b)"
_AMOUNT = re.compile(
    rf"""(?<![\w.,-])(?P<number>
      [$£€]?{_NUMBER}\b{_SCALE}*
      (?:(?:\ to\ |\ or\ |\ ?[\u2013-]\ ?)[$£€]?{_NUMBER}\b{_SCALE}*)?
    )(?:(?P<percent>\ ?%)|[\ -](?P<unit>[^\W\d_]+(?:[-/][^\W\d_]+)*))?""",
    re.VERBOSE | re.IGNORECASE,
)

_CAPITAL = "A-Z\u00c0-\u00d6\u00d8-\u00de"
_NAME_WORD = (
    r"(?:(?:Dr|Mr|Mrs|Ms|St|Prof|Jr|Sr|[A-Z])\.(?:[A-Z]\.)*"
    rf"|[{_CAPITAL}](?:[\w'\u2019-]|[.&](?=\w))*)"
)
_LINKING = "(?:of|de|da|del|della|der|den|di|du|la|le|van|von|bin|al|el|y|the|for|and|&)"
_NAME = re.compile(
    rf"(?<![\w'\u2019-]){_NAME_WORD}(?: (?:{_LINKING} ){{0,2}}{_NAME_WORD})*"
)
_NATION = re.compile(r"[\w-]+(?:[ei]an|ican|rman|ish|ese)|French|Dutch|Greek|Welsh|Scottish")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number, and the word that says of what: "%" or the next word, "" where there is none.

    `span` goes to the end of the unit, `number` to the end of the number.
    """

    span: Span
    number: Span
    unit: str


def dates(text: str) -> list[Span]:
    """The days, months with a year, years, decades and centuries that a text names."""
    return [match.span() for match in _DATE.finditer(text)]


def amounts(text: str) -> list[Amount]:
    """The numbers of a text that are no dates, with their units."""
    taken = dates(text)
    found = []
    for match in _AMOUNT.finditer(text):
        if any(start < match.end("number") and match.start() < end for start, end in taken):
            continue
        unit = "%" if match["percent"] else (match["unit"] or "").casefold()
        end = match.end("number") if unit in STOP_WORDS else match.end()
        found.append(Amount((match.start(), end), match.span("number"), unit))
    return found


def names(text: str) -> list[Span]:
    """The runs of capitalised words of a text, without what says of what nation one is.

    A first word that begins the sentence or is a function word is no name by its capital.
    """
    months = dates(text)
    found = []
    for match in _NAME.finditer(text):
        words = [word.span() for word in WORD.finditer(text, *match.span())]
        while words and _is_no_name(text, words[0]):
            words.pop(0)
        while words and _NATION.fullmatch(text[slice(*words[-1])]):
            words.pop()
        if not words or (len(words) == 1 and not text[: words[0][0]].strip("\"'([*\u201c ")):
            continue
        span = words[0][0], words[-1][1]
        if span[1] - span[0] > 1 and not any(s < span[1] and span[0] < e for s, e in months):
            found.append(span)
    return found


def places(text: str) -> list[Span]:
    """The names of a text, those that a comma joins taken as one: "Tulsa, Oklahoma"."""
    found: list[Span] = []
    for start, end in names(text):
        if found and text[found[-1][1] : start] == ", ":
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


def _is_no_name(text: str, word: Span) -> bool:
    said = text[slice(*word)]
    is_initial = text[word[1] : word[1] + 1] == "."
    return (said.casefold() in STOP_WORDS and not is_initial) or bool(_NATION.fullmatch(said))
