"""The dates and times of a sentence, and whether two can be the same."""

import re
from dataclasses import dataclass

_MONTHS = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH = (
    r"(?P<{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"(?P<{0}>\d{{1,2}})(?:st|nd|rd|th)?"
_YEAR = r"(?:,? (?P<{0}>1\d{{3}}|20\d\d)\b)?"
_DATE = re.compile(
    r"\b(?P<y1>\d{4})-(?P<m1>\d\d)(?:-(?P<d1>\d\d))?\b"
    rf"|\b{_DAY.format('d2')} (?:of )?{_MONTH.format('m2')}{_YEAR.format('y2')}"
    rf"|\b{_MONTH.format('m3')} {_DAY.format('d3')}\b(?!:){_YEAR.format('y3')}"
    rf"|\b{_MONTH.format('m4')}{_YEAR.format('y4')}"
    r"|\bQ(?P<q>[1-4])(?: (?P<y5>\d{4}))?\b"
    r"|(?<![\w.,$€£#-])(?P<y6>1[5-9]\d\d|20\d\d)(?![\w%]|[.,]\d|-\d)",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"\b(?P<h1>[01]?\d|2[0-3]):(?P<min>[0-5]\d)(?::[0-5]\d)? ?(?P<half1>[ap]m)?\b"
    r"|\b(?P<h2>1[0-2]|[1-9]) ?(?P<half2>[ap]m)\b",
    re.IGNORECASE,
)
_ZONE = re.compile(r" ?(?:UTC|GMT|CES?T|[ECMP][SD]T|BST)\b")
_WEEKDAY = re.compile(rf"\b({'|'.join(_DAYS)})s?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or time in `text[start:end]`; `parts` has what is given of it, such as "month"."""

    parts: tuple[tuple[str, int | str], ...]
    start: int
    end: int


def moments_of(text: str) -> list[Moment]:
    """The dates, weekdays and times of day of a text."""
    found = [_date(match) for match in _DATE.finditer(text) if not _is_modal(match)]
    found += [
        Moment((("weekday", match[1].lower()),), *match.span()) for match in _WEEKDAY.finditer(text)
    ]
    found += [_time(text, match) for match in _CLOCK.finditer(text)]
    return found


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


def _is_modal(match: re.Match[str]) -> bool:
    """Whether it is the verb "may" rather than the month."""
    return match[0] == "may"


def _date(match: re.Match[str]) -> Moment:
    groups = {name: value for name, value in match.groupdict().items() if value}
    parts: dict[str, int | str] = {}
    for name, value in groups.items():
        if name.startswith("y"):
            parts["year"] = int(value)
        elif name.startswith("m"):
            parts["month"] = int(value) if value.isdigit() else _MONTHS.index(value[:3].lower()) + 1
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
    zone = _ZONE.match(text, match.end())
    parts: list[tuple[str, int | str]] = [("clock", hour * 60 + int(match["min"] or 0))]
    if zone:
        parts.append(("zone", zone[0].strip()))
    return Moment(tuple(parts), match.start(), zone.end() if zone else match.end())
