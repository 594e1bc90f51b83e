"""HTML as a tree: what goes in is text, so nothing in a note or a question becomes markup."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, tostring

from ragqa.sanitise import safe_line, safe_text

Child = Element | str | None
Interval = tuple[float, float]

NONE = "\u2013"
"""Stands where there is no number."""

_MAX_CHARS = 1500

# A line break after these changes nothing on the page, and lets two reports be compared by line.
_BLOCKS = frozenset(
    ("article", "blockquote", "div", "h1", "h2", "h3", "li", "meta", "p", "section", "svg", "tr")
)


def element(tag: str, *children: Child, **attributes: str) -> Element:
    """An element; every string among its children becomes sanitised text.

    Attributes are the report's own words, never the document's. `class_` stands for `class`,
    `aria_label` for `aria-label`; empty ones are left out.
    """
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    node = Element(tag, {name: value for name, value in named.items() if value})
    for child in children:
        if isinstance(child, str):
            _append(node, safe_text(child))
        elif child is not None:
            node.append(child)
    node.tail = "\n" if tag in _BLOCKS else None
    return node


def page(root: Element) -> str:
    """The whole page as a string."""
    return "<!doctype html>\n" + tostring(root, encoding="unicode", method="html")


def table(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[Child]], *, class_: str = ""
) -> Element:
    """A table in a box of its own that scrolls where it is too wide; a row's first cell names it.

    :param caption: the report's own words; it also names the box.
    :param class_: how it looks: with `words` its last column is not one of numbers.
    """
    body = [
        element("tr", element("th", head, scope="row"), *(element("td", cell) for cell in cells))
        for head, *cells in rows
    ]
    whole = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", element("tr", *(element("th", name, scope="col") for name in columns))),
        element("tbody", *body),
        class_=class_,
    )
    return element(
        "div", whole, class_="scroll", role="region", tabindex="0", aria_label=f"Table: {caption}"
    )


def terms(pairs: Iterable[tuple[str, Child]], *, class_: str) -> Element:
    """A list of names, each with its value."""
    rows = [element("div", element("dt", name), element("dd", value)) for name, value in pairs]
    return element("dl", *rows, class_=class_)


def number(value: object) -> float | None:
    """The value where it is a finite number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def interval(value: object) -> Interval | None:
    """The value where it is a pair of finite numbers."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return None
    low, high = number(value[0]), number(value[1])
    return None if low is None or high is None else (low, high)


def points(values: Iterable[Sequence[object]]) -> list[Interval]:
    """Those of the values that are pairs of finite numbers."""
    return [point for value in values if (point := interval(value)) is not None]


def decimals(value: object, digits: int = 3) -> str:
    """A number for a cell, or the sign for none."""
    found = number(value)
    return NONE if found is None else f"{found:.{digits}f}"


def count(value: object) -> str:
    """A whole number for a cell, or the sign for none."""
    found = number(value)
    return NONE if found is None else f"{found:,.0f}"


def estimate(value: object, between: object = None, *, best: bool = False) -> Element:
    """A number with its interval below it."""
    shown = decimals(value)
    figure: Child = shown
    if best:
        hidden = element("span", " (best)", class_="unseen")
        figure = element("strong", shown, hidden, class_="best")
    pair = interval(between)
    if pair is None or shown == NONE:
        return element("span", figure)
    low, high = pair
    return element("span", figure, element("small", f"{low:.3f}\u2013{high:.3f}"))


def intervals_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The intervals by the name of what they belong to."""
    return document.get("intervals") or {}


def place(each: Mapping[str, Any], aside: str = "") -> Element:
    """Where in a note something stands."""
    lines = [count(line) for line in each.get("lines") or ()]
    span = "-".join(dict.fromkeys(lines))
    path = safe_line(str(each.get("path", "")))
    where = element("bdi", f"{path}:{span}" if span else path)
    return element("p", where, " ", element("small", aside) if aside else None, class_="place")


def badge(text: str) -> Element:
    """A short word beside a heading."""
    return element("span", text, class_="badge")


def cut(text: str) -> str:
    """The text, or as much of it as one looks at."""
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1].rstrip() + "\u2026"


def _append(node: Element, text: str) -> None:
    if len(node):
        node[-1].tail = (node[-1].tail or "") + text
    else:
        node.text = (node.text or "") + text
