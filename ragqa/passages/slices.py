"""What is shown of the units of a note: their slices, read once, at indexing."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from ragqa.text.markdown import inline, placed
from ragqa.text.shown import BOX, CELL_BAR, QUOTE_MARKS, TASK_STATES, Shown
from ragqa.text.words import compiled, word_set
from ragqa.types import ADDED, Kind, Look, Seam, Slice, Unit

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
    r"(?:(?P<title>[^\n]*\S)[ \t]*(?:\n\s*|\Z)|\n\s*)?"
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
_BLANK_LINES = r"\A(?:[ \t]*[\r\n])+|(?<!\s)\s+\Z"


def with_slices(text: str, units: Iterable[Unit]) -> list[Unit]:
    """The units of a note, in order, with what is shown of them.

    Those of one block are read as one, so that markup may go over several of them.
    """
    whole = Shown.of(text)
    sliced: list[Unit] = []
    block: list[Unit] = []
    for unit in units:
        if block and not _goes_on(block[-1], unit):
            sliced += _read(whole, block)
            block = []
        block.append(unit)
    return [*sliced, *(_read(whole, block) if block else ())]


def _goes_on(before: Unit, unit: Unit) -> bool:
    place = before.section, before.block, before.kind
    is_row = unit.kind in (Kind.ROW, Kind.TABLE_HEAD)
    return place == (unit.section, unit.block, unit.kind) and not (unit.begins or is_row)


def _read(whole: Shown, units: Sequence[Unit]) -> list[Unit]:
    first = units[0]
    if first.kind is Kind.RULE:
        return list(units)
    gaps = [whole[a.end : b.start] for a, b in pairwise(units)]
    # Only white space stays between two units, in which a line may end.
    gaps = [Shown.added(" ", gap.at[0]) if gap.text.strip(" \t\r\n>") else gap for gap in gaps]
    source = Shown.joined(
        stretch
        for unit, gap in zip(units, [*gaps, whole[:0]], strict=True)
        for stretch in (whole[unit.start : unit.end], gap)
    )
    slices = list(_at_ends(_slices(source, first), first.start))
    return list(_cut(slices, units))


def _slices(source: Shown, unit: Unit) -> list[Slice]:
    """What is shown of a block that begins with a unit, by its characters in the note."""
    if unit.kind is Kind.CODE:
        return _code(source)
    if unit.kind is Kind.HTML and not source.text.lstrip().startswith(">"):
        return inline(source, lines=unit.has_lines)
    source = source.without(QUOTE_MARKS) if ">" in source.text else source
    match unit.kind:
        case Kind.ROW:
            return _cells(source)
        case Kind.TABLE_HEAD:
            return _cells(source.without(_AROUND_HEAD))
        case Kind.PROPERTY:
            return _property(source)
        case Kind.ITEM if unit.begins:
            return _item(source, unit)
        case Kind.HEADING:
            return _lines(source.without(_HEADING_MARKS), lines=False)
        case _:
            return _lines(source.without(_HEADING_MARK), lines=unit.has_lines)


def _cut(slices: Sequence[Slice], units: Sequence[Unit]) -> Iterator[Unit]:
    """The units, each with its part of the slices of their block."""
    starts, ends = [part.start for part in slices], [part.end for part in slices]
    for unit, after in zip(units, [*units[1:], None], strict=True):
        first = bisect_right(ends, unit.start) if unit is not units[0] else 0
        last = bisect_left(starts, after.start) if after else len(slices)
        own = []
        for part in slices[first:last]:
            start, end = (min(max(at, unit.start), unit.end) - unit.start for at in part[:2])
            if start < end or part.text is not None:
                own.append(part._replace(start=start, end=end))
        is_all = own == [Slice(0, unit.end - unit.start)]
        yield replace(unit, slices=None if is_all else tuple(own))


def _at_ends(slices: Iterable[Slice], start: int) -> Iterator[Slice]:
    """The slices; text that is not in the note gets the place where the slice before it ends."""
    for part in slices:
        part = part if part.start >= 0 else part._replace(start=start, end=start)
        yield part
        start = part.end


def _joined(pieces: Iterable[Sequence[Slice]], between: str) -> list[Slice]:
    """The slices of several texts, and `between` between those that show anything."""
    gap = Slice(ADDED, ADDED, 0, between)
    return [part for piece in pieces if piece for part in (gap, *piece)][1:]


def _item(source: Shown, unit: Unit) -> list[Slice]:
    """An item with its mark, and its box in words if it is a task."""
    marks = compiled(_ITEM_MARK).match(source.text)
    if marks is None:
        return _lines(source, lines=unit.has_lines)
    at = len(source.text) - len(source.text.lstrip())
    mark = source[at : at + len(marks[0].split(maxsplit=1)[0])]
    # An item within an item keeps its number.
    marks = compiled(_NUMBER_IN_ITEM).match(source.text) or marks
    text = source[marks.end() :]
    box = compiled(BOX).match(text.text)
    states = [Slice(text.at[0], text.at[0] + 3, 0, TASK_STATES[box[1]])] if box else []
    text = text[box.end() :] if box else text.without(_HEADING_MARK)
    mark_slices = [part._replace(look=Look.MARK) for part in placed(mark)]
    return [*mark_slices, *states, *_lines(text, lines=unit.has_lines)]


def _lines(text: Shown, *, lines: bool) -> list[Slice]:
    """What is shown of text without the marks that apply to whole lines."""
    title: list[Slice] = []
    may_be_callout = text.text.lstrip().startswith(("[!", "!!!", "???"))
    callout = compiled(_CALLOUT).match(text.text) if may_be_callout else None
    if callout:
        name = "title" if callout["title"] else "named"
        title = inline(text[slice(*callout.span(name))], lines=False) if callout[name] else []
        if (callout["kind"] or "").casefold() in _ALARMS:
            kind = text[slice(*callout.span("kind"))]
            alarm = Slice(kind.at[0], kind.at[-1] + 1, 0, callout["kind"].capitalize())
            title = _joined([[alarm], title], ": ")
        text = text[callout.end() :]
    named = (callout["title"] or callout["named"] or "") if callout else ""
    seam = Seam.LINE if named.endswith(_ENDS) else Seam.TITLE
    return _joined([title, _fields(text, lines=lines)], seam)


def _fields(text: Shown, *, lines: bool) -> list[Slice]:
    """Text in which a term or key is followed by a colon, if it is defined or a field."""
    if "::" in text.text and compiled(_FIELD).search(text.text):
        # A field's value ends with its line.
        pairs = (
            line.split(r"::[ \t]+", 1) if compiled(_FIELD).match(line.text) else [line]
            for line in text.split(r"\r\n|\r|\n")
        )
        fields = (_joined([inline(side, lines=lines) for side in pair], ": ") for pair in pairs)
        return _joined(fields, Seam.FIELD)
    is_defined = "\n" in text.text and ":" in text.text
    pieces = text.split(_DEFINITION) if is_defined else [text]
    return _joined((inline(piece, lines=lines) for piece in pieces), ": ")


def _cells(source: Shown) -> list[Slice]:
    cells = source.without(_ROW_ENDS).split(CELL_BAR)
    read = [inline(cell.without(r"\\(?=\|)"), lines=False) for cell in cells]
    seam = Slice(ADDED, ADDED, 0, Seam.CELL)
    return [part for cell in read for part in (seam, *cell)][1:]


def _property(source: Shown) -> list[Slice]:
    """A front-matter key and its values, or part of a value."""
    keyed = compiled(_YAML_KEY).match(source.text)
    value = source[keyed.end() :] if keyed else source
    if not (keyed and value.text.startswith("[")) or value.text.startswith("[["):
        items = value.split(_YAML_ITEM)
    else:
        items = value.strip("[]").split(",")
    values = _joined((inline(_unquoted(item), lines=False) for item in items), ", ")
    if not keyed:
        return values
    key = _unquoted(source[slice(*keyed.span(1))])
    return [*placed(key), Slice(ADDED, ADDED, 0, ": "), *values]


def _unquoted(value: Shown) -> Shown:
    """A YAML scalar without quotation marks or the mark of folding."""
    words = value.strip().without(_FOLDED).strip()
    is_quoted = len(words.text) > 1 and words.text[0] == words.text[-1] and words.text[0] in "\"'"
    return words[1:-1] if is_quoted else words


def _code(source: Shown) -> list[Slice]:
    """The lines of a block of code without its fence."""
    if compiled(_QUOTED_CODE).match(source.text):
        source = source.without(QUOTE_MARKS)
    fence = compiled(_FENCE).match(source.text)
    end = compiled(_FENCE_END).search(source.text)
    if fence and end and end.start() < fence.end() - 1:
        end = None  # the same line
    source = source[fence.end() if fence else 0 : end.start() if end else None]
    source = source.without(_BLANK_LINES)
    return list(placed(source)) if source else []
