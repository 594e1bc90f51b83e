"""Builds a text of the same length as its source, in which markup is blank."""

import re

from ragqa.types import FILL

_NOT_LINE_END = re.compile(r"[^\r\n]")
_BLANK_LINE = re.compile(r"(?>\r\n|\r|\n)[ \t]*[\r\n]")


def blank(source: str, fill: str = " ") -> str:
    """Markup made blank; line ends stay, so that lines keep their numbers."""
    return _NOT_LINE_END.sub(fill, source)


class View:
    """A text in the making: what is not put into it before `end` becomes blank.

    Markup between two characters that belong together, as in `<b>K</b>ubernetes`, becomes `FILL`,
    which no reader sees and no word ends at; any other becomes spaces.

    :ivar is_code: whether white space counts, so that all inline markup becomes `FILL`.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._pieces: list[str] = []
        self.is_code = False
        self._at = 0

    def put(self, start: int, end: int, text: str = "", *, joined: bool = True) -> int:
        """Put text in place of `source[start:end]`, or that itself; returns its number.

        :param text: not longer than what it replaces; rests are filled.
        :param joined: whether only inline markup stands between it and what was put before.
        """
        if start < self._at:
            return len(self._pieces) - 1
        text = text or self._source[start:end]
        before = self._pieces[-1][-1:] if self._pieces else ""
        is_within = joined and (self.is_code or bool(before.strip() and text[:1].strip()))
        gap = self._source[self._at : start]
        rest = blank(self._source[start + len(text) : end], FILL if text.strip() else " ")
        self._pieces += [blank(gap, FILL if is_within else " "), text + rest]
        self._at = end
        return len(self._pieces) - 1

    def erase(self, number: int) -> None:
        """Make blank what was put."""
        self._pieces[number] = blank(self._pieces[number])

    def break_line(self, start: int, indent: int = 0) -> None:
        """Let a line begin before what is put at `start`, with at most this indent."""
        gap = blank(self._source[self._at : start])
        at = len(gap) - indent - 1
        if at >= 0 and gap.rfind("\n") < at:
            self._put_gap(f"{gap[:at]}\r{gap[at + 1 :]}")

    def break_paragraph(self, start: int, indent: int = 0) -> None:
        """Let a blank line stand before what is put at `start`, with at most this indent.

        If there is room. A bare carriage return ends a line, but does not count as one.
        """
        gap = blank(self._source[self._at : start])
        line = gap.rfind("\n") + 1
        is_apart, is_indented = bool(_BLANK_LINE.search(gap)), len(gap) - line > indent
        if len(gap) < 2 or (is_apart and not is_indented):
            return
        at = max(len(gap) - indent - 1, line, 1)
        if not line:
            self._put_gap(f"{gap[: at - 1]}\r\r{gap[at + 1 :]}")
        elif at < len(gap):
            self._put_gap(f"{gap[:at]}\r{gap[at + 1 :]}")
        elif line > 3:
            self._put_gap(f"\r{gap[1:]}")

    def end(self) -> str:
        """The whole text."""
        self._put_gap(blank(self._source[self._at :]))
        return "".join(self._pieces)

    def _put_gap(self, gap: str) -> None:
        self._pieces.append(gap)
        self._at += len(gap)
