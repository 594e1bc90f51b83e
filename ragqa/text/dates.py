"""The dates and times of a text, and whether two can be the same."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ragqa.languages import ENGLISH
from ragqa.text.lexicon import MONTHS, WEEKDAYS
from ragqa.text.words import compiled

_NUMBERS = {month[:3]: n for n, month in enumerate(MONTHS.split(), start=1)}
_MONTH = (
    r"(?P<{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"(?P<{0}>\d{{1,2}})(?:st|nd|rd|th)?"
_YEAR = r"(?:,? (?P<{0}>1\d{{3}}|20\d\d)\b)?"
_DATE = (
    r"(?i)\b(?P<y1>\d{4})-(?P<m1>\d\d)(?:-(?P<d1>\d\d))?\b"
    rf"|\b{_DAY.format('d2')} (?:of )?{_MONTH.format('m2')}{_YEAR.format('y2')}"
    rf"|\b{_MONTH.format('m3')} {_DAY.format('d3')}\b(?!:){_YEAR.format('y3')}"
    rf"|\b{_MONTH.format('m4')}{_YEAR.format('y4')}"
    r"|\bQ(?P<q>[1-4])(?: (?P<y5>\d{4}))?\b"
    r"|(?<![\w.,$€£#-])(?P<y6>1[5-9]\d\d|20\d\d)(?![\w%]|[.,]\d|-\d)"
)
_CLOCK = (
    r"(?i)\b(?P<h1>[01]?\d|2[0-3]):(?P<min>[0-5]\d)(?::[0-5]\d)? ?(?P<half1>[ap]m)?\b"
    r"|\b(?P<h2>1[0-2]|[1-9]) ?(?P<half2>[ap]m)\b"
)
_ZONE = r" ?(?:UTC|GMT|CES?T|[ECMP][SD]T|BST)\b"
_WEEKDAY = rf"(?i)\b({WEEKDAYS.replace(' ', '|')})s?\b"

# As languages without names for them here write them: "2024-05-03", "3.5.2024", "14.30".
_IN_FIGURES = (
    r"(?<!\d)(?P<y1>\d{4})-(?P<m1>\d\d)(?:-(?P<d1>\d\d))?(?!\d)"
    r"|(?<![\w.,/])(?P<d3>\d{1,2})[./](?P<m3>0?[1-9]|1[0-2])[./](?P<y3>\d{4})\b"
    r"|(?<![\w.,$\u20ac\u00a3#/-])(?P<y6>1[5-9]\d\d|20\d\d)(?![\w%/]|[.,]\d|-\d)"
)
_OTHER_CLOCK = r"(?<![\w.,/:-])(?P<h>[01]?\d|2[0-3])[:.h](?P<min>[0-5]\d)(?![\w:]|[.,]\d)"


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or time in `text[start:end]`; `parts` has what is given of it, such as "month"."""

    parts: tuple[tuple[str, int | str], ...]
    start: int
    end: int


def moments_of(text: str, language: str = ENGLISH) -> list[Moment]:
    """The dates, weekdays and times of day of a text.

    In other languages than English, only those in figures.
    """
    if language != ENGLISH:
        found = [_date(match) for match in compiled(_IN_FIGURES).finditer(text)]
        found += [
            Moment((("clock", int(one["h"]) * 60 + int(one["min"])),), *one.span())
            for one in compiled(_OTHER_CLOCK).finditer(text)
        ]
        return sorted(found, key=lambda moment: moment.start)
    # "may" in lower case is the verb.
    found = [_date(match) for match in compiled(_DATE).finditer(text) if match[0] != "may"]
    found += [
        Moment((("weekday", match[1].lower()),), *match.span())
        for match in compiled(_WEEKDAY).finditer(text)
    ]
    return found + [_time(text, match) for match in compiled(_CLOCK).finditer(text)]


def same_moment(one: Moment, other: Moment) -> bool | None:
    """Whether two can be the same by the parts both give; None if they share none."""
    first, second = dict(one.parts), dict(other.parts)
    for precise, vague in ((first, second), (second, first)):
        if "quarter" in vague and "month" in precise and "quarter" not in precise:
            precise["quarter"] = (int(precise["month"]) + 2) // 3
    shared = first.keys() & second.keys()
    if not shared or first.get("zone", "") != second.get("zone", ""):
        return None
    return all(first[name] == second[name] for name in shared)


def has_moment(moments: Iterable[Moment], claimed: Moment) -> bool:
    """Whether one of the dates has every part of the claimed one."""
    wanted = set(claimed.parts)
    return any(wanted <= set(one.parts) for one in moments)


def in_years(moment: Moment) -> float | None:
    """A date as a number of years, in the middle of what it leaves open; None without a year."""
    parts = dict(moment.parts)
    if "year" not in parts:
        return None
    month, day = float(parts.get("month", 6.5)), int(parts.get("day", 15))
    return int(parts["year"]) + (month - 1) / 12 + day / 365


def _date(match: re.Match[str]) -> Moment:
    groups = {name: value for name, value in match.groupdict().items() if value}
    parts: dict[str, int | str] = {}
    for name, value in groups.items():
        if name.startswith("y"):
            parts["year"] = int(value)
        elif name.startswith("m"):
            parts["month"] = int(value) if value.isdigit() else _NUMBERS[value[:3].lower()]
        elif name.startswith("d"):
            parts["day"] = int(value)
        else:
            parts["quarter"] = int(value)
    return Moment(tuple(parts.items()), *match.span())


def _time(text: str, match: re.Match[str]) -> Moment:
    hour = int(match["h1"] or match["h2"])
    half = (match["half1"] or match["half2"] or "").lower()
    if half:
        hour = hour % 12 + 12 * (half == "pm")
    zone = compiled(_ZONE).match(text, match.end())
    parts: list[tuple[str, int | str]] = [("clock", hour * 60 + int(match["min"] or 0))]
    if zone:
        parts.append(("zone", zone[0].strip()))
    return Moment(tuple(parts), match.start(), zone.end() if zone else match.end())
