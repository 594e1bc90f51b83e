"""An answer as Markdown to keep: sources with their quotes, and a record to verify it by."""

import os
import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from ragqa.render.results import NOT_IN_NOTES, mark_of
from ragqa.render.sanitise import safe_line, safe_text
from ragqa.types import Answer
from ragqa.verifying import defused, record_of

# What begins markup in CommonMark, GitHub's dialect, Obsidian or TeX mathematics. An image needs
# its bracket, and a list or a heading its place at the start of a line.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~$^=%&@]|(?<=www)\.|(?<=mailto):|:(?=//|:)", re.IGNORECASE)
_LIST = re.compile(r"^(\d{0,9})(?=[-+:.)])")
_INDENT = "   "

_VERIFY_BY = (
    "By this record `ragqa verify FILE` tells later whether the notes still say the same.\n"
)
_NO_SOURCE = "By this record ragqa knows this file as an answer, and quotes nothing from it.\n"


def answer_markdown(answer: Answer) -> str:
    """The answer as Markdown, in which what notes say is text: no link, image or HTML of theirs."""
    return "\n".join(_blocks(answer))


def _blocks(answer: Answer) -> Iterator[str]:
    yield f"# {escaped(answer.question)}\n"
    if not answer.answered:
        yield f"**{NOT_IN_NOTES}**\n"
    elif not answer.sure:
        yield f"**{escaped(mark_of(answer))}**\n"
    if answer.text:
        # A backslash keeps the break at the end of a line, so that code keeps its lines.
        yield "\\\n".join(map(escaped, safe_text(answer.text).split("\n"))) + "\n"
    yield f"Confidence that your notes answer this: {answer.confidence:.2f}\n"
    if answer.citations:
        yield "## Sources\n"
        for cited in answer.citations:
            place = _place(cited.path, cited.lines, cited.heading)
            yield f"{cited.n}. {place}\n\n{fenced(cited.quote)}\n"
    elif answer.hits:
        yield "## Nearest passages\n"
        for n, hit in enumerate(answer.hits, start=1):
            passage = hit.passage
            place = _place(passage.path, passage.lines, passage.heading)
            yield f"{n}. {place}\n\n{fenced(passage.text)}\n"
    if answer.warnings:
        yield "## Warnings\n"
        yield "".join(f"- {escaped(warning)}\n" for warning in answer.warnings)
    yield _VERIFY_BY if answer.citations else _NO_SOURCE
    yield f"```json\n{record_of(answer)}\n```\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    line = _MARKUP.sub(r"\\\g<0>", safe_line(" ".join(text.split())))
    return _LIST.sub(r"\1\\", line)


def fenced(text: str) -> str:
    """Text as an indented block of code, with a fence that is longer than any in the text."""
    lines = safe_text(defused(text)).split("\n")
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join(_INDENT + line for line in [f"{fence}text", *lines, fence])


def _place(path: str, lines: tuple[int, int], heading: Sequence[str]) -> str:
    """Path, lines and headings; the link counts from the folder of notes: it names no machine."""
    first, last = lines
    shown = f"{path}:{first}" if first == last else f"{path}:{first}-{last}"
    target = quote(os.fsencode(path), safe="/")
    return " \u203a ".join([f"[{escaped(shown)}]({target})", *map(escaped, heading)])
