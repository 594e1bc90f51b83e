"""Escape untrusted text for Markdown, so that it holds no link, image or HTML."""

import re
import string
from collections.abc import Iterable

from ragqa.sanitise import safe_line, safe_text
from ragqa.types import Span
from ragqa.verifying.saved import defused

# Starts markup in CommonMark, GitHub's dialect, Obsidian or TeX math. Escaping the bracket
# disarms an image; lists are escaped at the start of a line only.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~$^=%&@]|(?<=www)\.|(?<=mailto):|:(?=//|:)", re.IGNORECASE)
_LIST = re.compile(r"^(\d{0,9})(?=[-+:.)])", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{2,}")


def escaped(text: str) -> str:
    """Escape text so that Markdown shows it literally, on one line."""
    return _LIST.sub(r"\1\\", within_line(text))


def within_line(text: str) -> str:
    """Like `escaped`, for text that does not begin a line."""
    return _MARKUP.sub(r"\\\g<0>", safe_line(" ".join(text.split())))


def with_bold(text: str, spans: Iterable[Span]) -> str:
    """Escape text, keep its line breaks, and set spans of it in bold."""
    return _LIST.sub(r"\1\\", with_bold_within_line(text, spans))


def with_bold_within_line(text: str, spans: Iterable[Span]) -> str:
    """Like `with_bold`, for text that does not begin a line.

    Spans that Markdown cannot set in bold stay plain.
    """
    pieces, end = [], 0
    for start, stop in spans:
        if _can_be_bold(text, start, stop):
            pieces += [piece_of_line(text[end:start]), f"**{piece_of_line(text[start:stop])}**"]
            end = stop
    return "".join([*pieces, piece_of_line(text[end:])]).strip()


def _can_be_bold(text: str, start: int, stop: int) -> bool:
    """Whether asterisks can open and close here; not between a letter and a sign (`US|$5`)."""
    if not 0 <= start < stop <= len(text):
        return False
    edges = [(text[start], text[:start][-1:]), (text[stop - 1], text[stop : stop + 1])]
    return all(
        inner.isalnum() or (inner.strip() and (not outer.strip() or outer in string.punctuation))
        for inner, outer in edges
    )


def piece_of_line(text: str) -> str:
    """Escape text within a line, keeping its line breaks and one space at either end."""
    # A backslash at the end of a line keeps the line break.
    blocks = _BLANK_LINES.split(safe_text(text))
    shown = "\n\n".join("\\\n".join(map(within_line, block.split("\n"))) for block in blocks)
    return f"{' ' * text[:1].isspace()}{shown}{' ' * text[-1:].isspace()}"


def fenced(text: str, language: str = "") -> str:
    """Return text as a code block, with a fence longer than any in the text.

    :param language: use `text` for quotes only: `ragqa verify` compares them with the record.
    """
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{safe_text(defused(text))}\n{fence}"
