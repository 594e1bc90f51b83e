"""Daily notes of an Obsidian vault, and the day that a question names, in figures or words."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path, PurePosixPath

from ragqa.corpus import Corpus
from ragqa.notes.ignore import VAULT_FOLDER, read_settings
from ragqa.text.dates import day_of, moments_of, months_of
from ragqa.text.lexicon import STOP_WORDS, WEEKDAYS, one_of
from ragqa.text.words import compiled
from ragqa.types import Span

# "Is it open on Sunday?" is not about a day that is over.
_OF_PAST = r"(?i)\b(?:did|was|were|ha[ds]|have|happened|went|journal|diary|daily|notes?)\b"
_WORDS = (
    r"(?i)\b(?P<before>the )?day before yesterday\b|\b(?P<ago>yesterday|today)\b"
    rf"|\b(?P<last>last )?(?P<weekday>{one_of('weekdays')})\b"
)
_POINTED = r"(?<![\w.])(\d{1,2})\.\s?(\d{1,2})\.(?:\s?(\d{4}))?(?!\w)"
_ON = rf"(?i)\b(?:on(?: the)?|{one_of('weekdays')}),?\s+\Z"
_AFTER_DAY = (
    r"(?i)(?:\s+(?:morning|afternoon|evening|night))?\W*\Z"
    r"|(?:['\u2019]s)?\s+(?:daily |journal )?(?:note|journal|entry|diary)\b"
)
_TIMES_OF_DAY = ("morning", "afternoon", "evening", "night")
# The parts of a format of moment.js, which Obsidian writes dates by; text in brackets is literal.
_PART = r"\[([^\[\]]*)\]|YYYY|YY|M{1,4}|Do|DD?|d{2,4}"


def day_in(question: str, today: date) -> tuple[date, Span] | None:
    """The day whose note a question is about, and the span of its words for that day.

    A date without a year is the last one before tomorrow; a weekday is the last one before today,
    with "last" the one of the week before.
    """
    if compiled(_OF_PAST).search(question) is None:
        return None
    for year, month, day, span in _written(question):
        try:
            meant = date(year or today.year, month, day)
            return (meant if year or meant <= today else meant.replace(year=today.year - 1)), span
        except ValueError:
            continue
    words = next(filter(_is_day, compiled(_WORDS).finditer(question)), None)
    if words is None:
        return None
    back = 2
    if words["weekday"]:
        number = WEEKDAYS.index(words["weekday"].lower())
        since = today.weekday() - number
        back = since + 7 if words["last"] else since % 7 or 7
    elif words["ago"]:
        back = int(words["ago"].lower() == "yesterday")
    return today - timedelta(days=back), words.span()


def _is_day(words: re.Match[str]) -> bool:
    """Whether words name a day; a weekday may describe a noun, as in "Sunday opening hours"."""
    text, end = words.string, words.end()
    if not words["weekday"] or compiled(_AFTER_DAY).match(text, end):
        return True
    if not (words["last"] or compiled(_ON).search(text, 0, words.start())):
        return False
    following = compiled(r"\s+(\w+)").match(text, end)
    if following is None:
        return text[end] not in "'\u2019-"
    return following[1].lower() in STOP_WORDS.union(_TIMES_OF_DAY)


def _written(question: str) -> Iterator[tuple[int | None, int, int, Span]]:
    """The year, month and day of each date in figures or with the name of its month."""
    for match in compiled(_POINTED).finditer(question):
        if not match[3] and not compiled(_ON).search(question, 0, match.start()):
            continue  # a version, as in "fixed in 1.2."
        yield int(match[3]) if match[3] else None, int(match[2]), int(match[1]), match.span()
    for moment in moments_of(question):
        parts = dict(moment.parts)
        if "month" in parts and "day" in parts:
            year = int(parts["year"]) if "year" in parts else None
            yield year, int(parts["month"]), int(parts["day"]), moment.span


def paths_of_day(corpus: Corpus, day: date) -> Iterator[str]:
    """Where each vault among the folders keeps the note of a day, whether or not it is there."""
    for prefix, folder in corpus.prefixed:
        if os.path.isdir(folder / VAULT_FOLDER):  # noqa: PTH112 - False where that cannot be told
            yield prefix + _path(folder, day)


def paths_in_words(corpus: Corpus, question: str, named: tuple[date, Span]) -> list[str]:
    """The daily notes of a day named in words, as `day_in` gave it; none for a date."""
    day, (start, end) = named
    return [] if _is_date(question[start:end]) else list(paths_of_day(corpus, day))


def named_by_day(paths: Iterable[str], question: str, named: tuple[date, Span]) -> Sequence[str]:
    """The notes whose file's name has the day that `day_in` gave, those that say little else first.

    If the question names no year, the same day of earlier years follows, the latest year first.
    """
    day, (start, end) = named
    wanted, words = day.isoformat(), question[start:end]
    has_year = compiled(r"\d{4}").search(words) or not _is_date(words)
    matches = []
    for path in paths:
        name = PurePosixPath(path).stem
        written = day_of(name) if str(day.day) in name else ""
        is_before = not has_year and written < wanted and written[4:] == wanted[4:]
        if is_before or written == wanted:
            matches.append((written, -len(name), path))
    return [path for *_, path in sorted(matches, reverse=True)]


def _is_date(words: str) -> bool:
    """Whether a day is named by its date: "1.4.", "first of April", but not "yesterday"."""
    return any(map(str.isdigit, words)) or bool(months_of(words))


def _path(vault: Path, day: date) -> str:
    try:
        settings = read_settings(vault, f"{VAULT_FOLDER}/daily-notes.json")
    except (OSError, ValueError):
        settings = {}  # the notes are still there
    name = formatted(str(settings.get("format") or "YYYY-MM-DD"), day)
    return f"{PurePosixPath(str(settings.get('folder') or '').strip('/'), name)}.md"


def formatted(form: str, day: date) -> str:
    """A day in a format of moment.js."""
    number = day.day
    ending = "th" if 10 < number < 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    values = {
        "YYYY": f"{day.year:04}", "YY": f"{day:%y}", "Do": f"{number}{ending}",
        "MMMM": f"{day:%B}", "MMM": f"{day:%b}", "MM": f"{day:%m}", "M": f"{day.month}",
        "DD": f"{day:%d}", "D": f"{number}",
        "dddd": f"{day:%A}", "ddd": f"{day:%a}", "dd": f"{day:%a}"[:2],
    }  # fmt: skip
    return compiled(_PART).sub(lambda part: values.get(part[0], part[1] or ""), form)
