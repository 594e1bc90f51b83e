"""The dates and times of a text, each with its span, and the period that a question names."""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from msgspec import Struct

from ragqa.errors import Hint, UsageError
from ragqa.languages import ENGLISH
from ragqa.safe import safe_line
from ragqa.text.sentences import sentence_spans
from ragqa.text.words import (
    MONTHS,
    STOP_WORDS,
    WEEKDAYS,
    compiled,
    index_terms,
    joined,
    one_of,
    overlaps,
    stem,
)
from ragqa.types import Citation, Passage, Span

NUMBER_OF_MONTH = {month[:3]: n for n, month in enumerate(MONTHS, start=1)}
"""The number of a month by its first three letters in lower case."""

_SHORT = "|".join(month[:3] for month in MONTHS if len(month) > 3)
MONTH = rf"(?:{one_of('months')}|(?:sept|{_SHORT})\b\.?)"
"""A pattern of the names of months, also short ones."""

_DAY = r"(?:st|nd|rd|th)?"
_YEAR = r"(?:1\d{3}|20\d\d)"
_PART_OF_YEAR = r"(?:(?:spring|summer|autumn|fall|winter|early|mid|late)[\ -](?:of\ )?)?"
_DATE = rf"""(?xia)(?:
    (?<![^\W_])(?P<y1>\d{{4}})(?P<sign>[-/._])(?P<m1>\d{{1,2}})(?P=sign)(?P<d1>\d{{1,2}})
    | \b(?P<y7>\d{{4}})-(?P<m7>\d\d)
    | (?<![\w.,$€£\#/-])(?:
        (?P<d2>\d{{1,2}})(?P<mark>[./-])(?P<m2>\d{{1,2}})(?P=mark)(?P<y2>\d{{4}}|\d\d)
      | (?P<m8>0?[1-9]|1[0-2])/(?P<y9>{_YEAR})
      | (?P<d3>\d{{1,2}})(?:{_DAY}|\.)[\ -](?:of\ )?(?P<m3>{MONTH})
        (?:,?[\ -](?P<y3>{_YEAR})\b)?
      | {_PART_OF_YEAR}(?P<y4>{_YEAR})
        (?:s|\ ?[\u2013-]\ ?(?:{_YEAR}s?|\d\d)\b)?(?!-\d)
      | {_PART_OF_YEAR}['\u2019]\d\ds?(?!['\u2019])
      )
    | \b(?P<m5>{MONTH})(?:
        \ (?P<d5>\d{{1,2}}){_DAY}\b(?!:)
        (?:,?\ (?P<y5>{_YEAR})\b)?
      | (?:\ of)?,?\ (?P<y6>{_YEAR})\b
      )?
    | \bQ(?P<q>[1-4])(?:\ (?P<y8>\d{{4}}))?
    )(?:(?=T\d\d)|(?![^\W_]|[$%]|[.,]\d))"""
# A bare month of a question is one after these; others may be names and verbs: "Jan", "march".
_IN_MONTH = (
    r"(?i)\b(?:in|of|since|until|before|after|from|by|during|last|this|next|early|late|mid)[ -]\Z"
)
_ALSO_A_WORD = ("march", "april", "may")
_PACKED = r"(?:\A|_)((?:19|20)\d\d)(\d\d)(\d\d)(?=\D|\Z|\d{4}(?:\d\d)?(?!\d))"
_WEEKDAY = one_of("weekdays")
_TIME = rf"""(?xi)(?<![\w.,/:-])(?:
      (?:(?:every|each)\ (?:other\ )?)?(?P<weekday>{_WEEKDAY})s?
    | (?:every|each)\ (?:other\ )?
      (?:(?:week)?day|night|morning|evening|week(?:end)?|month|quarter|year|hour)
    | hourly|daily|nightly|weekly|monthly|quarterly|yearly|annually
    | (?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::[0-5]\d)?(?:\ ?(?P<half>[ap])(?:m\b|\.m\.))?
    | (?P<twelve>1[0-2]|[1-9])\ ?(?P<of>[ap])(?:m\b|\.m\.)
    | (?P<named>noon|midnight)
    )(?![\w:])(?P<zone>\ ?(?-i:UTC|GMT|CES?T|[ECMP][SD]T|BST)\b)?"""
# As other languages write the time: "14.30".
_OTHER_TIME = r"(?<![\w.,/:-])(?P<hour>[01]?\d|2[0-3])[:.h](?P<minute>[0-5]\d)(?![\w:]|[.,]\d)"
_TIME_JOINS = (" ", ", ", " at ", " on ", ", at ", ", on ", " to ")
_IN_YEAR = r"(?i)\b(?:in|since|by|until|from|of|during|before|after|the|early|late) $"
_COUNTED = r" ([a-z]+s|[kMGT]?B|px)\b"
_MONTHS_IN_YEAR = 12
_MAX_NAME_CHARS = 200
# What may stand before a date that begins a text: marks, a ticked box, a weekday.
_BEFORE_DAY = rf"(?i)[\W_]*(?:x\][\W_]*)?(?:(?:{_WEEKDAY}|mon|tue|wed|thu|fri|sat|sun)\W+)?"
_LEAST_YEAR = 1500
"""A smaller number is a year only after "in" or "since"."""

_NAMED = r"(?i)\b(?P<which>last|past|this) (?P<unit>week|month|year)\b"
_EDGE = r"(?i)\b(in|during|since|before|after|until)(?: the)? \Z"
# "Is there a fair in March?" asks for what is said of March, whenever that was.
_OF_PAST = r"(?i)\b(?:did|was|were|ha[ds]|have|happened|went)\b"
# "The Sunday school" is not about a day.
_DAY_NAMED = (
    r"(?i)\b(?:(?P<before>(?:the )?day before yesterday)|(?P<ago>yesterday|today)"
    rf"|(?:(?P<last>last )|(?<=\bon ))(?P<weekday>{one_of('weekdays')}))"
    r"(?: (?:morning|afternoon|evening|night))?(?=\W*\Z|[,;]| about\b)"
)
_ONE_DAY = timedelta(days=1)
_DAYS_AGO = {"today": 0, "yesterday": 1}


class Moment(Struct, frozen=True):
    """A date or time in `text[start:end]`; `parts` has what is given of it, such as "month"."""

    parts: tuple[tuple[str, int | str], ...]
    start: int
    end: int

    @property
    def iso(self) -> str:
        """Its year, month and day in ISO form, as far as it gives them; "" without a year."""
        given = [f"{part:02}" for name, part in self.parts if name in ("year", "month", "day")]
        return "-".join(given) if "year" in dict(self.parts) else ""

    @property
    def span(self) -> Span:
        """Its characters."""
        return self.start, self.end


def moments_of(text: str, language: str = ENGLISH) -> list[Moment]:
    """The dates, weekdays and times of day of a text; outside English, only those in figures."""
    return [moment for moment in (*_dates(text, language), *_times(text, language)) if moment.parts]


def months_of(text: str) -> list[Moment]:
    """The dates of a text that give at least a month."""
    return [moment for moment in _dates(text) if "month" in dict(moment.parts)]


def months_asked(question: str) -> list[Moment]:
    """The dates of a question that give at least a month."""
    return [moment for moment in months_of(question) if not _may_be_a_name(question, moment)]


def _may_be_a_name(question: str, moment: Moment) -> bool:
    """Whether a month stands alone, as a name or a verb may: "what does Jan say?"."""
    word = question[moment.start : moment.end].lower()
    is_sure = word in MONTHS and word not in _ALSO_A_WORD
    is_bare = [name for name, _ in moment.parts] == ["month"] and word[0].isalpha()
    return is_bare and not is_sure and not compiled(_IN_MONTH).search(question[: moment.start])


def dates(text: str) -> list[Span]:
    """The days, months with a year, years, decades and centuries in a text."""
    spans, end = [], 0
    for moment in _dates(text):
        is_month = [name for name, _ in moment.parts] == ["month"]
        in_address = text[moment.start].isdigit() and text[: moment.start].endswith(("-", "/"))
        if is_month and not text[: moment.start].endswith(("in ", "In ")):
            continue
        if moment.start >= end and not in_address:
            spans.append(moment.span)
            end = moment.end
    return spans


def times(text: str) -> list[Span]:
    """The weekdays, times and intervals ("every night") in a text, with adjacent dates as one."""
    own = [moment.span for moment in _times(text)]
    spans = joined(text, sorted([*own, *dates(text)]), _TIME_JOINS) if own else []
    return [span for span in spans if overlaps(span, own)]


def day_of(text: str) -> str:
    """The first day that a text names with its year, in ISO form, also "IMG_20260318"; or ""."""
    text = text[:_MAX_NAME_CHARS]
    for moment in _dates(compiled(_PACKED).sub(r" \1-\2-\3 ", text)):
        try:
            return date.fromisoformat(moment.iso).isoformat()
        except ValueError:  # only a part of a day, or no day such as 30 February
            continue
    return ""


def leading_day(text: str) -> str:
    """The day with its year that a text begins with, in ISO form; "" for none."""
    before = compiled(_BEFORE_DAY).match(text)
    first = next(iter(_dates(text[:_MAX_NAME_CHARS])), None)
    is_first = before and first and first.start <= before.end()
    return day_of(text[first.start : first.end]) if first and is_first else ""


def date_terms(text: str, language: str = ENGLISH, *, before: date | None = None) -> list[str]:
    """The terms of the dates of a text, however they are written: the month, and one for the day.

    :param before: today, for a question: add the year in which a date without one last was.
    """
    terms = []
    for moment in _dates(text, language):
        parts = dict(moment.parts)
        month = MONTHS[int(parts.get("month", 0)) - 1 : int(parts.get("month", 0))]
        if month and not (before and _may_be_a_name(text, moment)):
            is_named = month[0] in text[moment.start : moment.end].lower()
            terms += [] if is_named else [stem(month[0])]
            terms += [f"{month[0]}{parts['day']}"] if "day" in parts else []
            if before and "year" not in parts:
                begins = int(parts["month"]), int(parts.get("day", 1))
                terms.append(str(before.year - (begins > (before.month, before.day))))
    return terms


def passage_terms(passage: Passage) -> list[str]:
    """The terms that a passage is found by, with the day of its note, but not that day's month."""
    text, language = passage.searched_text, passage.language
    of_note = date_terms(passage.note_date)[1:]
    return index_terms(text, language) + date_terms(text, language) + of_note


def date_shown(source: Citation | Passage) -> str:
    """The date of a citation or a passage as people read it: "file of 2021-03-31, old", or ""."""
    if isinstance(source, Passage):
        return safe_line(source.note_date)
    of_file = "file of " if source.date_from == "file" else ""
    return of_file + safe_line(source.date or source.note_date) + (", old" if source.old else "")


def has_moment(moments: Iterable[Moment], claimed: Moment) -> bool:
    """Whether one of the dates has every part of the claimed one."""
    wanted = set(claimed.parts)
    return any(wanted <= set(moment.parts) for moment in moments)


@lru_cache(maxsize=1024)
def _dates(text: str, language: str = ENGLISH) -> tuple[Moment, ...]:
    """The dates of a text; one whose year, month, day and quarter are all unclear has no parts."""
    moments = []
    for match in compiled(_DATE).finditer(text):
        # "may" in lower case is the verb.
        if match[0] != "may" and not _is_count(match):
            parts = _parts(match, language)
            if language == ENGLISH or "year" in parts:
                moments.append(Moment(tuple(parts.items()), *match.span()))
    return tuple(moments)


def _parts(match: re.Match[str], language: str) -> dict[str, int | str]:
    """The year, month, day or quarter of a date."""
    given = {name[0]: value for name, value in match.groupdict().items() if value}
    if "m" in given and not given["m"].isdecimal():
        given["m"] = str(NUMBER_OF_MONTH[given["m"][:3].lower()])
    year, month, day = (int(given.get(name, 0)) for name in "ymd")
    if match["d2"]:
        if month > _MONTHS_IN_YEAR:
            month, day = day, month
        is_unclear = language == ENGLISH and match["mark"] != "." and day <= _MONTHS_IN_YEAR
        if len(given["y"]) < 4 or month > _MONTHS_IN_YEAR:  # "1.2.10" may be a version
            return {}
        month, day = (0, 0) if is_unclear else (month, day)
    parts = {"year": year, "month": month, "day": day, "quarter": int(given.get("q", 0))}
    return {name: number for name, number in parts.items() if number}


def _is_count(match: re.Match[str]) -> bool:
    """Whether four digits count something, as in "1536 dimensions", and are not a year."""
    if not match[0].isdecimal():
        return False
    text, start = match.string, match.start()
    before = text[max(0, start - 12) : start]
    counted = compiled(_COUNTED).match(text, match.end())
    is_counted = counted is not None and counted[1].casefold() not in STOP_WORDS
    if int(match[0]) < _LEAST_YEAR:
        return is_counted or not before.lower().endswith(("in ", "since "))
    return is_counted and compiled(_IN_YEAR).search(before) is None


@lru_cache(maxsize=1024)
def _times(text: str, language: str = ENGLISH) -> tuple[Moment, ...]:
    """The weekdays, times of day and intervals of a text; an interval has no parts."""
    pattern = _TIME if language == ENGLISH else _OTHER_TIME
    return tuple(
        Moment(tuple(_clock(match)), *match.span()) for match in compiled(pattern).finditer(text)
    )


def _clock(match: re.Match[str]) -> Iterator[tuple[str, int | str]]:
    """The weekday, or the time of day and its zone."""
    given = match.groupdict()
    if given.get("weekday"):
        yield "weekday", given["weekday"].lower()
    elif given.get("named"):
        yield "clock", 12 * 60 * (given["named"].lower() == "noon")
    elif given.get("hour") or given.get("twelve"):
        hour, half = int(given["hour"] or given["twelve"]), given.get("half") or given.get("of")
        hour = hour % 12 + 12 * (half in ("p", "P")) if half else hour
        yield "clock", hour * 60 + int(given["minute"] or 0)
        if given.get("zone"):
            yield "zone", given["zone"].strip()


@dataclass(frozen=True, slots=True)
class Period:
    """The first and the last day of a time, in ISO form; "" where it is open."""

    since: str = ""
    until: str = ""

    def __bool__(self) -> bool:
        return bool(self.since or self.until)

    def covers(self, day: str) -> bool:
        """Whether an ISO day is within it."""
        return bool(day) and self.since <= day <= (self.until or day)

    def has(self, moment: Moment) -> bool:
        """Whether a date with its year can be within it."""
        size = len(moment.iso)
        return self.since[:size] <= moment.iso <= (self.until or "9999")[:size] != ""


ANY_TIME = Period()


def period_asked(question: str, today: date) -> Period | None:
    """The time that a question is about; a month without a year is the last one that has begun.

    It stands in the last sentence: those before it tell what happened to the person who asks.
    """
    question = question[_last_sentence(question) :]
    named, is_past = compiled(_NAMED).search(question), compiled(_OF_PAST).search(question)
    if named and (is_past or named["which"].lower() != "this"):
        return _bounded(question[: named.start()], *_named(named["which"], named["unit"], today))
    if not is_past:
        return None
    months = {moment.span for moment in months_asked(question)}
    for moment in moments_of(question):
        parts, before = dict(moment.parts), question[: moment.start]
        is_time = moment.span in months or list(parts) == ["year"]
        if is_time and "day" not in parts and compiled(_EDGE).search(before):
            return _bounded(before, *_days(moment, today))
    return None


def day_asked(question: str, today: date) -> tuple[str, Span] | None:
    """The day before tomorrow that a question is about, as ISO, and where it is named."""
    start = _last_sentence(question)
    if not compiled(_OF_PAST).search(question, start):
        return None
    for moment in moments_of(question):
        parts = dict(moment.parts)
        day, _ = _days(moment, today)
        if day and day > today and "year" not in parts:
            day, _ = _days(moment, today.replace(day=1) - _ONE_DAY)
        if day and "day" in parts and "month" in parts and moment.start >= start:
            return day.isoformat(), moment.span
    named = compiled(_DAY_NAMED).search(question, start)
    if named is None:
        return None
    back = 2 if named["before"] else _DAYS_AGO.get((named["ago"] or "").lower(), 0)
    if named["weekday"]:
        since = today.weekday() - WEEKDAYS.index(named["weekday"].lower())
        back = since + 7 if named["last"] else since % 7 or 7
    return (today - _ONE_DAY * back).isoformat(), named.span()


def _last_sentence(question: str) -> int:
    """Where the last sentence of a question begins."""
    return sentence_spans(question)[-1][0] if question.strip() else 0


def day_named(name: str, text: str, today: date) -> str:
    """The first day that a filter "since" names, or the last of "until", as ISO; or UsageError."""
    words = " ".join(text.lower().split())
    if not words:
        return ""
    if words in _DAYS_AGO:
        return (today - _ONE_DAY * _DAYS_AGO[words]).isoformat()
    first = last = None
    if named := compiled(_NAMED).fullmatch(words):
        first, last = _named(named["which"], named["unit"], today)
    else:
        stated = words.removeprefix("in ").title()  # "may" is a verb
        for moment in moments_of(stated):
            parts = dict(moment.parts)
            # 02/05/2026 may be a day of two months, so that only its year is known.
            is_known = "month" in parts or ("year" in parts and stated.isdigit())
            if is_known and moment.span == (0, len(stated)):
                first, last = _days(moment, today)
    if first is None or last is None:
        hint = Hint("2025-03-31, 2025-03, 2025, March 2025 or last month")
        raise UsageError(f"{name}: {text[:40]!r} is not a date", hint=hint)
    return (last if name == "until" else first).isoformat()


def _named(which: str, unit: str, today: date) -> tuple[date, date]:
    """The first and last day of a week, month or year: the one of today, or the one before."""
    first, last = _unit(unit.lower(), today)
    return (first, last) if which.lower() == "this" else _unit(unit.lower(), first - _ONE_DAY)


def _unit(unit: str, day: date) -> tuple[date, date]:
    if unit == "week":
        first = day - _ONE_DAY * day.weekday()
        return first, first + 6 * _ONE_DAY
    if unit == "year":
        return date(day.year, 1, 1), date(day.year, 12, 31)
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def _days(moment: Moment, today: date) -> tuple[date | None, date | None]:
    """The first and last day of a date; None if there is no such day."""
    parts = {name: int(value) for name, value in moment.parts if name != "weekday"}
    month = parts.get("month", 1)
    year = parts.get("year", today.year - (month > today.month))
    try:
        day = date(year, month, parts.get("day", 1))
    except ValueError:
        return None, None
    return (day, day) if "day" in parts else _unit("month" if "month" in parts else "year", day)


def _bounded(before: str, first: date | None, last: date | None) -> Period | None:
    """The time from its first to its last day, open as the word before it says."""
    if first is None or last is None:
        return None
    edge = compiled(_EDGE).search(before)
    match edge[1].lower() if edge else "in":
        case "since":
            return Period(first.isoformat())
        case "after":
            return Period((last + _ONE_DAY).isoformat())
        case "before":
            return Period("", (first - _ONE_DAY).isoformat())
        case "until":
            return Period("", last.isoformat())
    return Period(first.isoformat(), last.isoformat())
