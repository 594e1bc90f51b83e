"""Keep what a tool gives within a budget of tokens, as text and as data."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from ragqa.passages import tokens

MORE = "a larger max_tokens gives more"
_ITEM = ("status", "path", "lines", "address", "error", "quote", "text")
"""What is kept, cut if it must be, of an item that does not fit."""

_CUT = "\u2026"
_SLACK = 3


def size(text: str) -> int:
    """The tokens of a text."""
    return tokens.count([text])[0]


def weight(data: object) -> int:
    """The tokens of data as JSON."""
    return size(json.dumps(data, ensure_ascii=False))


def longest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to `most` that fits, 0 if none does; what is less fits, too."""
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if fits(middle) else (least, middle - 1)
    return least


def most_chars(room: int) -> int:
    """The characters of a text that are tried: more would rarely fit."""
    return 8 * room


def clipped(text: str, room: int, measure: Callable[[str], int] = size) -> str:
    """A text, cut where it has more tokens."""
    most = most_chars(room)
    if len(text) <= most and measure(text) <= room:
        return text
    kept = longest(min(len(text), most), lambda n: measure(text[:n] + _CUT) <= room)
    return text[:kept] + _CUT if kept else ""


def within(head: str, blocks: Sequence[str], budget: int, notices: Iterable[str] = ()) -> str:
    """Join a heading and blocks as far as the budget goes, and say what is cut.

    Of the blocks there is always one, cut if it must be.
    """
    notes = "\n\n".join(notices)
    whole = _joined(head, *blocks, notes)
    if size(whole) <= budget:
        return whole
    head, notes = clipped(head, budget // 4), clipped(notes, budget // 6)
    told = f"Cut: {{}} of {len(blocks)} parts are not whole; {MORE}."
    room = budget - size(_joined(head, notes, told)) - _SLACK
    shown = list[str]()
    for block in blocks:
        if size(block) >= room:
            break
        shown.append(block)
        room -= size(block) + 1
    told = told.format(len(blocks) - len(shown))
    if len(shown) < len(blocks):
        shown.append(clipped(blocks[len(shown)], room))
    return clipped(_joined(head, *shown, notes, told), budget)


def fitted(data: Mapping[str, Any], room: int, first: Collection[str], more: str = "") -> Any:  # noqa: ANN401 - as `data`
    """Data, or what fits of it.

    What comes `first` is there, cut if it must be; anything else is whole or not there.

    :param more: becomes the value of `cut` in what is not whole.
    """
    if weight(data) <= room:
        return dict(data)
    kept = {name: _empty(data[name]) for name in first if name in data}
    kept |= {"cut": more} if more else {}
    for name in dict.fromkeys((*kept, *data)):
        left = room - weight(kept) - _SLACK
        value = _shortened(data.get(name), left) if name in kept else data[name]
        if name != "cut" and weight(value) <= left and weight(kept | {name: value}) <= room:
            kept[name] = value
    return kept


def _shortened(value: object, room: int) -> object:
    if weight(value) <= room:
        return value
    if isinstance(value, str):
        return clipped(value, room, weight)
    kept = list[object]()
    items = value if isinstance(value, Sequence) else ()
    for item in items if items and isinstance(items[0], Mapping) else ():
        room -= weight(item) + 1
        if room < 1:
            return kept or [fitted(item, room + weight(item), _ITEM)]
        kept.append(item)
    return kept


def _empty(value: object) -> object:
    """What stands for a value that does not fit."""
    if isinstance(value, str):
        return ""
    return [] if isinstance(value, Sequence) else value


def _joined(*blocks: str) -> str:
    return "\n\n".join(block for block in blocks if block)
