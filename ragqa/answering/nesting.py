"""How deeply the blocks of an excerpt are nested in list items, by their indents."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ragqa.text.markdown import TASK_STATES

_QUOTE_MARKS = re.compile(r"(?:[ \t]*>[ \t]?)*")
_ALL_QUOTE_MARKS = re.compile(r"(?:[ \t]*>[ \t]*)*")
_TAB = 4
_MIN_MARK_WIDTH = 2
_PREFIX_CHARS = 30
_BOXES = tuple(f"({state}) " for state in TASK_STATES.values())


def after_quote_marks(text: str, at: int, end: int) -> int:
    """The offset of the first character after the quotation marks `>`, between two offsets."""
    marks = _ALL_QUOTE_MARKS.match(text, at, end)
    return marks.end() if marks else at


def line_indent(quote: str, at: int) -> int | None:
    """The indent at this character; None where other text precedes it on its line.

    A quotation's `>` does not count.
    """
    first = max(quote.rfind("\n", 0, at), quote.rfind("\r", 0, at)) + 1
    marks = _QUOTE_MARKS.match(quote, first, at)
    before = quote[marks.end() if marks else first : at]
    return None if before.strip() else len(before.expandtabs(_TAB))


@dataclass(frozen=True, slots=True)
class Item:
    """An item with its indent and the width of its mark.

    An excerpt lacks the indent of its first line. There it is None, and inferred by comparing
    `words` and `context`, the words of its parent items, with those of the other items.
    """

    indent: int | None
    width: int
    words: str
    context: str

    @property
    def content(self) -> int:
        """The least indent of what is nested in it."""
        return (self.indent or 0) + max(self.width, _MIN_MARK_WIDTH)


def depths(blocks: Iterable[Item | int | None]) -> list[int]:
    """The number of items each block is nested in.

    :param blocks: the items, and the indents of other blocks, as `line_indent` gives them.
    """
    found: list[int] = []
    items: dict[int, Item] = {}
    inside: dict[int, int] = {}

    def end_list() -> None:
        for number, depth in zip(items, _item_depths([*items.values()]), strict=True):
            found[number] = depth
        items.clear()

    for number, block in enumerate(blocks):
        found.append(0)
        if isinstance(block, Item):
            items[number] = block
            continue
        parent = _enclosing([*items.values()], block)
        if parent is None:
            end_list()
        else:
            inside[number] = [*items][parent]
    end_list()
    for number, item in inside.items():
        found[number] = found[item] + 1
    return found


def _item_depths(items: Sequence[Item]) -> list[int]:
    """The number of items each item of a list is nested in, by CommonMark's rules.

    If its parents are not in the excerpt, later items with a smaller indent show its depth.
    """
    items = _with_first_indent(items)
    found: list[int] = []
    for number, item in enumerate(items):
        parent = _enclosing(items[:number], item.indent)
        found.append(_levels_up(items[number:]) if parent is None else found[parent] + 1)
    return found


def _enclosing(items: Sequence[Item], indent: int | None) -> int | None:
    """The index of the item that encloses something with this indent after the items."""
    if indent is None:
        return None
    lowest = indent
    for number in reversed(range(len(items))):
        if items[number].content <= lowest:
            return number
        lowest = min(lowest, items[number].indent or 0)
    return None


def _levels_up(items: Sequence[Item]) -> int:
    """The number of levels above the first item."""
    steps, lowest = 0, items[0].indent or 0
    for item in items[1:]:
        if item.content <= lowest:
            steps, lowest = steps + 1, item.indent or 0
    return steps


def _with_first_indent(items: Sequence[Item]) -> Sequence[Item]:
    if not items or items[0].indent is not None:
        return items
    first, rest = items[0], items[1:]
    if not rest:
        return [replace(first, indent=0)]
    beside = [item.indent for item in rest if item.context == first.context]
    if beside:
        return [replace(first, indent=beside[0] or 0), *rest]
    after = rest[0].indent or 0
    words = first.words.removeprefix(_BOXES[0]).removeprefix(_BOXES[1])
    is_parent = _letters(words)[:_PREFIX_CHARS] in _letters(rest[0].context)
    width = max(first.width, _MIN_MARK_WIDTH)
    indent = max(0, after - width) if is_parent else after + _MIN_MARK_WIDTH
    return [replace(first, indent=indent), *rest]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))
