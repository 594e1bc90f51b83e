"""What must hold of all that ragqa prints, and a place to catch it."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, TextIOWrapper
from typing import Any

from ragqa.types import Citation

UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_LINK = re.compile(r"\x1b\]8;[^;\x1b]*;([^\x1b]*)\x1b\\")
_STYLE = re.compile(r"\x1b\[(?:[0-9;]*[mAK]|\?25[lh])")


class Stream(TextIOWrapper):
    """A stream in memory, which can pass for a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__(BytesIO(), encoding="utf-8", errors="strict", newline="\n")
        self._terminal = terminal

    def isatty(self) -> bool:
        """Whether it passes for a terminal."""
        return self._terminal

    def text(self) -> str:
        """All that was written."""
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, BytesIO)  # noqa: S101 - it is ours
        return buffer.getvalue().decode("utf-8")


@contextmanager
def printing(*, terminal: bool = False) -> Iterator[tuple[Stream, Stream]]:
    """Catch stdout and stderr; what they hold is checked at the end."""
    held = sys.stdout, sys.stderr
    out, err = Stream(terminal=terminal), Stream(terminal=terminal)
    sys.stdout, sys.stderr = out, err
    try:
        yield out, err
    finally:
        sys.stdout, sys.stderr = held
    check_printed(out.text(), terminal=terminal)
    check_printed(err.text(), terminal=terminal)


def check_printed(text: str, *, terminal: bool) -> None:
    """Nothing steers the terminal but styles and links to notes, which are ragqa's own."""
    if terminal:
        for address in _LINK.findall(text):
            must(address == "" or address.startswith("file://"), f"a link to {address!r}")
        text = _STYLE.sub("", _LINK.sub("", text))
    found = UNSAFE.search(text)
    must(found is None, f"prints {found and text[max(0, found.start() - 20) : found.end() + 20]!r}")


def check_document(text: str) -> dict[str, Any]:
    """What is printed as JSON is one ASCII document without NaN."""
    must(text.isascii(), "JSON is not ASCII")
    document = json.loads(text, parse_constant=_refuse)
    must(isinstance(document, dict), "JSON is no object")
    return dict(document)


def check_citation(citation: Citation, text: str, sha256: str) -> None:
    """A citation quotes its note exactly, and names the lines that it stands on."""
    start, end = citation.chars
    must(0 <= start < end <= len(text), f"cites {citation.chars} of {len(text)} characters")
    must(citation.quote == text[start:end], f"quotes {citation.quote!r}")
    must(citation.note_sha256 == sha256, "cites another version")
    must(citation.lines == lines_of(text, start, end), f"cites lines {citation.lines}")
    if citation.span is not None:
        must(start <= citation.span[0] < citation.span[1] <= end, f"marks {citation.span}")


def lines_of(text: str, start: int, end: int) -> tuple[int, int]:
    """The lines that a stretch of a text begins and ends on, counted from 1."""
    return text.count("\n", 0, start) + 1, text.count("\n", 0, end - 1) + 1


def must(holds: object, otherwise: str) -> None:
    """Break the run unless this holds."""
    if not holds:
        raise AssertionError(otherwise)


def _refuse(constant: str) -> None:
    raise AssertionError(f"JSON holds {constant}")
