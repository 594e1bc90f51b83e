"""What is shown of a unit: the slices of its quote that were found at indexing, and their styles.

A text's own bracketed numbers are told from citations by spaces: `[1]` is ragqa's, `[ 1 ]` the
text's. These change the meaning of neither prose nor code, and any terminal can show them.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise

from msgspec import Struct

from ragqa.text.words import compiled
from ragqa.types import ADDED, Kind, Look, Seam, Slice, Span, Unit

# White space other than a single space.
_SPACE = r"[^\S ]\s*| \s+"
_AS_SPACE = {ord(char): " " for char in "\t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029"}
_SEAMS = {Seam.CELLS: " | ", Seam.TITLE: ": ", Seam.FIELD: "; ", Seam.LINE: " "}
QUOTE_MARKS = r"(?m)^[ \t]*(?:>[ \t]?)+"
CELL_BAR = r"(?<!\\)\|"
_INDENT = r"(?m)^[ \t]*(?=\S)"
_CODE_INDENT = 4
_OPENING = (":", "{", "(", "[")
_OWN = r"\[(\d+(?:\s*[,;\u2013]\s*\d+)*)\]"
_LEAD = r"(?:[^.:;\u2013\u2014]|[.:](?!\s|$))+"
_SHORT_ITEM = 60
_LONG_CONTEXT = 80
BOX = r"\[([ xX/-])\]\s+"
_STATES = {" ": "open", "x": "done", "X": "done", "/": "in progress", "-": "cancelled"}
TASK_STATES = {char: f"({state}) " for char, state in _STATES.items()}
"""What is shown of the box of a task, by the character in it."""

# Code, which has no marks, comes first.
_STRUCK = (
    r"(?s)(`+)(?!`).{1,1000}?(?<!`)\1(?!`)"
    r"|(?<![\\~])~~(?![\s~]).{1,1000}?(?<![\s~\\])~~(?!~)"
    r"|<(?P<tag>(?i:del|s|strike))\b[^<>]*>.{1,1000}?</(?P=tag)>"
)
# "Database: PostgreSQL", "Deadline - 2 May", or a sentence.
_FACT = (
    r"(?s)[^:\uff1a]{1,60}?(?::\s|\uff1a|\s(?:[=\u2013\u2014-]|->)\s)\s*\S"
    r"|.*[^.\s][.!\u3002\uff01]\s*\Z"
)


class Shown(Struct, frozen=True):
    """A text, with the offset in the note and the `Look` of each character.

    Offsets ascend, except that of a character that is not in the note: `ADDED`.
    """

    text: str
    at: Sequence[int]
    looks: bytes

    @classmethod
    def of(cls, text: str, start: int = 0, look: int = 0) -> "Shown":
        """Text that begins at this offset in the note."""
        return cls(text, range(start, start + len(text)), bytes([look]) * len(text))

    @classmethod
    def added(cls, text: str, at: int = ADDED, look: int = 0) -> "Shown":
        """Text that is not in the note, or that stands for the character at this offset."""
        return cls(text, [at] * len(text), bytes([look]) * len(text))

    @classmethod
    def joined(cls, pieces: Iterable["Shown"], between: str = "") -> "Shown":
        """The pieces one after another."""
        pieces = list(pieces)
        if between:
            gap = cls.added(between)
            pieces = [one for piece in pieces for one in (gap, piece)][1:]
        if len(pieces) == 1:
            return pieces[0]
        return cls(
            "".join(piece.text for piece in pieces),
            list(chain.from_iterable(piece.at for piece in pieces)),
            b"".join(piece.looks for piece in pieces),
        )

    def __bool__(self) -> bool:
        """Whether it has any characters."""
        return bool(self.text)

    def __getitem__(self, part: slice) -> "Shown":
        """A slice of its characters."""
        return Shown(self.text[part], self.at[part], self.looks[part])

    @property
    def width(self) -> int:
        """Its width in columns."""
        wide = sum(unicodedata.east_asian_width(char) in "WF" for char in self.text)
        return len(self.text) + wide - sum(unicodedata.combining(char) > 0 for char in self.text)

    def split(self, pattern: str, most: int = 0) -> list["Shown"]:
        """The pieces between the matches, of which there may be a limit."""
        ends = [found.span() for found in compiled(pattern).finditer(self.text)][: most or None]
        starts = [0, *(end for _, end in ends)]
        last = len(self.text), 0
        return [self[a:b] for a, (b, _) in zip(starts, [*ends, last], strict=True)]

    def without(self, pattern: str) -> "Shown":
        """The same without the matches."""
        return Shown.joined(pieces) if len(pieces := self.split(pattern)) > 1 else self

    def strip(self, chars: str | None = None) -> "Shown":
        """The same without these characters, or white space, at both ends."""
        end = len(self.text.rstrip(chars))
        start = len(self.text) - len(self.text.lstrip(chars))
        return self[min(start, end) : end]


def slices_shown(unit: Unit, quote: str) -> Shown:
    """What is shown of a unit, with white space as it stands and a `Seam` between its parts.

    :param quote: the unit's text in the note.
    """
    slices = [Slice(0, len(quote))] if unit.slices is None else unit.slices
    pieces = []
    for one in slices:
        start = unit.start + one.start
        if one.look & Look.MARK:
            continue
        if one.text is not None:
            pieces.append(Shown.added(one.text, start if one.end > one.start else ADDED, one.look))
            continue
        text = quote[one.start : one.end]
        text = text if unit.kind is Kind.CODE else text.translate(_AS_SPACE)
        pieces.append(Shown.of(text, start, one.look))
    return Shown.joined(pieces)


def spaced(text: Shown, *, lines: bool = False) -> Shown:
    """The text with single spaces, or what its seams stand for; inline code keeps its spaces.

    :param lines: whether lines, and a title and fields, stand on lines of their own.
    """
    text = text.strip()
    # As long as the text; its code has no space.
    pairs = zip(text.text, text.looks, strict=True)
    masked = "".join("x" if look & Look.CODE else char for char, look in pairs)
    pieces, end = list[Shown](), 0
    for found in compiled(_SPACE).finditer(masked):
        seam = next((seam for seam in _SEAMS if seam in found[0]), None)
        between = _SEAMS[seam] if seam else " "
        between = "\n" if lines and seam and seam != Seam.CELLS else between
        start = found.start()
        pieces += [text[end:start], Shown.added(between, text.at[start], text.looks[start])]
        end = found.end()
    return Shown.joined([*pieces, text[end:]]) if pieces else text


def shown(unit: Unit, quote: str) -> Shown:
    """What is shown of a unit on one line."""
    return spaced(slices_shown(unit, quote))


def without_indent(code: Shown, *, is_whole: bool) -> Shown:
    """Lines of code without the indent that they share.

    :param is_whole: whether the indent of the first line is among them.
    """
    indents = [len(indent) for indent in compiled(_INDENT).findall(code.text)]
    if not is_whole:
        del indents[:1]
        if code.text.partition("\n")[0].rstrip().endswith(_OPENING):
            indents += [indent - _CODE_INDENT for indent in indents[:1]]
    shared = min(indents, default=0)
    return code.without(rf"(?m)^[ \t]{{1,{shared}}}") if shared > 0 else code


def mark_of(unit: Unit, quote: str) -> str:
    """The mark of an item as it is shown, such as `- ` or `1. `; "" for none."""
    marks = (quote[one.start : one.end] for one in unit.slices or () if one.look & Look.MARK)
    mark = next(marks, "")
    return f"{mark if mark[0].isdigit() else '-'} " if mark else ""


def cells(unit: Unit, quote: str) -> list[Shown]:
    """What is shown of each cell of a row."""
    return [spaced(cell) for cell in slices_shown(unit, quote).split(Seam.CELL)]


def row_pairs(unit: Unit, quote: str) -> Shown:
    """A row as `label: cell` pairs, or as its cells if more; a dash is an empty unnamed one."""
    own, labels = cells(unit, quote), unit.labels
    heads = labels if len(labels) >= len(own) else [""] * len(own)
    last = max((at for at, cell in enumerate(own) if cell and not heads[at]), default=0)
    pairs = [
        Shown.joined(
            [Shown.added(f"{head.rstrip(':')}: " * bool(head)), cell or Shown.added("\u2013")]
        )
        for at, (head, cell) in enumerate(zip(heads, own, strict=False))
        if cell or (at < last and not head)
    ]
    return Shown.joined(pairs, "; ")


def unit_words(quote: str, unit: Unit) -> str:
    """What a unit says on one line, with what its place adds.

    A table row becomes `label: cell` pairs. An item follows its parent item or lead-in, a
    front-matter key its parent keys. Code is as it stands.
    """
    if unit.kind is Kind.CODE:
        return quote
    if unit.kind is Kind.ROW:
        return row_pairs(unit, quote).text
    text = shown(unit, quote).text
    if unit.kind is Kind.PROPERTY:
        return f"{unit.context}: {text}" if unit.context else text
    stands_alone = not unit.context or len(unit.context) > _LONG_CONTEXT
    if unit.kind is not Kind.ITEM or stands_alone or not text:
        return text
    return f"{_boxed(unit.context)}: {text}"


def _boxed(item: str) -> str:
    """A parent item, with its box in words if it is a task."""
    box = compiled(BOX).match(item)
    return (f"{TASK_STATES[box[1]]}{item[box.end() :]}" if box else item).rstrip(":")


def lead(item: str) -> str:
    """The lead of a long item: the text before its first dash, colon or full stop."""
    found = compiled(_LEAD).match(item)
    return found[0].strip() if found and len(item) > _SHORT_ITEM else item.rstrip(".;,")


def states_fact(heading: str) -> bool:
    """Whether a heading states a fact by itself: a value for a name, or a sentence."""
    return compiled(_FACT).match(heading) is not None


def set_apart(text: str) -> str:
    """A text that may stand beside citations."""
    return compiled(_OWN).sub(r"[ \1 ]", text)


def shown_apart(text: Shown) -> Shown:
    """The same for a text that keeps track of its source."""
    cuts = [at for own in compiled(_OWN).finditer(text.text) for at in own.span(1)]
    pieces = [text[start:end] for start, end in pairwise([0, *cuts, len(text.text)])]
    return Shown.joined(pieces, between=" ") if cuts else text


def inner_bars(row: str) -> list[int]:
    """Where the bars are that separate the cells of a row."""
    bars = [bar.start() for bar in compiled(CELL_BAR).finditer(row)]
    if bars and not row[: bars[0]].strip(" \t\r\n>"):
        del bars[0]
    if bars and not row[bars[-1] + 1 :].strip():
        del bars[-1]
    return bars


def labels_within(row: str, labels: tuple[str, ...], start: int, end: int) -> tuple[str, ...]:
    """The labels of the columns that a part of a row is in; none if the row has more cells.

    :param row: a row, or a part of one that has these labels.
    :param start: where the part begins in the row; `end` is where it ends.
    """
    bars = inner_bars(row) if labels else []
    if len(labels) <= len(bars):
        return ()
    return labels[sum(bar <= start for bar in bars) : sum(bar < end for bar in bars) + 1]


def struck_spans(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """The spans of what a part of a text strikes out (`~~`, `<del>`, `<s>`), marks included.

    It may be shown, with its marks, but nobody holds it any more.
    """
    stop = len(text) if end is None else end
    matches = compiled(_STRUCK).finditer(text, start, stop)
    return [match.span() for match in matches if not match[1]]
