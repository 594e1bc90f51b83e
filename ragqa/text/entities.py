"""Find dates, amounts and names in a sentence by their form, each as a span."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ragqa.text.lexicon import MONTHS, ONES, TENS
from ragqa.text.words import STOP_WORDS, WORD, compiled, overlaps, word_set
from ragqa.types import Span

_MONTH = (
    f"(?:{MONTHS.title().replace(' ', '|')}"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\b\.?)"
)
_DAY = r"(?:\d{1,2}(?:st|nd|rd|th|\.)?)"
_YEAR = r"(?:1[0-9]\d\d|20\d\d)"
_DATE = rf"""(?x)(?<![\w$£€.,/-])(?:
      \d{{4}}-\d\d(?:-\d\d)?
    | \d{{1,2}}(?P<mark>[./])\d{{1,2}}(?P=mark)(?:\d{{4}}|\d\d)
    | {_DAY}(?:\ (?:of\ )?{_MONTH})(?:,?\ {_YEAR})?
    | {_MONTH}\ {_DAY}(?:\ ?[\u2013-]\ ?{_DAY})?(?:,?\ {_YEAR})?
    | {_MONTH}(?:\ of)?,?\ {_YEAR}
    | (?<=[Ii]n\ ){_MONTH}
    | (?:spring|summer|autumn|fall|winter|early|mid|late)[\ -](?:of\ )?{_YEAR}s?
    | (?:(?:early|mid|late)[\ -])?(?:the\ )?\d{{1,2}}(?:st|nd|rd|th)[\ -]centur(?:y|ies)
    | \d{{1,4}}\ (?:BC|BCE|AD|CE)\b
    | {_YEAR}s?(?:\ ?[\u2013-]\ ?(?:{_YEAR}|\d\d)\b)?
    )(?![\w$%]|[.,]\d)"""
_WEEKDAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_CLOCK = (
    r"(?:(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?:\ ?[ap](?:m\b|\.m\.))?"
    r"|(?:1[0-2]|[1-9])\ ?[ap](?:m\b|\.m\.)|noon\b|midnight\b)"
)
_TIME = rf"""(?xi)(?<![\w.,/:-])(?:
      {_WEEKDAY}s?(?:\ to\ {_WEEKDAY}s?)?
    | (?:every|each)\ (?:other\ )?
      (?:(?:week)?day|night|morning|evening|week(?:end)?|month|quarter|year|hour|{_WEEKDAY})\b
    | (?:hourly|daily|nightly|weekly|monthly|quarterly|yearly|annually)\b
    | {_CLOCK}
    )(?![\w:])"""
_TIME_JOINS = (" ", ", ", " at ", " on ", ", at ", ", on ")
_ANY_TIME = rf"""(?xi)\b(?:
      {_WEEKDAY}s?|{_MONTH}
    | seconds?|minutes?|hours?|days?|nights?|weeks?|months?|quarters?|years?
    | decades?|centur(?:y|ies)
    | mornings?|noon|afternoons?|evenings?|midnight|weekends?
    | hourly|daily|nightly|weekly|monthly|quarterly|yearly|annual(?:ly)?
    | spring|summer|autumn|fall|winter|Christmas|Easter
    | today|yesterday|tomorrow|tonight|ago|recently
    | Q[1-4]|1[0-9]\d\d|20\d\d|19\d0s|\d{{1,2}}(?:st|nd|rd|th)|\d{{1,2}}\ ?[ap]\.?m
    )\b|\b\d{{1,4}}[./:-]\d|'\d\d\b"""
_IN_YEAR = r"(?i)\b(?:in|since|by|until|from|of|during|before|after|the|early|late) $"

_DIGITS = r"\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+|(?:[kmbt]|bn)(?!\w))?"
_WORDS = "|".join((*ONES[1:], *TENS))
_SCALES = "(?:hundred|thousand|million|billion|trillion|dozen)"
_SCALE = rf"(?:\ {_SCALES}\b)"
_VAGUE = rf"(?:(?:half\ )?an?\ {_SCALES}|{_SCALES}s|half\ an|twice(?!\ (?:as|the)\b)|thrice)"
_NUMBER = rf"(?:{_DIGITS}|(?:{_WORDS})(?:-(?:{_WORDS}))?|{_VAGUE})"
_AMOUNT = rf"""(?xi)(?<![\w.,-])(?P<number>
      [$£€]?{_NUMBER}\b{_SCALE}*
      (?:(?:\ to\ |\ or\ |\ ?[\u2013-]\ ?)[$£€]?{_NUMBER}\b{_SCALE}*)?
    )(?:(?P<percent>\ ?%)|[\ -](?P<unit>[^\W\d_]+(?:[-/][^\W\d_]+)*))?"""
_NUMBER_WORDS = (
    rf"(?i)(?<![\w-])(?:{_WORDS}|zero|no|none|both|single|pair|couple|half|once|twice|thrice|double"
    rf"|triple|{_SCALES}s?)(?![\w-])"
)
_MEASURES = (
    "%|percent|milliseconds?|seconds?|minutes?|hours?|days?|nights?|weeks?|months?|years?|bytes?|bits?"
    "|miles?|met(?:er|re)s?|feet|foot|inch(?:es)?|grams?|pounds?|dollars?|euros?|cents?|degrees?"
    r"|ms|s|sec|min|h|hrs?|[kmgt]i?b|b|px|mm|cm|m|km|mg|g|kg|lbs?|oz|ft|[km]?w|kwh|[kmg]?hz"
    r"|mph|fps|dpi|qps|rpm|usd|eur|gbp|\S+/\S+"
)
# Nouns shown with their number: "4,096 tokens", but not "58 text-based" or "3 web".
_PLURAL = r"(?!across|unless|versus|always|perhaps|times\b)\w+[^\Wsi]s"
# A number after a name is part of it: "Haiku 4.5".
_VERSIONED = r"[ (][A-Z][\w-]* $"

_CAPITAL = "A-Z\u00c0-\u00d6\u00d8-\u00de"
_NAME_WORD = (
    r"(?:(?:Dr|Mr|Mrs|Ms|St|Prof|Jr|Sr|[A-Z])\.(?:[A-Z]\.)*"
    rf"|[{_CAPITAL}](?:[\w'\u2019-]|[.&](?=\w))*)"
)
_LINKING = "(?:of|de|da|del|della|der|den|di|du|la|le|van|von|bin|al|el|y|the|for|and|&)"
_NAME = rf"(?<![\w'\u2019-]){_NAME_WORD}(?: (?:{_LINKING} ){{0,2}}{_NAME_WORD})*"
_LISTED = rf", (?:and )?[{_CAPITAL}]| (?:and|&) [{_CAPITAL}]"
_NOT_NAMES = STOP_WORDS | word_set(
    "however today also meanwhile instead later originally initially currently recently finally "
    "additionally according although"
)
_NATION = r"[\w-]+(?:[ei]an|ican|rman|ish|ese)|French|Dutch|Greek|Welsh|Scottish"

_GROUPED = r"(?<=\d),(?=\d{3}(?!\d))"
_EDGES = "*_`[]<>{}$\u20ac\u00a3%~\u2013\u2014-"
_SMALL_NUMBERS = ONES[:13]


@dataclass(frozen=True, slots=True)
class Amount:
    """A number and its unit: "%" or the next word, "" where there is none.

    `span` includes the unit, `number` does not. `measured` is whether the unit is one of
    measurement, such as "GB".
    """

    span: Span
    number: Span
    unit: str
    measured: bool = False


def dates(text: str) -> list[Span]:
    """The days, months with a year, years, decades and centuries in a text."""
    return [
        match.span()
        for match in compiled(_DATE).finditer(text)
        if not _is_count(text, *match.span())
    ]


def times(text: str) -> list[Span]:
    """The weekdays, times of day and intervals ("every night") in a text, with their dates.

    Adjacent ones are joined: "Monday at 10:00".
    """
    own = [match.span() for match in compiled(_TIME).finditer(text)]
    found = _joined(text, sorted([*own, *dates(text)]), _TIME_JOINS) if own else []
    return [span for span in found if overlaps(span, own)]


def mentions_time(text: str) -> bool:
    """Whether a text mentions any time, even just "yesterday"."""
    return bool(compiled(_ANY_TIME).search(text) or dates(text) or compiled(_TIME).search(text))


def amounts(text: str) -> list[Amount]:
    """The numbers in a text other than dates, with their units."""
    taken = [*dates(text), *times(text)]
    found = []
    for match in compiled(_AMOUNT).finditer(text):
        number = match.span("number")
        before = text[max(0, number[0] - 40) : number[0]]
        if overlaps(number, taken) or compiled(_VERSIONED).search(before):
            continue
        unit = "%" if match["percent"] else (match["unit"] or "").casefold()
        measured = compiled(_MEASURES).fullmatch(unit) is not None
        shows_unit = measured or (compiled(_PLURAL).fullmatch(unit) and unit not in STOP_WORDS)
        end = match.end() if shows_unit else match.end("number")
        found.append(Amount((match.start(), end), number, unit, measured))
    return found


def number_words(text: str) -> list[Span]:
    """The words in a text that may state a number, such as "both" or "dozens"."""
    return [match.span() for match in compiled(_NUMBER_WORDS).finditer(text)]


def names(text: str) -> list[Span]:
    """The runs of capitalised words in a text, without nationalities.

    A capital alone does not make the first word a name, unless it begins a list of names.
    """
    taken = [*dates(text), *times(text)]
    found = []
    for match in compiled(_NAME).finditer(text):
        words = [word.span() for word in WORD.finditer(text, *match.span())]
        while words and _is_not_name(text, words[0]):
            words.pop(0)
        while words and compiled(_NATION).fullmatch(text[slice(*words[-1])]):
            words.pop()
        if not words or (len(words) == 1 and _opens_sentence(text, words[0])):
            continue
        start, end = words[0][0], words[-1][1]
        if end - start > 1 and not overlaps((start, end), taken):
            found.append((start, end))
    return found


def people(text: str) -> list[Span]:
    """The names in a text, with a list of names as one: "Cormack, Clarke and Fox"."""
    each = names(text)
    found: list[Span] = []
    for listed in _joined(text, each, (", ", ", and ", ", & ")):
        is_list = " and " in text[slice(*listed)] or " & " in text[slice(*listed)]
        found += [listed] if is_list else [one for one in each if overlaps(one, [listed])]
    return found


def places(text: str) -> list[Span]:
    """The names in a text, joined across commas: "Tulsa, Oklahoma"."""
    return _joined(text, names(text), (", ",))


def _joined(text: str, spans: Iterable[Span], joins: Collection[str]) -> list[Span]:
    """The spans, neighbours with one of these texts between them as one."""
    found: list[Span] = []
    for start, end in spans:
        if found and text[found[-1][1] : start] in joins:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


def _is_count(text: str, start: int, end: int) -> bool:
    """Whether four digits count something, as in "1536 dimensions", and are not a year."""
    counted = compiled(r" ([a-z]+s|[kMGT]?B|px)\b").match(text, end)
    if not counted or not text[start:end].isdecimal() or counted[1].casefold() in STOP_WORDS:
        return False
    return compiled(_IN_YEAR).search(text[max(0, start - 12) : start]) is None


def _is_not_name(text: str, word: Span) -> bool:
    written = text[slice(*word)]
    if text[word[1] : word[1] + 1] == ".":  # an initial, also where it is "A."
        return False
    return written.casefold() in _NOT_NAMES or compiled(_NATION).fullmatch(written) is not None


def _opens_sentence(text: str, word: Span) -> bool:
    """Whether a word begins the sentence but not a list of names."""
    first = WORD.search(text)
    return (
        first is not None
        and first.start() == word[0]
        and not (compiled(_LISTED).match(text, word[1]))
    )


def has_figure(text: str, word: str) -> bool:
    """Whether a text has a word with digits as a whole, in one of its forms."""
    return _figure(word).search(compiled(_GROUPED).sub("", text)) is not None


def _figure(word: str) -> re.Pattern[str]:
    """A pattern for a whole name or figure: not "GPT-4" in "GPT-4o", nor 5 in 256."""
    core = compiled(_GROUPED).sub("", word).strip(_EDGES)
    forms = {core}
    if core.isdecimal() and len(core) < 3 and int(core) < len(_SMALL_NUMBERS):
        forms.add(_SMALL_NUMBERS[int(core)])
    elif core.endswith("000") and core.isdecimal():
        forms.add(f"{core[:-3]}k")
    elif core[-1:] in ("k", "K") and core[:-1].isdecimal():
        forms.add(f"{core[:-1]}000")
    # "GPT-4", "GPT 4" and "GPT4" are one name.
    parts = (re.split(r"-|(?<=[^\W\d_])(?=\d)", form) for form in forms)
    written = "|".join(r"[-\s]?".join(map(re.escape, words)) for words in parts)
    longer = r"|-(?-i:[A-Z\d])" if any(map(str.isalpha, core)) else ""
    return re.compile(
        rf"(?<![^\W_])(?<!\d[.,])(?:{written})s?(?![^\W_]|[.,]\d{longer})", re.IGNORECASE
    )
