"""How deep items of an excerpt are nested, told by their indents in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

_QUOTE_MARKS = re.compile(r"(?:[ \t]*>[ \t]?)*")
_ALL_QUOTE_MARKS = re.compile(r"(?:[ \t]*>[ \t]*)*")
_TAB = 4
_MIN_MARK_WIDTH = 2
_PREFIX_CHARS = 30
_BOXES = ("(open) ", "(done) ")


@dataclass(frozen=True, slots=True)
class Item:
    """An item: how far it is indented, and the width of the mark that it begins with.

    The excerpt does not have the indent of its first line: there it is None, and told by `words`
    and by `context`, the words of the items that it is nested in, beside those of the others.
    """

    indent: int | None
    width: int
    words: str
    context: str

    @property
    def content(self) -> int:
        """How far what is nested in it is indented at least."""
        return (self.indent or 0) + max(self.width, _MIN_MARK_WIDTH)


def after_quote_marks(text: str, at: int, end: int) -> int:
    """Where the words begin of what stands between two characters, behind marks of a quote."""
    marks = _ALL_QUOTE_MARKS.match(text, at, end)
    return marks.end() if marks else at


def line_indent(quote: str, at: int) -> int | None:
    """How far what stands at this character is indented; None where more than marks is before it.

    Marks of a quote do not count.
    """
    first = max(quote.rfind("\n", 0, at), quote.rfind("\r", 0, at)) + 1
    marks = _QUOTE_MARKS.match(quote, first, at)
    before = quote[marks.end() if marks else first : at]
    return None if before.strip() else len(before.expandtabs(_TAB))


def depths(items: Sequence[Item]) -> list[int]:
    """How many items each is nested in, as CommonMark has it: below the words of these.

    One whose own are not in the excerpt is told by the later ones that are less deep.
    """
    items = _with_first_indent(items)
    found: list[int] = []
    for number, item in enumerate(items):
        parent = enclosing(items[:number], item.indent)
        found.append(_levels_up(items[number:]) if parent is None else found[parent] + 1)
    return found


def enclosing(items: Sequence[Item], indent: int | None) -> int | None:
    """Which of the items before it something is nested in that is so far indented."""
    if indent is None:
        return None
    lowest = indent
    for number in reversed(range(len(items))):
        if items[number].content <= lowest:
            return number
        lowest = min(lowest, items[number].indent or 0)
    return None


def _levels_up(items: Sequence[Item]) -> int:
    """How many steps it goes up from the first item."""
    steps, lowest = 0, items[0].indent or 0
    for item in items[1:]:
        if item.content <= lowest:
            steps, lowest = steps + 1, item.indent or 0
    return steps


def _with_first_indent(items: Sequence[Item]) -> Sequence[Item]:
    if not items or items[0].indent is not None:
        return items
    first, rest = items[0], items[1:]
    indent = 0
    if rest:
        beside = [item.indent for item in rest if item.context == first.context]
        after = rest[0].indent or 0
        prefix = _letters(first.words.removeprefix(_BOXES[0]).removeprefix(_BOXES[1]))[
            :_PREFIX_CHARS
        ]
        is_child = prefix in _letters(rest[0].context)
        nested = (
            max(0, after - max(first.width, _MIN_MARK_WIDTH))
            if is_child
            else after + _MIN_MARK_WIDTH
        )
        indent = (beside[0] or 0) if beside else nested
    return [replace(first, indent=indent), *rest]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))
