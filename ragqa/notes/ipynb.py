"""Jupyter notebooks: their cells as Markdown, cited by cell."""

import json
import re
from collections.abc import Iterator, Mapping

from ragqa.notes.formats import Document, Place, Unfit, decode_text
from ragqa.notes.written import body_of

MAX_OUTPUT_CHARS = 2_000
MAX_OUTPUT_LINES = 40
"""A longer output of a cell is left out: it is a log or a dump, not something to quote."""

_NOT_KEPT = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\0\f\v\x1b]")
_TICKS = re.compile(r"`{3,}")
_ENDS = {f"<{tag}": f"</{tag}>" for tag in ("script", "style", "pre", "textarea")}
_ENDS |= {"<!--": "-->", "<?": "?>", "<![cdata[": "]]>", "<!": ">"}
# The repr of an object says nothing.
_REPR = re.compile(r"\s*<[^<>\n]*>\s*|\s*\[?<[\w.]+ (?:at|object) .*", re.DOTALL)


def convert(data: bytes) -> Document:
    """Convert a notebook; or `Unfit`."""
    try:
        notebook = json.loads(decode_text(data)[0])
    except (ValueError, RecursionError) as exc:
        raise Unfit(f"not a notebook: {exc}") from exc
    pieces, places, length = list[str](), list[Place](), 0
    for number, is_output, text in _cells(notebook):
        places.append(Place(length, number, is_output))
        pieces.append(text.encode("utf-8", "replace").decode("utf-8"))
        length += len(pieces[-1])
    return Document("".join(pieces), "cell", tuple(places))


def _cells(notebook: object) -> Iterator[tuple[int, bool, str]]:
    """The number and text of each cell, and of its output, which is marked as such."""
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise Unfit("not a notebook of version 4 or later: it has no list of cells")
    for number, entry in enumerate(notebook["cells"], start=1):
        cell: Mapping[str, object] = entry if isinstance(entry, dict) else {}
        source = _text(cell.get("source")).strip("\n")
        if cell.get("cell_type") == "markdown":
            yield number, False, f"{_closed(source)}\n\n"
        elif cell.get("cell_type") == "code":
            yield number, False, _fenced(source)
            outputs = cell.get("outputs")
            shown = map(_output, outputs if isinstance(outputs, list) else [])
            output = "\n".join(filter(None, shown)).strip("\n")
            is_short = len(output) <= MAX_OUTPUT_CHARS and output.count("\n") < MAX_OUTPUT_LINES
            if output.strip() and is_short:
                yield number, True, _fenced(output)


def _closed(source: str) -> str:
    """A Markdown cell, its open fence or comment closed, so that it takes no later cell with it."""
    fences = (max(re.findall(run, source), default="") for run in ("`{3,}", "~{3,}"))
    ends = [*filter(None, fences), *(_ENDS[mark] for mark in _ENDS if mark in source.lower())]
    for end in ("", *ends) if ends else ():
        closed = f"{source}\n{end}".rstrip("\n")
        if body_of(f"{closed}\n\n.", 0, is_plain=False)[0][-1].start > len(closed):
            return closed
    return source


def _output(output: object) -> str:
    """The text of an output; "" for an image or another object."""
    if not isinstance(output, dict):
        return ""
    if output.get("output_type") == "error":
        return f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}"
    data = output.get("data")
    has = data if isinstance(data, dict) else {"text/plain": output.get("text")}
    text = _text(has.get("text/markdown") or has.get("text/plain")).rstrip()
    return "" if _REPR.fullmatch(text) else text


def _fenced(code: str) -> str:
    """Code between fences longer than any in it; "" for none."""
    fence = max(_TICKS.findall(code), default="``") + "`"
    return f"{fence}\n{code}\n{fence}\n\n" if code.strip() else ""


def _text(value: object) -> str:
    """A text, which a notebook may hold as a list of lines."""
    lines = value if isinstance(value, list) else [value]
    text = "".join(line for line in lines if isinstance(line, str))
    return _NOT_KEPT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
