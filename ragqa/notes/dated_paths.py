"""The day that a note's path names, such as `minutes/Regular Member Meeting 2024 05 14.md`."""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import PurePosixPath

from ragqa.text.dates import MONTH, NUMBER_OF_MONTH
from ragqa.text.words import compiled

_MAX_CHARS = 300
_MONTHS_IN_YEAR = 12
_YEAR = r"(?P<y>(?:19|20)\d\d)"
_MONTH, _DAY = rf"(?P<m>{MONTH})", r"(?P<d>\d\d?)(?:st|nd|rd|th|\.)?"
_START = r"(?xia)(?<![^\W_])(?<!\d[-.,)])"
_END = r"(?![^\W_]|[.,]\d)"
_PACKED = r"(?xia)(?<![^\W_])(?<!\d[-.])[a-z]*"  # also in "IMG20260318"
_DAYS = (
    rf"{_START}{_YEAR}(?P<s>[-.\ /])(?P<m>\d\d)(?P=s)(?P<d>\d\d)(?:(?=T\d\d)|{_END})",
    rf"{_START}{_YEAR}(?P<s>[-/])(?P<m>\d\d?)(?P=s)(?P<d>\d\d?){_END}",
    rf"{_START}{_YEAR}(?:/(?P<m>\d\d)[-.\ ]|-(?P<n>\d\d)/)(?P<d>\d\d){_END}",
    rf"{_PACKED}{_YEAR}(?P<m>\d\d)(?P<d>\d\d)(?:[T-]?\d{{4}}(?:\d\d)?)?{_END}",
    rf"{_START}{_YEAR}[-.,\ /]{{0,2}}{_MONTH}[-.\ /]{{0,2}}{_DAY}{_END}",
    rf"{_START}{_DAY}[-.,\ ]{{0,2}}(?:of\ )?{_MONTH}[-.,\ ]{{0,2}}{_YEAR}{_END}",
    rf"{_START}{_MONTH}[-.,\ ]{{0,2}}{_DAY}[-.,\ ]{{1,2}}{_YEAR}{_END}",
    rf"{_START}(?P<d>1[3-9]|2\d|3[01])(?P<s>[-.\ ])(?P<m>\d\d?)(?P=s){_YEAR}{_END}",
    rf"{_START}(?P<m>\d\d?)(?P<s>[-.\ ])(?P<d>1[3-9]|2\d|3[01])(?P=s){_YEAR}{_END}",
)
_WEEKS = (rf"{_START}{_YEAR}[-.\ ]?(?:W|week[-\ ])(?P<w>\d\d?){_END}",)
_MONTHS = (
    rf"{_START}{_YEAR}[-.\ ](?P<m>\d\d){_END}(?![-.\ ]\d)",
    rf"{_START}(?<!\d[-.\ ]){_MONTH}[-.,\ ]{{0,2}}{_YEAR}{_END}",
    rf"{_START}{_YEAR}[-.,\ /]{{0,2}}{_MONTH}(?![^\W_])",
    rf"{_START}{_YEAR}/(?P<m>\d\d){_END}",
)
_ORDERED = rf"{_START}(?P<a>\d\d?)(?P<s>[-.\ ])(?P<b>\d\d?)(?P=s){_YEAR}{_END}"
_BARE_YEAR = rf"{_START}{_YEAR}{_END}"
# A number of these is no date: "RFC 2024-05", "§ 2018 12", "release 2024.05".
_NUMBERED = (
    r"(?i)(?:§\s|[#$€£]|\b(?:v|ver|version|release|rel|art|article|section|sec|rfc|iso|din|en|issue|pr|"
    r"bug|ticket|no|nr|isbn|tel|phone|room))[\s._-]*\Z"
)


def days_of_path(path: str) -> tuple[str, str]:
    """The first and the last day that a note's name, else its folders, name; "" for none.

    They differ for a month and for a week. Both are ISO.
    """
    whole = _readable(path)
    name = whole.rpartition("/")[2]
    for patterns in (_DAYS, _WEEKS, _MONTHS):
        for text in (name, whole):
            spans = [span for pattern in patterns for span in _spans(pattern, text)]
            if spans:
                # The nearest folder counts, but of a name the day that it begins with.
                _, first, last = min(spans) if text is name else max(spans)
                return first, last
    return "", ""


def days_by_siblings(paths: Iterable[str]) -> dict[str, str]:
    """The day of each path that names one only beside the others of its folder, in ISO form.

    A year counts, as its first day, where names differ by it alone: "Annual Meeting 2019". In
    "03-04-2024" the day stands where another name shows it, as "25-04-2024" does.
    """
    folders = defaultdict[str, list[str]](list)
    for path in paths:
        folders[path.rpartition("/")[0]].append(path)
    days = dict[str, str]()
    for siblings in folders.values():
        names = {path: _readable(path).rpartition("/")[2] for path in siblings}
        days |= _first_days(names) | _ordered_days(names)
    return days


def _first_days(names: Mapping[str, str]) -> dict[str, str]:
    """The first day of the year in each of the names that differ by it alone, by path."""
    by_rest = defaultdict[tuple[str, str], dict[str, str]](dict)
    for path, name in names.items():
        match = compiled(_BARE_YEAR).search(name)
        if match and not any(days_of_path(path)):
            by_rest[name[: match.start()], name[match.end() :]][path] = f"{match['y']}-01-01"
    return {
        path: day
        for days in by_rest.values()
        if len(set(days.values())) > 1
        for path, day in days.items()
    }


def _ordered_days(names: Mapping[str, str]) -> dict[str, str]:
    """The day in names such as "03-04-2024" by path, if one of them shows which number it is."""
    matches = {path: compiled(_ORDERED).search(name) for path, name in names.items()}
    numbers = {path: [int(match[n]) for n in "yab"] for path, match in matches.items() if match}
    orders = {(a > _MONTHS_IN_YEAR, b > _MONTHS_IN_YEAR) for _, a, b in numbers.values()}
    if (orders := orders - {(False, False)}) == {(True, False)}:
        days = {path: _iso(year, month, day) for path, (year, day, month) in numbers.items()}
    elif orders == {(False, True)}:
        days = {path: _iso(year, month, day) for path, (year, month, day) in numbers.items()}
    else:
        return {}
    return {path: day for path, day in days.items() if day}


def _readable(path: str) -> str:
    return str(PurePosixPath(path).with_suffix(""))[-_MAX_CHARS:].replace("_", " ")


def _spans(pattern: str, text: str) -> list[tuple[int, str, str]]:
    """Where a pattern matches, with the first and the last day that is named there."""
    spans = []
    for match in compiled(pattern).finditer(text):
        if compiled(_NUMBERED).search(text, 0, match.start()):
            continue
        given = match.groupdict()
        year, month = int(given["y"]), given.get("m") or given.get("n") or "1"
        number = int(month) if month.isdecimal() else NUMBER_OF_MONTH[month[:3].lower()]
        if "w" in given:
            first = _monday(year, int(given["w"]))
            last = first and (date.fromisoformat(first) + timedelta(days=6)).isoformat()
        elif "d" in given:
            first = last = _iso(year, number, int(given["d"]))
        else:
            first = _iso(year, number, 1)
            last = first and _iso(year, number, monthrange(year, number)[1])
        if first:
            spans.append((match.start(), first, last))
    return spans


def _iso(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""


def _monday(year: int, week: int) -> str:
    try:
        return date.fromisocalendar(year, week, 1).isoformat()
    except ValueError:
        return ""
