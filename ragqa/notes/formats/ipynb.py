r"""Jupyter notebooks: their cells as Markdown, cited by cell and line.

In the extracted text a form feed begins each cell, and a vertical tab its output. ragqa reads
spaces in their place.
"""

import json
import re
from collections.abc import Iterator, Mapping

from ragqa.notes.decoding import Unfit, decode_text
from ragqa.notes.formats import Content, Reader
from ragqa.types import Span

MAX_CHARS = 20_000_000
MAX_OUTPUT_CHARS = 2_000
MAX_OUTPUT_LINES = 40
"""A longer output of a cell is left out: it is a log or a dump, not something to quote."""

_MARKDOWN, _CODE, _OUTPUT = "\f", "\f ", "\v"
_MARKS = re.compile(r"[\f\v]")
_PLACE = re.compile(
    r"cells?\s*(\d{1,9})(?:[-\u2013](\d{1,9}))?"
    r"(?:, (?:lines?\s*(\d{1,9})(?:[-\u2013](\d{1,9}))?|(output)))?",
    re.IGNORECASE,
)
_NOT_KEPT = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\0\f\v\x1b]")
_TICKS = re.compile(r"`{3,}")
_FENCE = re.compile(r"^ {0,3}```", re.MULTILINE)
# The repr of an object says nothing.
_REPR = re.compile(r"\s*<[^<>\n]*>\s*|\s*\[?<[\w.]+ (?:at|object) .*", re.DOTALL)


def decode(data: bytes) -> str:
    """Extract the text of a notebook.

    :raises Unfit: it is no notebook, or its text is too long.
    """
    try:
        document = json.loads(decode_text(data))
    except ValueError as exc:
        raise Unfit(f"not a notebook: {exc}") from exc
    except RecursionError as exc:
        raise Unfit("not a notebook: its JSON is nested too deeply") from exc
    text = "".join(_cells(document))
    if len(text) > MAX_CHARS:
        raise Unfit(f"its text has {len(text):,} characters, more than {MAX_CHARS:,}")
    return text.encode("utf-8", "replace").decode("utf-8")


def parse(text: str) -> Content:
    """Parse the extracted text."""
    # Late: a question to an up-to-date index needs no parser.
    from ragqa.notes.formats.written import parse as parse_markdown

    return parse_markdown(view(text))


def view(text: str) -> str:
    """The text as ragqa reads it."""
    return _MARKS.sub(" ", text)


def locate(text: str, span: Span) -> str:
    """The cell and lines of a span, such as "cell 3, line 2" or "cell 3, output"."""
    start, end = span
    first = text.count("\f", 0, start + 1)
    last = first + text.count("\f", start + 1, end)
    if last > first:
        return f"cells {max(1, first)}-{last}"
    begin = max(0, text.rfind("\f", 0, start + 1))
    if text.count("\v", begin, start):
        return f"cell {first}, output"
    line = text.count("\n", begin, start)
    last_line = line + text.count("\n", start, end)
    if text.startswith(_CODE, begin):
        # Its fences are no lines of the cell.
        stop = _MARKS.search(text, begin + 1)
        total = text[begin : stop.start() if stop else None].strip().count("\n") - 1
        line, last_line = max(1, line - 1), max(1, min(last_line - 1, total))
    lines = f"line {line}" if line == last_line else f"lines {line}-{last_line}"
    return f"cell {first}, {lines}"


def find(text: str, locator: str) -> Span | None:
    """The span of cells, or of lines or the output of one, as `locate` names them."""
    starts = [mark.start() for mark in re.finditer("\f", text)]
    place = _PLACE.fullmatch(locator)
    if not place:
        return None
    first, last = int(place[1]), int(place[2] or place[1])
    if not 1 <= first <= last <= len(starts):
        return None
    start, end = starts[first - 1], (*starts, len(text))[last]
    output = text.find(_OUTPUT, start, end)
    if place[5]:
        return (output, end) if output >= 0 else None
    if not place[3]:
        return start, end
    lines = text[start : output if output >= 0 else end].rstrip().split("\n")
    # Above the first line is the mark of the cell and, of code, a fence; below its last, another.
    fence = int(text.startswith(_CODE, start))
    begin, stop = fence + int(place[3]), fence + int(place[4] or place[3])
    if not fence < begin <= stop < len(lines) - fence:
        return None
    return start + len("\n".join(lines[:begin])) + 1, start + len("\n".join(lines[: stop + 1]))


def _cells(document: object) -> Iterator[str]:
    sheets = _listed(document, "worksheets") or [document]  # before version 4
    for sheet in sheets:
        if not isinstance(sheet, dict) or not isinstance(sheet.get("cells"), list):
            raise Unfit("not a notebook: it has no list of cells")
        for cell in sheet["cells"]:
            yield from _cell(cell if isinstance(cell, dict) else {})


def _cell(cell: Mapping[str, object]) -> Iterator[str]:
    source = _text(cell.get("source", cell.get("input"))).strip("\n")
    kind = cell.get("cell_type")
    if kind == "heading":
        level = cell.get("level")
        source = f"{'#' * (level if isinstance(level, int) and 0 < level < 7 else 1)} {source}"
    if kind != "code":
        shown = source if kind in ("markdown", "heading") else ""
        # A fence that a cell leaves open must not take the next ones.
        close = "\n```" if len(_FENCE.findall(shown)) % 2 else ""
        yield f"{_MARKDOWN}\n{shown}{close}\n\n"
        return
    yield f"{_CODE}\n{_fenced(source)}"
    output = "\n".join(filter(None, map(_output, _listed(cell, "outputs")))).strip("\n")
    is_short = len(output) <= MAX_OUTPUT_CHARS and output.count("\n") < MAX_OUTPUT_LINES
    if output and is_short:
        yield f"{_OUTPUT}\n{_fenced(output)}"


def _output(output: object) -> str:
    """The text of an output; "" for an image or another object."""
    if not isinstance(output, dict):
        return ""
    if output.get("output_type") in ("error", "pyerr"):
        return f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}"
    data = output.get("data")
    plain = data.get("text/plain") if isinstance(data, dict) else output.get("text")
    text = _text(plain).rstrip()
    return "" if _REPR.fullmatch(text) else text


def _fenced(code: str) -> str:
    """Code between fences longer than any in it; "" for none."""
    longest = max((len(ticks) for ticks in _TICKS.findall(code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{code}\n{fence}\n\n" if code.strip() else "\n"


def _listed(document: object, name: str) -> list[object]:
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, list) else []


def _text(value: object) -> str:
    """A text, which a notebook may hold as a list of lines."""
    lines = value if isinstance(value, list) else [value]
    text = "".join(line for line in lines if isinstance(line, str))
    return _NOT_KEPT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


NOTEBOOK = Reader(parse, view, decode, locate, find)
