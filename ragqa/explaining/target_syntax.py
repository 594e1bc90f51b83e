"""Parse the target syntax for a note or a part of it, and find the lines of that part."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragqa.errors import UsageError
from ragqa.notes import parse_note
from ragqa.types import Block, Kind, Stamp, counted

_WIKILINK = re.compile(r"\[\[([^\[\]|\n]+)(?:\|[^\[\]\n]*)?\]\]")
_LINES = re.compile(r"(?s)(.+):(-?\d{1,9})(?:-(\d{1,9}))?")
_LINE_AND_COLUMN = re.compile(r"(?s)(.+):(\d{1,9}):\d{1,9}")
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_MAX_HEADING = 100
_MAX_COMPARED = 1_000
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Spot:
    """A note's name, with the lines or the heading given, if any."""

    name: str
    lines: tuple[int, int] | None = None
    heading: str = ""


def readings(text: str) -> Iterator[Spot]:
    """Yield every reading of a target, the plainest first: a name may contain a colon or `#`.

    The forms are `NOTE`, `NOTE:LINE`, `NOTE:FIRST-LAST`, `NOTE:LINE:COLUMN` as in editors,
    `NOTE#HEADING`, and a wikilink to any of these.
    """
    if text:
        yield Spot(text)
    link = _WIKILINK.fullmatch(text)
    if link:
        yield from readings(link[1])
    lines = _LINES.fullmatch(text)
    if lines:
        first = int(lines[2])
        last = int(lines[3] or first)
        yield Spot(lines[1], (min(first, last), max(first, last)))
    place = _LINE_AND_COLUMN.fullmatch(text)
    if place:
        yield Spot(place[1], (int(place[2]), int(place[2])))
    # Of several headings the last one counts: NOTE#HEADING#SUBHEADING.
    for name in dict.fromkeys((text.rpartition("#")[0], text.partition("#")[0])):
        heading = text.rpartition("#")[2].strip()
        if name and heading:
            yield Spot(name, heading=heading)


def lines_of(spot: Spot, path: str, text: str) -> tuple[int, int] | None:
    """The lines of a spot in its note's text; None for the whole note.

    :raises UsageError: the note has no such line or heading.
    """
    if spot.heading:
        return _below(spot.heading, path, text)
    if spot.lines is None:
        return None
    first, last = spot.lines
    total = text.count("\n") + (not text.endswith("\n") and bool(text))
    if first < 1:
        raise UsageError(
            f"lines count from 1, so {path} has no line {first}", hint=_target(f"{path}:1")
        )
    if first > total:
        raise UsageError(
            f"{path} has {counted(total, 'line')}, so there is no line {first}",
            hint=_target(f"{path}:{total}" if total else path),
        )
    return first, min(last, total)


def _below(heading: str, path: str, text: str) -> tuple[int, int]:
    """The lines of a heading's section, up to the next heading of its level or above."""
    blocks = parse_note(path, text, "", Stamp(0, 0)).blocks
    headings = [block for block in blocks if block.kind is Kind.HEADING]
    wanted = _folded(heading)
    for at, found in enumerate(headings):
        if _folded(found.label) == wanted:
            after = (other.start for other in headings[at + 1 :] if other.level <= found.level)
            end = next(after, len(text))
            first = 1 + text.count("\n", 0, found.start)
            return first, first + text[found.start : end].rstrip().count("\n")
    raise UsageError(
        f"{path} has no heading {heading[:_MAX_HEADING]!r}",
        hint=", or ".join(_target(f"{path}#{label}") for label in _alike(wanted, headings))
        or _target(path),
    )


def _alike(wanted: str, headings: Sequence[Block]) -> list[str]:
    """The headings most similar to the wanted one, else the first ones."""
    from difflib import get_close_matches

    labels = {_folded(one.label): one.label for one in headings[:_MAX_COMPARED] if one.label}
    close = get_close_matches(wanted[:_MAX_HEADING], labels, n=_SHOWN)
    return [labels[name] for name in close] or list(labels.values())[:_SHOWN]


def _folded(heading: str) -> str:
    """A heading's words in lower case, which match however it is typed or linked."""
    return _BETWEEN_WORDS.sub(" ", heading.casefold()).strip()


def _target(name: str) -> str:
    return f"--target {shlex.quote(name)}"
