"""Markdown to the words that a reader sees, for scoring and for showing a sentence on its own."""

import re

from ragqa.types import Kind

_MARKERS = re.compile(r"^(?:[ \t]*(?:>|[-*+](?=\s)|\d{1,9}[.)](?=\s)))+[ \t]*", re.MULTILINE)
_TASK = re.compile(r"^\[[ xX]\][ \t]+")
_IMAGE = re.compile(r"!\[\[[^\]\n]*\]\]|!\[[^\[\]]*\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)")
_WIKILINK = re.compile(r"\[\[(?:[^\]|\n]*\|)?([^\]|\n]+)\]\]")
_LINK = re.compile(r"\[([^\[\]]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)")
_REFERENCE = re.compile(r"\[([^\[\]]+)\]\[[^\[\]]*\]")
_AUTOLINK = re.compile(r"<((?:https?|mailto):[^<>\s]+)>")
_CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_STRONG = re.compile(r"(\*\*|__|~~|==)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_EMPHASIS = re.compile(r"(?<![\w*_])([*_])(?=\S)(.+?)(?<=\S)\1(?![\w*_])", re.DOTALL)
_ITEM_START = re.compile(r"^[ \t]*(?:[-*+]|\d{1,9}[.)])(?:\s+|$)", re.MULTILINE)
_LEAD = re.compile(r"(?:[^.:;\u2013\u2014]|[.:](?!\s|$))+")
_SHORT_ITEM = 60
_CELL = re.compile(r"(?<!\\)\|")


def plain_text(quote: str, *, kind: Kind, context: str = "") -> str:
    """The quote as one line of running text, without Markdown's marks.

    A table row becomes `header: cell` pairs by its context; a list keeps of each item what stands
    before its first dash, colon or full stop; code keeps its lines.
    """
    if kind is Kind.CODE:
        return quote
    if kind is Kind.ROW:
        return _row(quote, context)
    if kind is Kind.LIST:
        return _list(quote)
    text = _TASK.sub("", _MARKERS.sub("", quote))
    if kind is Kind.HEADING:
        text = text.strip().strip("#").strip()
    return " ".join(_inline(text).split())


def _inline(text: str) -> str:
    text = _IMAGE.sub("", text)
    text = _WIKILINK.sub(r"\1", text)
    text = _LINK.sub(r"\1", text)
    text = _REFERENCE.sub(r"\1", text)
    text = _AUTOLINK.sub(r"\1", text)
    text = _CODE.sub(r"\2", text)
    text = _STRONG.sub(r"\2", text)
    return _EMPHASIS.sub(r"\2", text)


def _list(quote: str) -> str:
    announcement, *items = _ITEM_START.split(quote)
    leads = []
    for item in items:
        text = plain_text(item, kind=Kind.ITEM)
        lead = _LEAD.match(text)
        leads.append(lead[0].strip() if lead and len(text) > _SHORT_ITEM else text.rstrip(".;,"))
    said = plain_text(announcement, kind=Kind.PARAGRAPH)
    return f"{said} {'; '.join(leads)}" if leads else said


def _row(quote: str, context: str) -> str:
    cells = [_inline(cell).strip() for cell in _CELL.split(quote.strip().strip("|"))]
    heads = [head.strip() for head in context.split(" | ")] if context else []
    if len(heads) != len(cells):
        return "; ".join(cell for cell in cells if cell)
    pairs = [
        f"{head}: {cell}" if head else cell for head, cell in zip(heads, cells, strict=True) if cell
    ]
    return "; ".join(pairs)
