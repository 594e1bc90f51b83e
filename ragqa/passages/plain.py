"""The plain text of the units of a note, read once, at indexing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from ragqa.text.inline import CUT, embeds_in, even, inline
from ragqa.text.sentences import line_start
from ragqa.text.shown import BOX, CELL, CELL_BAR, FIELD, LINE, TASK_STATES, TITLE, one_line
from ragqa.text.words import compiled, word_set
from ragqa.types import Kind, Unit

_ROWS = (Kind.ROW, Kind.TABLE_HEAD)
_SPACE = " \t\r\n"
_AS_SPACE = dict.fromkeys(map(ord, "\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029"), " ")
_QUOTE_MARKS = r"(?m)^[ \t]*(?:>[ \t]?)+"
_ITEM_MARK = (
    r"\s*(?:[-*+]\s+)*(?P<mark>[-*+\u2022\u2023\u25e6\u25aa\u00b7\u2013]|\d{1,9}[.)])(?:\s+|$)"
)
_NUMBER_IN_ITEM = r"\s*(?:[-*+]\s+)+(?=\d{1,9}[.)]\s)"
_HEADING_MARK = r"\A\s*#{1,6}[ \t]+"
_HEADING_MARKS = (
    r"\A\s*#{1,6}(?:[ \t]+|\Z)|(?<![ \t])[ \t]+#+(?=[ \t]*(?:\Z|\{[:#.]))|\n[ \t]*(?:=+|-+)[ \t]*\Z"
)
_CALLOUT = (
    r"\A\s*\[!(?P<kind>\w[\w -]*)(?:\|[^\]\n]*)?\][-+]?[ \t]*"
    r"(?:(?P<title>[^\n]*\S\f?)[ \t]*(?:\n\s*|\Z)|\n\s*)?"
    r"|\A\s*(?:!!!|\?\?\?\+?)[ \t]+\w[\w -]*(?:\"(?P<named>[^\"\n]+)\")?[ \t]*(?:\n\s*|\Z)"
)
# Kinds of callouts without which a reader would take the text for harmless.
_ALARMS = word_set("attention bug caution danger error fail failure important missing warning")
_DEFINITION = r"(?<![ \t])[ \t]*\n[ \t]*:[ \t]+"
_FIELD = r"(?m)^([ \t]*[^\W_][\w /-]{0,60})::[ \t]+"
_ENDS = (".", "!", "?", ":")
# YAML: a key, the start of a list item, and the mark of a folded text.
_YAML_KEY = r"""("[^"\n]*"|'[^'\n]*'|[^\s:"'][^:\n]*?)\s*:(?:\s+|$)"""
_YAML_ITEM = r"(?:^|[\r\n])[ \t]*-[ \t]+"
_FOLDED = r"[|>][-+\d]*[ \t]*[\r\n]+"
_ROW_ENDS = r"\A\s*\||(?<!\\)\|\s*\Z"
_AROUND_HEAD = rf"\A{_ITEM_MARK}|[\r\n]+[ \t>|:-]*\Z"
_FENCE = r"\A[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?:`{3,}|~{3,})[^\r\n]*(?:\r\n|\r|\n|\Z)"
_FENCE_END = r"(?:\A|\r\n|\r|\n)[ \t]*(?:`{3,}|~{3,})[ \t]*\Z"
_QUOTED_CODE = r"(?:>[ \t]?)+(?:[ \t]{4}|`{3}|~{3})"


def with_plain(text: str, units: Iterable[Unit]) -> list[Unit]:
    """A note's units with their plain text; markup may go over several of the same block."""
    blocks: list[list[Unit]] = []
    last = None
    for unit in units:
        place = unit.section, unit.block, unit.kind
        if unit.begins or unit.kind in _ROWS or place != last:
            blocks.append([])
        blocks[-1].append(unit)
        last = place
    return [unit for block in blocks for unit in _read(text, block)]


def _read(text: str, units: Sequence[Unit]) -> Iterator[Unit]:
    """The units of a block with their plain text."""
    kind = units[0].kind
    if kind in (Kind.RULE, Kind.CODE):
        plains = _code(text, units) if kind is Kind.CODE else [""] * len(units)
        yield from (replace(unit, plain=it) for unit, it in zip(units, plains, strict=True))
        return
    sources = [text[unit.start : unit.end].translate(_AS_SPACE) for unit in units]
    gaps = ["", *(text[a.end : b.start] for a, b in pairwise(units))]
    # Only white space stays between two units, in which a line may end.
    gaps = [" " if gap.strip(f"{_SPACE}>") else gap for gap in gaps]
    joined = CUT.join(gap + source for gap, source in zip(gaps, sources, strict=True))
    # A backslash at the end of a line is the mark of a break.
    joined = compiled(r"\\\f(\r?\n)").sub(r"\\\1\f", joined)
    mark, plain = _block(joined, units[0])
    # A line that ends between two units ends at the start of the second.
    plains = compiled(r"([^\S\f]+)\f").sub(r"\f\1", plain).split(CUT)
    if len(plains) != len(units):  # where a link leads, say, has a unit's end within it
        plains = [_block(source, units[0])[1] for source in sources]
    for unit, source, plain in zip(units, sources, plains, strict=True):
        plain = plain if kind in _ROWS else even(plain).rstrip()
        own = mark if unit is units[0] else ""
        yield replace(unit, plain=plain, mark=own, embeds=embeds_in(source))


def _block(source: str, unit: Unit) -> tuple[str, str]:
    """The mark and the plain text of a block that begins with a unit."""
    if unit.kind is Kind.HTML and not source.lstrip().startswith(">"):
        return "", inline(source, lines=unit.has_lines)
    source = compiled(_QUOTE_MARKS).sub("", source)
    match unit.kind:
        case Kind.ROW:
            return "", _cells(source)
        case Kind.TABLE_HEAD:
            return "", _cells(compiled(_AROUND_HEAD).sub("", source))
        case Kind.PROPERTY:
            return "", _property(source)
        case Kind.ITEM if unit.begins:
            return _item(source, lines=unit.has_lines)
        case Kind.HEADING:
            return "", _lines(compiled(_HEADING_MARKS).sub("", source), lines=False)
        case _:
            return "", _lines(compiled(_HEADING_MARK).sub("", source), lines=unit.has_lines)


def _joined(pieces: Iterable[str], between: str) -> str:
    """The pieces that show anything."""
    return between.join(filter(None, pieces))


def _item(source: str, *, lines: bool) -> tuple[str, str]:
    """The mark of an item, and its text, with its box in words if it is a task."""
    marks = compiled(_ITEM_MARK).match(source)
    if marks is None:
        return "", _lines(source, lines=lines)
    first = marks[0].split(maxsplit=1)[0]
    # An item within an item keeps its number.
    marks = compiled(_NUMBER_IN_ITEM).match(source) or marks
    mark, text = f"{first if first[0].isdigit() else '-'} ", source[marks.end() :]
    if box := compiled(BOX).match(text):
        return mark, TASK_STATES[box[1]] + _lines(text[box.end() :], lines=lines)
    return mark, _lines(compiled(_HEADING_MARK).sub("", text), lines=lines)


def _lines(text: str, *, lines: bool) -> str:
    """What is shown of text without the marks that apply to whole lines."""
    title, end = "", TITLE
    may_be_callout = text.lstrip().startswith(("[!", "!!!", "???"))
    callout = compiled(_CALLOUT).match(text) if may_be_callout else None
    if callout:
        named = callout["title"] or callout["named"] or ""
        end = LINE if named.rstrip(CUT).endswith(_ENDS) else TITLE
        title = inline(named, lines=False)
        if (callout["kind"] or "").casefold() in _ALARMS:
            title = _joined([callout["kind"].capitalize(), title], ": ")
        text = text[callout.end() :]
    return _joined([title, _fields(text, lines=lines)], end)


def _fields(text: str, *, lines: bool) -> str:
    """Text in which a term or key is followed by a colon, if it is defined or a field."""
    if "::" in text and compiled(_FIELD).search(text):
        # A field's value ends with its line.
        pairs = (
            compiled(r"::[ \t]+").split(line, 1) if compiled(_FIELD).match(line) else [line]
            for line in compiled(r"\r\n|\r|\n").split(text)
        )
        fields = (_joined([inline(side, lines=lines) for side in pair], ": ") for pair in pairs)
        return _joined(fields, FIELD)
    is_defined = "\n" in text and ":" in text
    pieces = compiled(_DEFINITION).split(text) if is_defined else [text]
    return _joined((inline(piece, lines=lines) for piece in pieces), ": ")


def _cells(source: str) -> str:
    """The cells of a row, each on one line."""
    cells = compiled(CELL_BAR).split(compiled(_ROW_ENDS).sub("", source))
    shown = (inline(cell.replace("\\|", "|"), lines=False) for cell in cells)
    return CELL.join(one_line(even(cell)) for cell in shown)


def _property(source: str) -> str:
    """A front-matter key and its values, or part of a value."""
    keyed = compiled(_YAML_KEY).match(source)
    value = source[keyed.end() :] if keyed else source
    if not (keyed and value.startswith("[")) or value.startswith("[["):
        items = compiled(_YAML_ITEM).split(value)
    else:
        items = value.strip("[]").split(",")
    values = _joined((inline(_unquoted(item), lines=False) for item in items), ", ")
    return f"{_unquoted(keyed[1])}: {values}" if keyed else values


def _unquoted(value: str) -> str:
    """A YAML scalar without quotation marks or the mark of folding."""
    words = compiled(_FOLDED).sub("", value.strip(_SPACE)).strip(_SPACE)
    is_quoted = len(words) > 1 and words[0] == words[-1] and words[0] in "\"'"
    return words[1:-1] if is_quoted else words


def _code(text: str, units: Sequence[Unit]) -> list[str]:
    """The lines of each unit of a block of code, without its fence; blank lines end a unit."""
    lines = [line_start(text, unit.start) for unit in units]
    starts = [  # of its line, unless other text stands before the unit
        unit.start if text[line : unit.start].strip(" \t>") else line
        for line, unit in zip(lines, units, strict=True)
    ]
    ends = [*starts[1:], units[-1].end]
    sources = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    if compiled(_QUOTED_CODE).match(sources[0]):
        sources = [compiled(_QUOTE_MARKS).sub("", source) for source in sources]
    sources[0] = compiled(_FENCE).sub("", sources[0])
    sources[-1] = compiled(_FENCE_END).sub("", sources[-1])
    return sources
