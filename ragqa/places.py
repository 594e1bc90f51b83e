"""Places in notes and numbers of citations: the one grammar by which they are written and read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

CITED = re.compile(r"\[(\d+)\]")
"""The number of a citation in an answer; what is no citation has spaces within the brackets."""

_LINES = re.compile(r"(?s)(.+):(\d{1,9})(?:[-\u2013](\d{1,9}))?")
_LOCATOR = re.compile(r"(?i), (?=(?:pp?\.|pages?|(?:cell|slide|sheet)s?|paragraphs?)\s*\S)")


@dataclass(frozen=True, slots=True)
class Place:
    """A note by its path or name, and lines, a heading or a locator, as in `Citation`, if named."""

    path: str
    lines: tuple[int, int] | None = None
    heading: str = ""
    locator: str = ""


def address(path: str, lines: tuple[int, int], locator: str = "") -> str:
    """A place in a note as `path:first-last`, `path:line` or `path, locator`; not sanitised."""
    if locator:
        return f"{path}, {locator}"
    first, last = lines
    return f"{path}:{first}" if first == last else f"{path}:{first}-{last}"


def readings(text: str) -> Iterator[Place]:
    """Yield every reading of an address, the plainest first: a name may contain a colon or `#`.

    The forms are `NOTE`, `NOTE:LINE`, `NOTE:FIRST-LAST`, `NOTE#HEADING`, and `NOTE, LOCATOR`.
    """
    if text:
        yield Place(text)
    if match := _LINES.fullmatch(text):
        first, last = sorted((int(match[2]), int(match[3] or match[2])))
        yield Place(match[1], (first, last))
    commas = list(_LOCATOR.finditer(text))
    for comma in dict.fromkeys((*commas[-1:], *commas[:1])):
        yield Place(text[: comma.start()], locator=text[comma.end() :])
    for name, _, anchor in dict.fromkeys((text.rpartition("#"), text.partition("#"))):
        if name and anchor.strip("# "):
            yield Place(name, heading=anchor.strip())
