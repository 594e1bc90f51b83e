"""Times that a question or a filter names: "yesterday", "last month", "since June 2025"."""

from datetime import date, timedelta
from typing import NamedTuple

from ragqa.errors import Hint, UsageError
from ragqa.text.dates import Moment, moments_of, months_asked
from ragqa.text.lexicon import WEEKDAYS, one_of
from ragqa.text.sentences import sentence_spans
from ragqa.text.words import compiled
from ragqa.types import Span

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
_DAY = timedelta(days=1)
_DAYS_AGO = {"today": 0, "yesterday": 1}


class Period(NamedTuple):
    """The first and the last day of a time, in ISO form; "" where it is open."""

    since: str = ""
    until: str = ""

    def has(self, moment: Moment) -> bool:
        """Whether a date with its year can be within it."""
        size = len(moment.iso)
        return self.since[:size] <= moment.iso <= (self.until or "9999")[:size] != ""


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
    """The day that is over and that a question is about, as ISO, and where it is named.

    A date without a year is the last one before tomorrow; a weekday is the last one before today,
    with "last" the one of the week before. It stands in the last sentence.
    """
    start = _last_sentence(question)
    if not compiled(_OF_PAST).search(question, start):
        return None
    for moment in moments_of(question):
        parts = dict(moment.parts)
        day, _ = _days(moment, today)
        if day and day > today and "year" not in parts:
            day, _ = _days(moment, today.replace(day=1) - _DAY)
        if day and "day" in parts and "month" in parts and moment.start >= start:
            return day.isoformat(), moment.span
    named = compiled(_DAY_NAMED).search(question, start)
    if named is None:
        return None
    back = 2 if named["before"] else _DAYS_AGO.get((named["ago"] or "").lower(), 0)
    if named["weekday"]:
        since = today.weekday() - WEEKDAYS.index(named["weekday"].lower())
        back = since + 7 if named["last"] else since % 7 or 7
    return (today - _DAY * back).isoformat(), named.span()


def _last_sentence(question: str) -> int:
    """Where the last sentence of a question begins."""
    return sentence_spans(question)[-1][0] if question.strip() else 0


def day_named(name: str, text: str, today: date) -> str:
    """The first day of what a filter names, or for "until" the last one, as ISO; "" for "".

    :param name: "since" or "until".
    :raises UsageError: the text names no day, month or year.
    """
    words = " ".join(text.lower().split())
    if not words:
        return ""
    if words in _DAYS_AGO:
        return (today - _DAY * _DAYS_AGO[words]).isoformat()
    first = last = None
    if named := compiled(_NAMED).fullmatch(words):
        first, last = _named(named["which"], named["unit"], today)
    else:
        stated = words.removeprefix("in ").title()  # "may" is a verb
        for moment in moments_of(stated):
            parts = dict(moment.parts)
            is_whole = moment.span == (0, len(stated))
            # 02/05/2026 may be a day of two months, so that only its year is known.
            is_known = "month" in parts or ("year" in parts and stated.isdigit())
            if is_whole and is_known:
                first, last = _days(moment, today)
    if first is None or last is None:
        hint = Hint("2025-03-31, 2025-03, 2025, March 2025 or last month")
        raise UsageError(f"{name}: {text[:40]!r} is not a date", hint=hint)
    return (last if name == "until" else first).isoformat()


def _named(which: str, unit: str, today: date) -> tuple[date, date]:
    """The first and last day of a week, month or year: the one of today, or the one before."""
    first, last = _unit(unit.lower(), today)
    return (first, last) if which.lower() == "this" else _unit(unit.lower(), first - _DAY)


def _unit(unit: str, day: date) -> tuple[date, date]:
    if unit == "week":
        first = day - _DAY * day.weekday()
        return first, first + 6 * _DAY
    month = 1 if unit == "year" else day.month
    later = date(day.year, 12, 31) if unit == "year" else day.replace(day=28) + 4 * _DAY
    return day.replace(month=month, day=1), later if unit == "year" else later - _DAY * later.day


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
            return Period((last + _DAY).isoformat())
        case "before":
            return Period("", (first - _DAY).isoformat())
        case "until":
            return Period("", last.isoformat())
    return Period(first.isoformat(), last.isoformat())
