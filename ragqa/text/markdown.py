"""Convert Markdown to plain text, for scoring and for showing a sentence on its own.

Inline markup is stripped first, Markdown's and that of other tools in it.
"""

import re
from collections.abc import Callable, Sequence

from ragqa.text.seen import LINE_END, Look, Seen
from ragqa.text.words import compiled, word_set
from ragqa.types import Kind, Unit

_BREAK = "\v\n"
"""Stands for a line break to keep."""

# Literal text, in this order: code, escaped characters, mathematics, entities.
_LITERALS = (
    r"(?s)(?<!`)(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
    r"|(?P<bar>\\\|)"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<maths>\$\$.+?\$\$|(?<![\w$])\$(?=[^\s$])[^$\n]*[\\^_{}][^$\n]*(?<=\S)\$(?![\d$]))"
    r"|(?P<entity>&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
)
_LITERAL_MARKS = frozenset("`\\$&")
_BREAK_MARKS = frozenset("\r\n\\")
# White space other than a single space.
_SPACE = r"[^\S ]\s*| \s+"

_HIDDEN_HTML = r"(?si)<!--.{0,3000}?-->|<(script|style)\b[^<>]*>.{0,9000}?</\1>"
_HIDDEN_LIQUID = r"(?s)\{%-?\s*comment\s*-?%\}.{0,3000}?\{%-?\s*endcomment\s*-?%\}"
# Liquid, Jinja and Hugo. A tag such as `{% channel "help" %}` shows its name or label.
_TEMPLATE_TAG = (
    r"(?s)\{%-?\s*(?!(?:include|page|link|image|render|layout|extends|block|asset|url)\b)"
    r"\w+\s+[\"'](?P<name>[^\"'/<>\n]{1,80})[\"']"
    r"(?:\s+[\"'](?P<label>[^\"'\n]{1,80})[\"'])?\s*-?%\}"
    r"|\{%.{0,500}?%\}|\$?\{\{.{0,500}?\}\}"
)
# kramdown, Pandoc and MkDocs: `{:.class}`, `{#id}`, `{ .lg }`.
_ATTRIBUTES = r"\{:[^{}\n]{0,200}\}|\{[ \t]*(?:\.[A-Za-z_-]|#+[\w-])[^{}\n]{0,200}\}"
_ICON = (
    r":(?:(?:fontawesome|material|octicons|simple|fa[bsr]?|mdi|bi|lucide)-[\w-]+"
    r"|(?:Li|Lu|Fa[bsr]|Ri|Bo|Tb)[A-Z]\w*):"
)
_IMAGE = r"!\[\[[^\]\n]*\]\]|!\[[^\[\]]*\](?:\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\[\]]*\])"
# The mark of an embed within a sentence, which reads as a link. One that stands alone or after a
# lead-in brings its text instead, and one with a file's suffix is an image or the like.
_LINKED = r"\[\[(?![^\]|#\n]*\.(?!md\b)[A-Za-z]\w{1,9}[ \t]*[\]|#])[^\]\n]+\]\]"
_BEFORE = r"[^\s.:!?\]#>|*+-]"
_EMBED = rf"(?:(?<={_BEFORE})|(?<={_BEFORE}[ \t]))!(?={_LINKED})|!(?={_LINKED}[ \t]*[^\s!^<%|])"
_FOOTNOTE = r"(?m)(?:\A\s*|^[ \t]*)\[\^[^\]\s]{1,100}\]:[ \t]*|\[\^[^\]\s]{1,100}\]"
_WIKILINK = r"\[\[(?:[^\]|\n]*\|)?([^\]|\n]+)\]\]"
_LINK = (
    r"\[((?:[^\[\]]|\[[^\[\]]{0,200}\]){0,1000})\]"
    r"\(\s*(?:<[^<>\n]*>|(?:[^()\s<]|\([^()\s]*\))*)(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)"
)
_REFERENCE = r"(?<![\w\])])\[([^\[\]]+)\]\[[^\[\]]*\]"
_AUTOLINK = r"<((?:https?|mailto):[^<>\s]+|[\w.+-]+@[\w-]+\.[\w.-]+)>"
_URL = r"https?://[^\s<>*]+"
_STRONG = r"(?s)\*\*(?=\S)(.{1,1000}?)(?<=\S)\*\*"
_STRONG_LINES = r"(?s)(?<!\w)__(?=\S)(.{1,1000}?)(?<=\S)__(?!\w)"
_HIGHLIGHT = r"(?s)(?<![\w=])==(?=[^\s=])(.{1,500}?)(?<=[^\s=])==(?![\w=])"
_EMPHASIS = r"(?s)(?<![\w*_])([*_])(?=\S)(.{1,1000}?)(?<=\S)\1(?![\w*_])"
# Except for Python's, as in "pass **kwargs".
_UNPAIRED = r"(?<!\S)\*\*(?=\S)(?!\w*(?:args|opts|options|params)\b)|(?<=[^\s(])\*\*(?!\w)"
_MAX_NESTING = 3
_BLOCK_ID = r"(?:(?<=\s)|\A)\^(?=[\w-]*[A-Za-z]|[\w-]{3})[A-Za-z0-9-]{2,}\s*\Z"
HARD_BREAK = r"(?:(?<![ \t])[ \t]{2,}|\\)(?:\r\n|\r|\n)|\\\s*\Z"
LINE_BREAK = rf"(?<![ \t])[ \t]*+\\?(?:{LINE_END})|\\\s*\Z"
"""The ends of lines that Markdown keeps, and all of a text whose lines a person broke."""

_TAG = r"<(/?)([A-Za-z][A-Za-z0-9]*)(\s[^<>]*)?/?>"
_SUPERSCRIPT = r"(?i)<sup>([0-9+-]{1,6})</sup>"
TO_SUPERSCRIPT = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_BLOCK_TAGS = word_set(
    """
    address article aside blockquote br caption center dd details div dl dt fieldset
    figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section
    summary table tbody tfoot thead tr ul
    """
)
# Others with no attribute, such as `<name>` and `<path>`, are placeholders.
_TAGS = _BLOCK_TAGS | word_set(
    """
    a abbr audio b bdi bdo big blink button canvas cite code col colgroup dfn em embed font
    i iframe img input ins kbd label mark nobr picture q rp rt ruby samp select small span strong
    sub sup svg td textarea th tt u video wbr
    """
)

ITEM_MARK = (
    r"\s*(?:[-*+]\s+)*(?P<mark>[-*+\u2022\u2023\u25e6\u25aa\u00b7\u2013]|\d{1,9}[.)])(?:\s+|$)"
)
"""The mark of an item, at its start only: a wrapped line may begin with "1962. "."""

_QUOTE_MARKS = r"(?m)^[ \t]*(?:>[ \t]?)+"
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
TASK_STATES = {" ": "open", "x": "done", "X": "done", "/": "in progress", "-": "cancelled"}
"""What the box of a task says, by the character in it."""

_BOX = r"\[([ xX/-])\]\s+"
_ENDS = (".", "!", "?", ":")
_LEAD = r"(?:[^.:;\u2013\u2014]|[.:](?!\s|$))+"
_SHORT_ITEM = 60
_LONG_CONTEXT = 80
# YAML: a key, the start of a list item, and the mark of a folded text.
_YAML_KEY = r"""("[^"\n]*"|'[^'\n]*'|[^\s:"'][^:\n]*?)\s*:(?:\s+|$)"""
_YAML_ITEM = r"(?:^|[\r\n])[ \t]*-[ \t]+"
_FOLDED = r"[|>][-+\d]*[ \t]*[\r\n]+"
_CELL = r"(?<!\\)\|"
_ESCAPED_BAR = r"\\\|"
_ROW_ENDS = r"\A\s*\||(?<!\\)\|\s*\Z"
_CELL_SEAM = r"(?i)</t[dh]>\s*(?=<t[dh]\b)"
# The rest of a tag where a block of HTML is cut.
_CUT_TAG = r"\A[^<>]*[\"']\s*/?>|<[^<>]*\Z"

# "Database: PostgreSQL", "Deadline - 2 May", or a sentence.
_FACT = (
    r"(?s)[^:\uff1a]{1,60}?(?::\s|\uff1a|\s(?:[=\u2013\u2014-]|->)\s)\s*\S"
    r"|.*[^.\s][.!\u3002\uff01]\s*\Z"
)


def inline(seen: Seen, *, breaks: str = "") -> Seen:
    """The plain text of one or more lines; inline code keeps its characters.

    :param breaks: the ends of lines to keep, `HARD_BREAK` or `LINE_BREAK`.
    """
    if not _LITERAL_MARKS.isdisjoint(seen.mask):
        seen = seen.sub(_LITERALS, _literal)
    if not _BREAK_MARKS.isdisjoint(seen.mask):
        seen = seen.sub(breaks or HARD_BREAK, lambda here, end: here.group(end).instead(_BREAK))
    for needed, pattern, replace in _RULES:
        if needed in seen.mask:
            seen = seen.sub(pattern, replace)
    if seen.mask.count("**") == 1:
        # Its pair is in a sentence that is not shown.
        seen = seen.without(_UNPAIRED)
    for _ in range(_MAX_NESTING if "*" in seen.mask or "_" in seen.mask else 0):
        seen = seen.sub(_EMPHASIS, lambda here, found: here.group(found, 2).styled(Look.ITALIC))
    return one_line(seen, breaks=breaks)


def one_line(seen: Seen, *, breaks: str = "") -> Seen:
    """The same with single spaces for white space, and newlines for the breaks to keep."""
    seen = seen.strip()
    if " ".join(seen.mask.split()) == seen.mask:
        return seen
    lines = filter(None, seen.split(r"\s*\v\s*")) if breaks else [seen]
    return Seen.joined((line.sub(_SPACE, _space) for line in lines), "\n")


def _literal(seen: Seen, found: re.Match[str]) -> Seen:
    whole = seen.group(found)
    if found["code"]:
        code = seen.group(found, "code").sub(LINE_END, _space)
        if code.text[0] == code.text[-1] == " " and code.text.strip():
            code = code[1:-1]
        return code.literal().styled(Look.CODE)
    if found["maths"]:
        return whole.sub(LINE_END, _space).literal()
    if found["bar"]:
        return whole[1:]
    if found["escaped"]:
        return whole[1:].literal()
    from html import unescape

    decoded = whole.instead(unescape(found[0]))
    return decoded if decoded.text.isspace() else decoded.literal()


def _space(seen: Seen, found: re.Match[str]) -> Seen:
    return seen.group(found).instead(" ")


def _bold(seen: Seen, found: re.Match[str]) -> Seen:
    return seen.group(found, 1).styled(Look.BOLD)


def _nothing(seen: Seen, found: re.Match[str]) -> Seen:  # noqa: ARG001 - as other rules
    return seen[:0]


def _label(seen: Seen, found: re.Match[str]) -> Seen:
    return seen.group(found, 1)


def _url(seen: Seen, found: re.Match[str]) -> Seen:
    return seen.group(found, found.re.groups).literal()


def _template_tag(seen: Seen, found: re.Match[str]) -> Seen:
    return seen.group(found, "label" if found["label"] else "name") if found["name"] else seen[:0]


def _wikilink(seen: Seen, found: re.Match[str]) -> Seen:
    target = seen.group(found, 1)
    return target if "|" in found[0] else _steps(target)


def _steps(target: Seen) -> Seen:
    steps = [step for each in target.split(r"#+") if (step := each.strip())]
    return Seen.joined([step for step in steps if step.text[0] != "^"] or steps, " > ")


def link_words(target: str) -> str:
    """The target of a link as Obsidian shows it, `note > heading`; the id of a block is left out.

    A link to a block of the same note shows its id, since it has no other words.
    """
    return _steps(Seen.of(target)).text


def _superscript(seen: Seen, found: re.Match[str]) -> Seen:
    """Superscript digits, since 10<sup>6</sup> is not 106."""
    digits = seen.group(found, 1)
    return Seen(digits.text.translate(TO_SUPERSCRIPT), digits.mask, digits.at, digits.looks)


def _tag(seen: Seen, found: re.Match[str]) -> Seen:
    whole, name = seen.group(found), found[2].lower()
    if name in _BLOCK_TAGS:
        return whole.instead(_BREAK)
    if name in ("td", "th"):
        return whole.instead(" ")
    return whole[:0] if name in _TAGS or "=" in (found[3] or "") else whole


_Replace = Callable[[Seen, re.Match[str]], Seen]
# Each with a string required for a match, since most texts have little markup.
_RULES: tuple[tuple[str, str, _Replace], ...] = (
    ("<", _HIDDEN_HTML, _nothing),
    ("{%", _HIDDEN_LIQUID, _nothing),
    ("{", _TEMPLATE_TAG, _template_tag),
    ("{", _ATTRIBUTES, _nothing),
    (":", _ICON, _nothing),
    ("![[", _EMBED, _nothing),
    ("![", _IMAGE, _nothing),
    ("[^", _FOOTNOTE, _nothing),
    ("[[", _WIKILINK, _wikilink),
    ("](", _LINK, _label),
    ("][", _REFERENCE, _label),
    ("<", _AUTOLINK, _url),
    ("<", _SUPERSCRIPT, _superscript),
    ("<", _TAG, _tag),
    ("://", _URL, _url),
    ("^", _BLOCK_ID, _nothing),
    ("**", _STRONG, _bold),
    ("__", _STRONG_LINES, _bold),
    ("==", _HIGHLIGHT, _bold),
)


def plain_text(quote: str, *, kind: Kind, context: str = "", labels: Sequence[str] = ()) -> str:
    """The quote as one line of plain text, without Markdown's marks.

    A table row becomes `label: cell` pairs. An item follows its parent item or
    lead-in; a front-matter key follows its parent keys, with a list of values joined by commas. A
    task is marked as done, open, and so on. Code keeps its lines.
    """
    if kind is Kind.CODE:
        return quote
    source = Seen.of(quote)
    if kind is Kind.ROW:
        return row_pairs(source, labels).text
    if kind is Kind.PROPERTY:
        return property_line(source, context).text
    text = words_of(source, kind).text
    if kind is not Kind.ITEM:
        return text
    stands_alone = not context or len(context) > _LONG_CONTEXT
    return text if stands_alone or not text else f"{_boxed_context(context)}: {text}"


def unit_words(quote: str, unit: Unit) -> str:
    """The plain text of a unit's quote, with what its place adds."""
    return plain_text(quote, kind=unit.kind, context=unit.context, labels=unit.labels)


def lead(item: str) -> str:
    """The lead of a long item: the text before its first dash, colon or full stop."""
    found = compiled(_LEAD).match(item)
    return found[0].strip() if found and len(item) > _SHORT_ITEM else item.rstrip(".;,")


def words_of(source: Seen, kind: Kind, *, breaks: str = "") -> Seen:
    """The plain text of a heading, item, paragraph or block of HTML.

    :param breaks: the ends of lines to keep, `HARD_BREAK` or `LINE_BREAK`; else all is one line.
    """
    if kind is Kind.HTML:
        return _html(source, breaks=breaks)
    text = _unquoted_lines(source)
    if kind is Kind.ITEM:
        # An item within an item keeps its number.
        marks = compiled(_NUMBER_IN_ITEM).match(text.mask) or compiled(ITEM_MARK).match(text.mask)
        text = text[marks.end() :] if marks else text
        box = compiled(_BOX).match(text.mask) if text.mask.startswith("[") else None
        if box:
            state = Seen.added(f"({TASK_STATES[box[1]]}) ", text.at[0])
            return Seen.joined([state, words_of(text[box.end() :], Kind.PARAGRAPH, breaks=breaks)])
    if kind is Kind.HEADING:
        text = text.without(_HEADING_MARKS)
    elif "#" in text.mask:
        text = text.without(_HEADING_MARK)
    return _lines(text, breaks=breaks)


def _unquoted_lines(source: Seen) -> Seen:
    return source.without(_QUOTE_MARKS) if ">" in source.mask else source


def row_cells(source: Seen) -> list[Seen]:
    """The plain text of each cell of a table row."""
    line = _unquoted_lines(source).without(_ROW_ENDS)
    bars = [
        cell.sub(_ESCAPED_BAR, lambda seen, bar: seen.group(bar)[1:]) for cell in line.split(_CELL)
    ]
    return [inline(cell) for cell in bars]


def inner_bars(row: str) -> list[int]:
    """Where the bars are that separate the cells of a row."""
    bars = [bar.start() for bar in compiled(_CELL).finditer(row)]
    if bars and not row[: bars[0]].strip(" \t\r\n>"):
        del bars[0]
    if bars and not row[bars[-1] + 1 :].strip():
        del bars[-1]
    return bars


def labels_within(row: str, labels: tuple[str, ...], start: int, end: int) -> tuple[str, ...]:
    """The labels of the columns that a part of a row is in; none if the row has more cells.

    :param row: a row, or a part of one that has these labels.
    :param start: where the part begins in the row; `end` is where it ends.
    """
    bars = inner_bars(row) if labels else []
    if len(labels) <= len(bars):
        return ()
    return labels[sum(bar <= start for bar in bars) : sum(bar < end for bar in bars) + 1]


def row_pairs(source: Seen, labels: Sequence[str]) -> Seen:
    """A row as `label: cell` pairs, or as its cells if more; a dash is an empty unnamed one."""
    cells = row_cells(source)
    heads = labels if len(labels) >= len(cells) else [""] * len(cells)
    last = max((at for at, cell in enumerate(cells) if cell and not heads[at]), default=0)
    pairs = [
        Seen.joined(
            [Seen.added(f"{head.rstrip(':')}: " * bool(head)), cell or Seen.added("\u2013")]
        )
        for at, (head, cell) in enumerate(zip(heads, cells, strict=False))
        if cell or (at < last and not head)
    ]
    return Seen.joined(pairs, "; ")


def property_line(source: Seen, context: str) -> Seen:
    """A front-matter key and its value, or part of a value whose key is in the context."""
    keyed = compiled(_YAML_KEY).match(source.mask)
    value = source[keyed.end() :] if keyed else source
    if not (keyed and value.text.startswith("[")) or value.text.startswith("[["):
        items = value.split(_YAML_ITEM)
    else:
        items = value.strip("[]").split(",")
    words = Seen.joined(filter(None, (inline(_unquoted(item)) for item in items)), ", ")
    pieces = [Seen.added(f"{context}: ")] if context else []
    if keyed:
        pieces += [_unquoted(source[slice(*keyed.span(1))]), Seen.added(": ")]
    return Seen.joined([*pieces, words])


def _lines(text: Seen, *, breaks: str) -> Seen:
    """Plain text without the marks that apply to whole lines."""
    title = text[:0]
    may_be_callout = text.mask.lstrip().startswith(("[!", "!!!", "???"))
    callout = compiled(_CALLOUT).match(text.mask) if may_be_callout else None
    if callout:
        name = "title" if callout["title"] else "named"
        title = text.group(callout, name) if callout[name] else title
        if (callout["kind"] or "").casefold() in _ALARMS:
            kind = text.group(callout, "kind").instead(callout["kind"].capitalize())
            title = Seen.joined([kind, title] if title else [kind], ": ")
        text = text[callout.end() :]
        if title and text and not (breaks or title.text.endswith(_ENDS)):
            title = Seen.joined([title, Seen.added(":")])
    text = text.sub(_DEFINITION, _colon) if "\n" in text.mask and ":" in text.mask else text
    pieces = [text]
    if "::" in text.mask and compiled(_FIELD).search(text.mask):
        # A field's value ends with its line.
        pieces = text.sub(
            _FIELD, lambda seen, key: Seen.joined([seen.group(key, 1), Seen.added(": ")])
        ).lines()
    seam = "\n" if breaks else "; "
    body = Seen.joined(filter(None, (inline(piece, breaks=breaks) for piece in pieces)), seam)
    return Seen.joined(filter(None, [inline(title), body]), "\n" if breaks else " ")


def _colon(seen: Seen, mark: re.Match[str]) -> Seen:
    return seen.group(mark).instead(": ")


def _html(source: Seen, *, breaks: str) -> Seen:
    """The plain text of a block of HTML, with bars between table cells."""
    if source.mask.lstrip().startswith(">"):
        source = _unquoted_lines(source)
    source = source.without(_CUT_TAG)
    text = source.sub(_CELL_SEAM, lambda seen, seam: seen.group(seam).instead(" | "))
    return inline(text, breaks=breaks)


def _boxed_context(item: str) -> str:
    """A parent item, with its box in words if it is a task."""
    box = compiled(_BOX).match(item)
    pieces = f"({TASK_STATES[box[1]]}) {item[box.end() :]}" if box else item
    return pieces.rstrip(":")


def _unquoted(value: Seen) -> Seen:
    """A YAML scalar on one line, without quotation marks or the mark of folding."""
    words = one_line(value.strip().without(_FOLDED))
    is_quoted = len(words.text) > 1 and words.text[0] == words.text[-1] and words.text[0] in "\"'"
    return words[1:-1] if is_quoted else words


def states_fact(heading: str) -> bool:
    """Whether a heading states a fact by itself: a value for a name, or a sentence."""
    return compiled(_FACT).match(heading) is not None
