"""What others wrote, escaped: Markdown shows it as it is, with no link, image or HTML of theirs."""

import re
import string
from collections.abc import Iterable

from ragqa.sanitise import safe_line, safe_text
from ragqa.verifying import defused

Span = tuple[int, int]

# What begins markup in CommonMark, GitHub's dialect, Obsidian or TeX mathematics. An image needs
# its bracket, and a list or a heading its place at the start of a line.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~$^=%&@]|(?<=www)\.|(?<=mailto):|:(?=//|:)", re.IGNORECASE)
_LIST = re.compile(r"^(\d{0,9})(?=[-+:.)])", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{2,}")


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _LIST.sub(r"\1\\", within_line(text))


def within_line(text: str) -> str:
    """The same for what does not begin a line."""
    return _MARKUP.sub(r"\\\g<0>", safe_line(" ".join(text.split())))


def with_bold(text: str, spans: Iterable[Span]) -> str:
    """Text with its line breaks, some characters of it in bold."""
    return _LIST.sub(r"\1\\", with_bold_within_line(text, spans))


def with_bold_within_line(text: str, spans: Iterable[Span]) -> str:
    """The same for what does not begin a line.

    Characters that Markdown could not set in bold where they stand are left as they are.
    """
    pieces, end = [], 0
    for start, stop in spans:
        if _can_be_bold(text, start, stop):
            pieces += [piece_of_line(text[end:start]), f"**{piece_of_line(text[start:stop])}**"]
            end = stop
    return "".join([*pieces, piece_of_line(text[end:])]).strip()


def _can_be_bold(text: str, start: int, stop: int) -> bool:
    """Whether asterisks can open and close here: not between a letter and a sign (`US|$5`)."""
    if not 0 <= start < stop <= len(text):
        return False
    edges = [(text[start], text[:start][-1:]), (text[stop - 1], text[stop : stop + 1])]
    return all(
        inner.isalnum() or (inner.strip() and (not outer.strip() or outer in string.punctuation))
        for inner, outer in edges
    )


def piece_of_line(text: str) -> str:
    """Text that may stand within a line, with its own line breaks and a space at its ends."""
    # A backslash keeps the break at the end of a line.
    blocks = _BLANK_LINES.split(safe_text(text))
    shown = "\n\n".join("\\\n".join(map(within_line, block.split("\n"))) for block in blocks)
    return f"{' ' * text[:1].isspace()}{shown}{' ' * text[-1:].isspace()}"


def fenced(text: str, language: str = "") -> str:
    """Text as a block of code, with a fence that is longer than any in the text.

    :param language: `text` is for quotes alone, which `ragqa verify` compares with the record.
    """
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{safe_text(defused(text))}\n{fence}"
