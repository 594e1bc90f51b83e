"""References to places in notes, as people type and read them: `note.md:12-15`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ragqa.types import JsonShape

_LINES = re.compile(r"(?s)(.+):(\d{1,9})(?:[-\u2013](\d{1,9}))?")
_LOCATOR = re.compile(r"(?i), (?=(?:pp?\.|pages?|(?:cell|slide|sheet)s?|paragraphs?)\s*\S)")


@dataclass(frozen=True, slots=True)
class Reference:
    """A note by its path or name, and lines, a heading or a locator, as in `Citation`, if named.

    One that was looked up has the note's path, relative to the notes folder if it is inside, and
    the `reason` why that note is not indexed, "" if it is.
    """

    JSON = JsonShape("path lines locator", optional="locator")

    path: str
    lines: tuple[int, int] | None = None
    heading: str = ""
    locator: str = ""
    reason: str = ""


def reference_to(path: str, lines: tuple[int, int], locator: str = "") -> str:
    """A place in a note as `path:first-last`, `path:line` or `path, locator`; not sanitised."""
    if locator:
        return f"{path}, {locator}"
    first, last = lines
    return f"{path}:{first}" if first == last else f"{path}:{first}-{last}"


def readings(text: str) -> Iterator[Reference]:
    """Yield each reference that a text may be, the plainest first: a name may have a colon or `#`.

    The forms are `NOTE`, `NOTE:LINE`, `NOTE:FIRST-LAST`, `NOTE#HEADING`, and `NOTE, LOCATOR`.
    """
    if text:
        yield Reference(text)
    if match := _LINES.fullmatch(text):
        first, last = sorted((int(match[2]), int(match[3] or match[2])))
        yield Reference(match[1], (first, last))
    commas = list(_LOCATOR.finditer(text))
    for comma in dict.fromkeys((*commas[-1:], *commas[:1])):
        yield Reference(text[: comma.start()], locator=text[comma.end() :])
    for name, _, anchor in dict.fromkeys((text.rpartition("#"), text.partition("#"))):
        if name and anchor.strip("# "):
            yield Reference(name, heading=anchor.strip())
