"""Draw an excerpt of a note on a terminal, as the note is laid out."""

from collections.abc import Iterator, Sequence
from itertools import chain, groupby

from msgspec import Struct
from rich.console import Console
from rich.text import Text

from ragqa.answering.excerpt_blocks import (
    CUT,
    INDENT,
    Block,
    Line,
    Table,
    apart,
    blocks_of,
    runs_on,
)
from ragqa.render import READABLE, emit
from ragqa.safe import safe_text
from ragqa.text.shown import Shown
from ragqa.types import Citation, Kind, Look, Span, Unit

_LOOKS = {Look.BOLD: "bold", Look.ITALIC: "italic", Look.CODE: "code"}

_SEAM = 3
_HANG = 2
_TAB = 4


def quoted_words(citation: Citation) -> str:
    """The words of the quote on one line, without markup; not sanitised."""
    texts = chain.from_iterable(map(_texts, blocks(citation, citation.chars)))
    return " ".join(word for seen in texts for word in seen.text.split())


def blocks(citation: Citation, span: Span) -> Sequence[Block]:
    """The blocks of what is shown within these characters; one where no units are listed."""
    units = citation.units or (Unit(citation.kind, *citation.chars, citation.context),)
    inside = [unit for unit in units if span[0] <= unit.start < span[1]]
    first = citation.chars[0] - len(citation.before)
    return blocks_of(citation.shown[span[0] - first : span[1] - first], inside, span[0])


def sides(citation: Citation) -> tuple[Sequence[Block], Sequence[Block], Sequence[Block]]:
    """The blocks before a quote, its own, and those after it."""
    (start, end), (first, last) = citation.chars, citation.around or citation.chars
    before, after = blocks(citation, (first, start)), blocks(citation, (end, last))
    return before, blocks(citation, citation.chars), after


def print_excerpt(console: Console, citation: Citation, indent: int = 3) -> None:
    """Draw the quote, and dimmed the text around it; underline what answers, unless all does."""
    shown = blocks(citation, citation.around or citation.chars)
    quoted = citation.chars if citation.around else None
    answers = _answers(citation, blocks(citation, citation.chars))
    page = _Page(console, indent, answers, citation.span, quoted)
    for number, block in enumerate(shown):
        if number and apart(shown[number - 1], block):
            console.print()
        is_first, is_last = number == 0, number == len(shown) - 1
        page.draw(block, (citation.cut[0] and is_first, citation.cut[1] and is_last))


def _answers(citation: Citation, blocks: Sequence[Block]) -> Sequence[Span] | None:
    """The answering spans of the note; None if there are none or they cover the whole excerpt."""
    spans = citation.answer_spans
    if not spans:
        return None
    for seen in chain.from_iterable(map(_texts, blocks)):
        for at, char in zip(seen.at, seen.text, strict=True):
            if at >= 0 and not char.isspace() and not _is_in(at, spans):
                return spans
    return None


def _texts(block: Block) -> Iterator[Shown]:
    if isinstance(block, Line):
        yield block.text
    else:
        yield from chain(block.head, *block.rows)


def _is_in(at: int, spans: Sequence[Span]) -> bool:
    return any(start <= at < end for start, end in spans)


class _Page(Struct, frozen=True):
    """Where an excerpt is drawn, and which spans of the note are highlighted.

    `answers` are the answering spans, None if all of it answers; `short` is the direct answer.
    What is not `quoted` is dimmed.
    """

    console: Console
    indent: int
    answers: Sequence[Span] | None
    short: Span | None
    quoted: Span | None

    @property
    def width(self) -> int:
        """The columns available to an excerpt."""
        columns = self.console.width
        if self.console.is_terminal:
            columns = min(columns, READABLE)
        return max(1, columns - self.indent)

    def draw(self, block: Block, cut: tuple[bool, bool]) -> None:
        """Draw a block, with an ellipsis where the excerpt is cut."""
        within = runs_on(block)
        if cut[0] and not within:
            self._emit(Text(CUT, "quiet"))
        if isinstance(block, Table):
            self._table(block)
        elif block.kind is Kind.CODE:
            self._code(block)
        else:
            text = self._text(block.text)
            if block.kind is Kind.HEADING:
                text.stylize("bold")
            before = (f"{CUT} ", "quiet") if within and cut[0] else ""
            behind = (f" {CUT}", "quiet") if within and cut[1] else ""
            hang = _HANG if block.kind is Kind.ROW else 0
            mark = (block.mark, "quiet" if self._is_beside(block.text) else "")
            shown = Text.assemble(mark, before, text, behind)
            self._emit(shown, block.depth, hang=len(block.mark) or hang)
        if cut[1] and not within:
            self._emit(Text(CUT, "quiet"))

    def _emit(self, text: Text, depth: int = 0, hang: int = 0) -> None:
        within = min(depth * len(INDENT), self.width // 2)
        emit(self.console, text, indent=self.indent + within, hang=hang)

    def _text(self, seen: Shown) -> Text:
        """Sanitised, styled text."""
        text = Text(safe_text(seen.text))
        for look, style in _LOOKS.items():
            _stylize(text, seen, style, [bool(looks & look) for looks in seen.looks])
        if self.quoted:
            own, is_beside = [self.quoted], self._is_beside(seen)
            beside = [is_beside or (at >= 0 and not _is_in(at, own)) for at in seen.at]
            _stylize(text, seen, "quiet", beside)
        if self.answers:
            _stylize(text, seen, "answer", [_is_in(at, self.answers) for at in seen.at])
        if self.short:
            _stylize(text, seen, "short", [_is_in(at, [self.short]) for at in seen.at])
        return text

    def _is_beside(self, seen: Shown) -> bool:
        """Whether none of a text is quoted."""
        return self.quoted is not None and not any(_is_in(at, [self.quoted]) for at in seen.at)

    def _code(self, block: Line) -> None:
        """Draw code wrapped between words, dimmed unless it answers."""
        answers = self.answers is None or any(_is_in(at, self.answers) for at in block.text.at)
        answers = answers and not self._is_beside(block.text)
        text = self._text(block.text)
        text.stylize_before("code" if answers else "quiet")
        for line in text.split("\n", allow_blank=True):
            line.expand_tabs(_TAB)
            inner = len(line.plain) - len(line.plain.lstrip(" "))
            self._emit(line, block.depth, hang=min(inner, self.width // 2))

    def _table(self, table: Table) -> None:
        """Draw a table within the width."""
        from rich import box
        from rich.padding import Padding
        from rich.table import Table as Grid

        head, *rows = [[self._text(cell) for cell in row] for row in (table.head, *table.rows)]
        columns = zip(head, *rows, strict=True)
        width = sum(max(cell.cell_len for cell in column) + _SEAM for column in columns)
        is_wrapped = width - _SEAM > self.width
        grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, leading=int(is_wrapped))
        for name in head:
            grid.add_column(name, overflow="fold", header_style="bold")
        for row in rows:
            grid.add_row(*row)
        placed = Padding(grid, (0, 0, 0, self.indent), expand=False)
        self.console.print(placed, width=self.indent + self.width)


def _stylize(text: Text, seen: Shown, style: str, is_in: Sequence[bool]) -> None:
    """Style the characters flagged in `is_in`, as shown after sanitising."""
    end = 0
    for styled, run in groupby(is_in):
        start, end = end, end + len(list(run))
        if styled:
            text.stylize(style, *(len(safe_text(seen.text[:at])) for at in (start, end)))
