"""What is shown of a unit: its plain text, which was read once, at indexing."""

from ragqa.text.words import compiled
from ragqa.types import Kind, Span, Unit

LINE, TITLE, FIELD, CELL = "\n", "\v", "\x1e", "\t"
"""What ends a line, a title, a field and a cell in plain text that is no code."""

_ON_ONE_LINE = str.maketrans({LINE: " ", TITLE: ": ", FIELD: "; ", CELL: " "})
_ON_LINES = str.maketrans({TITLE: "\n", FIELD: "\n", CELL: " "})
CELL_BAR = r"(?<!\\)\|"
_OWN = r"\[(\d+(?:\s*[,;\u2013]\s*\d+)*)\]"
_LEAD = r"(?:[^.:;\u2013\u2014]|[.:](?!\s|$))+"
_SHORT_ITEM = 60
_LONG_CONTEXT = 80
BOX = r"\A\[([ xX/-])\]\s+"
_DONE = "(done) "
TASK_STATES = {" ": "(open) ", "x": _DONE, "X": _DONE, "/": "(in progress) ", "-": "(cancelled) "}
"""What is shown of the box of a task, by the character in it."""

# Code, which has no marks, comes first.
_STRUCK = (
    r"(?s)(`+)(?!`).{1,1000}?(?<!`)\1(?!`)"
    r"|(?<![\\~])~~(?![\s~]).{1,1000}?(?<![\s~\\])~~(?!~)"
    r"|<(?P<tag>(?i:del|s|strike))\b[^<>]*>.{1,1000}?</(?P=tag)>"
)
# "Database: PostgreSQL", "Deadline - 2 May", or a sentence.
_FACT = (
    r"(?s)[^:\uff1a]{1,60}?(?::\s|\uff1a|\s(?:[=\u2013\u2014-]|->)\s)\s*\S"
    r"|.*[^.\s][.!\u3002\uff01]\s*\Z"
)
# "DKB instead of Sparkasse", "Passport is in the blue drawer", but not "Where the passports are".
_QUESTION_MARKS = ("?", "\uff1f")
_ASKS = r"(?i)\W*(?:wh(?:at|ere|en|o|y|ich|om|ose|ether)|how|if)\b"
_STATES = (
    r"(?i)\b(?:is|are|was|were|has|have|had|must|should|will|cannot|\w+n['\u2019]t"
    r"|not?|never|only|instead of|rather than|over|we)\b"
)


def one_line(plain: str) -> str:
    """Plain text on one line."""
    return plain.strip().translate(_ON_ONE_LINE)


def on_lines(plain: str) -> str:
    """Plain text of which lines, a title and fields stand on lines of their own."""
    return plain.translate(_ON_LINES)


def cells(unit: Unit) -> list[str]:
    """What is shown of each cell of a row."""
    return unit.plain.split(CELL)


def row_pairs(unit: Unit) -> str:
    """A row as `label: cell` pairs, or as its cells if more; a dash is an empty unnamed one."""
    own, labels = cells(unit), unit.labels
    heads = labels if len(labels) >= len(own) else [""] * len(own)
    last = max((at for at, cell in enumerate(own) if cell and not heads[at]), default=0)
    pairs = (
        f"{head.rstrip(':')}: {cell}" if head else cell or "\u2013"
        for at, (head, cell) in enumerate(zip(heads, own, strict=False))
        if cell or (at < last and not head)
    )
    return "; ".join(pairs)


def unit_words(unit: Unit) -> str:
    """What a unit says, after its parent item, lead-in or keys; a row as `label: cell` pairs."""
    if unit.kind is Kind.CODE:
        return unit.plain
    if unit.kind is Kind.ROW:
        return row_pairs(unit)
    text = one_line(unit.plain)
    if unit.kind is Kind.PROPERTY:
        return f"{unit.context}: {text}" if unit.context else text
    stands_alone = not unit.context or len(unit.context) > _LONG_CONTEXT
    if unit.kind is not Kind.ITEM or stands_alone or not text:
        return text
    above = compiled(BOX).sub(lambda box: TASK_STATES[box[1]], unit.context, count=1)
    return f"{above.rstrip(':')}: {text}"


def lead(item: str) -> str:
    """The lead of a long item: the text before its first dash, colon or full stop."""
    found = compiled(_LEAD).match(item)
    return found[0].strip() if found and len(item) > _SHORT_ITEM else item.rstrip(".;,")


def states_fact(heading: str) -> bool:
    """Whether a heading states a fact by itself: a value for a name, or a sentence."""
    return compiled(_FACT).match(heading) is not None or is_statement(heading)


def is_statement(heading: str) -> bool:
    """Whether a heading asks nothing and has an English verb or a word such as "no" or "over"."""
    states = compiled(_STATES).search(heading) and not heading.rstrip().endswith(_QUESTION_MARKS)
    return bool(states) and not compiled(_ASKS).match(heading)


def set_apart(text: str) -> str:
    """A text that may stand beside citations: `[1]` is ragqa's, `[ 1 ]` the text's own."""
    return compiled(_OWN).sub(r"[ \1 ]", text)


def inner_bars(row: str) -> list[int]:
    """Where the bars are that separate the cells of a row."""
    bars = [bar.start() for bar in compiled(CELL_BAR).finditer(row)]
    if bars and not row[: bars[0]].strip(" \t\r\n>"):
        del bars[0]
    if bars and not row[bars[-1] + 1 :].strip():
        del bars[-1]
    return bars


def labels_within(row: str, labels: tuple[str, ...], start: int, end: int) -> tuple[str, ...]:
    """The labels of the columns that `row[start:end]` is in; none if the row has more cells."""
    bars = inner_bars(row) if labels else []
    if len(labels) <= len(bars):
        return ()
    return labels[sum(bar <= start for bar in bars) : sum(bar < end for bar in bars) + 1]


def struck_spans(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """The spans of what a part of a text strikes out (`~~`, `<del>`, `<s>`), marks included."""
    stop = len(text) if end is None else end
    matches = compiled(_STRUCK).finditer(text, start, stop)
    return [match.span() for match in matches if not match[1]]
