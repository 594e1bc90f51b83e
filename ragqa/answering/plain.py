"""Markdown to the words that a reader sees, for scoring and for showing a sentence on its own."""

import re

from ragqa.types import Kind

_QUOTE_MARKS = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE)
# At the start only: a wrapped line may well begin with "1962. ".
_ITEM_MARK = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])(?:\s+|$)")
_IMAGE = re.compile(r"!\[\[[^\]\n]*\]\]|!\[[^\[\]]*\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)")
_WIKILINK = re.compile(r"\[\[(?:[^\]|\n]*\|)?([^\]|\n]+)\]\]")
_LINK = re.compile(r"\[([^\[\]]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)")
_REFERENCE = re.compile(r"\[([^\[\]]+)\]\[[^\[\]]*\]")
_AUTOLINK = re.compile(r"<((?:https?|mailto):[^<>\s]+)>")
_CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_STRONG = re.compile(r"(\*\*|__|~~|==)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_EMPHASIS = re.compile(r"(?<![\w*_])([*_])(?=\S)(.+?)(?<=\S)\1(?![\w*_])", re.DOTALL)
_LEAD = re.compile(r"(?:[^.:;\u2013\u2014]|[.:](?!\s|$))+")
_SHORT_ITEM = 60
_LONG_CONTEXT = 80
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_CELL = re.compile(r"(?<!\\)\|")


def plain_text(quote: str, *, kind: Kind, context: str = "") -> str:
    """The quote as one line of running text, without Markdown's marks.

    A table row becomes `header: cell` pairs by its context; an item is said after the one that it
    is nested in, or the line that announces it; a task keeps its box; code keeps its lines.
    """
    if kind is Kind.CODE:
        return quote
    if kind is Kind.ROW:
        return _row(quote, context)
    text = _QUOTE_MARKS.sub("", quote)
    if kind is not Kind.PARAGRAPH:
        text = _ITEM_MARK.sub("", text, count=1) if _ITEM_MARK.match(text) else text
    if kind is Kind.HEADING:
        text = text.strip().strip("#").strip()
    text = " ".join(_inline(text).split())
    said_alone = kind is not Kind.ITEM or not context or len(context) > _LONG_CONTEXT
    return text if said_alone or not text else f"{context.rstrip(':')}: {text}"


def lead(item: str) -> str:
    """What a long item is about: what stands before its first dash, colon or full stop."""
    found = _LEAD.match(item)
    return found[0].strip() if found and len(item) > _SHORT_ITEM else item.rstrip(".;,")


def _inline(text: str) -> str:
    """The words of Markdown; what is code keeps its characters."""
    pieces, end = [], 0
    for code in _CODE.finditer(text):
        pieces += [_words(text[end : code.start()]), code[2]]
        end = code.end()
    return "".join([*pieces, _words(text[end:])])


def _words(text: str) -> str:
    text = _IMAGE.sub("", text)
    text = _WIKILINK.sub(r"\1", text)
    text = _LINK.sub(r"\1", text)
    text = _REFERENCE.sub(r"\1", text)
    text = _AUTOLINK.sub(r"\1", text)
    text = _STRONG.sub(r"\2", text)
    return _ESCAPE.sub(r"\1", _EMPHASIS.sub(r"\2", text))


def _row(quote: str, context: str) -> str:
    cells = [_inline(cell).strip() for cell in _CELL.split(quote.strip().strip("|"))]
    heads = [head.strip() for head in context.split(" | ")] if context else []
    if len(heads) != len(cells):
        return "; ".join(cell for cell in cells if cell)
    pairs = [
        f"{head}: {cell}" if head else cell for head, cell in zip(heads, cells, strict=True) if cell
    ]
    return "; ".join(pairs)
