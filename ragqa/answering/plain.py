"""Markdown to the words that a reader sees, for scoring and for showing a sentence on its own."""

import re

from ragqa.types import Kind

_MARKERS = re.compile(r"^(?:[ \t]*(?:>|[-*+](?=\s)|\d{1,9}[.)](?=\s)))+[ \t]*", re.MULTILINE)
_TASK = re.compile(r"^\[[ xX]\][ \t]+")
_WIKILINK = re.compile(r"!?\[\[(?:[^\]|\n]*\|)?([^\]|\n]+)\]\]")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)")
_REFERENCE = re.compile(r"\[([^\[\]]+)\]\[[^\[\]]*\]")
_AUTOLINK = re.compile(r"<((?:https?|mailto):[^<>\s]+)>")
_CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_STRONG = re.compile(r"(\*\*|__|~~|==)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_EMPHASIS = re.compile(r"(?<![\w*_])([*_])(?=\S)(.+?)(?<=\S)\1(?![\w*_])", re.DOTALL)
_CELL = re.compile(r"(?<!\\)\|")


def plain_text(quote: str, *, kind: Kind, context: str = "") -> str:
    """The quote as one line of running text, without Markdown's marks.

    A table row becomes `header: cell` pairs by its context; code keeps its lines.
    """
    if kind is Kind.CODE:
        return quote
    if kind is Kind.ROW:
        return _row(quote, context)
    text = _TASK.sub("", _MARKERS.sub("", quote))
    if kind is Kind.HEADING:
        text = text.strip().strip("#").strip()
    return " ".join(_inline(text).split())


def _inline(text: str) -> str:
    text = _WIKILINK.sub(r"\1", text)
    text = _LINK.sub(r"\1", text)
    text = _REFERENCE.sub(r"\1", text)
    text = _AUTOLINK.sub(r"\1", text)
    text = _CODE.sub(r"\2", text)
    text = _STRONG.sub(r"\2", text)
    return _EMPHASIS.sub(r"\2", text)


def _row(quote: str, context: str) -> str:
    cells = [_inline(cell).strip() for cell in _CELL.split(quote.strip().strip("|"))]
    heads = [head.strip() for head in context.split(" | ")] if context else []
    if len(heads) != len(cells):
        return "; ".join(cell for cell in cells if cell)
    pairs = [
        f"{head}: {cell}" if head else cell for head, cell in zip(heads, cells, strict=True) if cell
    ]
    return "; ".join(pairs)
