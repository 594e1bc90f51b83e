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
_STRONG = re.compile(r"(\*\*|__|==)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_EMPHASIS = re.compile(r"(?<![\w*_])([*_])(?=\S)(.+?)(?<=\S)\1(?![\w*_])", re.DOTALL)
_CALLOUT = re.compile(r"\s*\[!\w[\w-]*\][-+]?[ \t]*(?:([^\n]*\S)[ \t]*(?:\n\s*|\Z))?")
_FOOTNOTE = re.compile(r"\A\s*\[\^[^\]\s]+\]:|\[\^[^\]\s]+\]")
_DEFINITION = re.compile(r"[ \t]*\n[ \t]*:[ \t]+")
_FIELD = re.compile(r"^([ \t]*[^\W_][\w /-]{0,60})::[ \t]+", re.MULTILINE)
_BOX = re.compile(r"\[([ xX])\]\s+")
_ENDS = (".", "!", "?", ":")
_LEAD = re.compile(r"(?:[^.:;\u2013\u2014]|[.:](?!\s|$))+")
_SHORT_ITEM = 60
_LONG_CONTEXT = 80
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
# Of YAML: a key, what begins an item of a list, and how a longer text is folded.
_KEY = re.compile(r"""("[^"\n]*"|'[^'\n]*'|[^\s:"'][^:\n]*?)\s*:(?:\s+|$)""")
_YAML_ITEM = re.compile(r"(?:^|[\r\n])[ \t]*-[ \t]+")
_FOLDED = re.compile(r"[|>][-+\d]*[ \t]*[\r\n]+")
_CELL = re.compile(r"(?<!\\)\|")


def plain_text(quote: str, *, kind: Kind, context: str = "") -> str:
    """The quote as one line of running text, without Markdown's marks.

    A table row becomes `header: cell` pairs by its context; an item is said after the one that it
    is nested in, or the line that announces it; a key of the front matter after those above it, a
    list of its values with commas; a task is said to be done or open; code keeps its lines.
    """
    if kind is Kind.CODE:
        return quote
    if kind is Kind.ROW:
        return _row(quote, context)
    if kind is Kind.PROPERTY:
        return _property(quote, context)
    text = _QUOTE_MARKS.sub("", quote)
    if kind is not Kind.PARAGRAPH:
        text = _ITEM_MARK.sub("", text, count=1) if _ITEM_MARK.match(text) else text
    if kind is Kind.HEADING:
        text = text.strip().strip("#").strip()
    text = " ".join(_inline(_lines(text)).split())
    if kind is not Kind.ITEM:
        return text
    text = _boxed(text)
    said_alone = not context or len(context) > _LONG_CONTEXT
    return text if said_alone or not text else f"{_boxed(context).rstrip(':')}: {text}"


def lead(item: str) -> str:
    """What a long item is about: what stands before its first dash, colon or full stop."""
    found = _LEAD.match(item)
    return found[0].strip() if found and len(item) > _SHORT_ITEM else item.rstrip(".;,")


def _lines(text: str) -> str:
    """Text without the marks that only a line of its own can have."""
    callout = _CALLOUT.match(text)
    if callout:
        title, rest = callout[1] or "", text[callout.end() :]
        colon = "" if not title or not rest or title.endswith(_ENDS) else ":"
        text = f"{title}{colon} {rest}"
    text = _DEFINITION.sub(": ", text)
    if not _FIELD.search(text):
        return text
    # The value of a field ends with its line.
    return "; ".join(_FIELD.sub(r"\1: ", line).strip() for line in text.splitlines())


def _boxed(item: str) -> str:
    """An item, its box in words if it is a task."""
    box = _BOX.match(item)
    return f"({'open' if box[1] == ' ' else 'done'}) {item[box.end() :]}" if box else item


def _inline(text: str) -> str:
    """The words of Markdown; what is code keeps its characters."""
    pieces, end = [], 0
    for code in _CODE.finditer(text):
        pieces += [_words(text[end : code.start()]), code[2]]
        end = code.end()
    return "".join([*pieces, _words(text[end:])])


def _words(text: str) -> str:
    text = _FOOTNOTE.sub("", _IMAGE.sub("", text))
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


def _property(quote: str, context: str) -> str:
    """A key of the front matter and its value, or a part of a value whose key is in the context."""
    keyed = _KEY.match(quote)
    value = quote[keyed.end() :] if keyed else quote
    if not (keyed and value.startswith("[")) or value.startswith("[["):
        items = _YAML_ITEM.split(value)
    else:
        items = value.strip("[]").split(",")
    words = ", ".join(filter(None, (_inline(_unquoted(item)) for item in items)))
    above = f"{context}: " if context else ""
    return f"{above}{_unquoted(keyed[1])}: {words}" if keyed else f"{above}{words}"


def _unquoted(value: str) -> str:
    """A scalar of YAML on one line, without its quotation marks or what says how it is folded."""
    words = " ".join(_FOLDED.sub("", value.strip()).split())
    is_quoted = len(words) > 1 and words[0] == words[-1] and words[0] in "\"'"
    return words[1:-1] if is_quoted else words
