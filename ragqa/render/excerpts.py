"""Draw an excerpt of a note on a terminal, as the note is laid out."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from ragqa.answering.excerpt_blocks import INDENT, ExcerptBlock, apart, blocks_of
from ragqa.render import READABLE, emit
from ragqa.safe import safe_text
from ragqa.types import Citation, Kind, Span, Unit

_SEAM = 3
_HANG = 2
_TAB = 4


def quoted_words(citation: Citation) -> str:
    """The words of the quote on one line, without markup; not sanitised."""
    quoted = [unit for unit in citation.units if _is_in(unit, [citation.chars])]
    return " ".join(word for block in blocks_of(quoted) for word in block.text.split())


def print_excerpt(console: Console, citation: Citation, indent: int = 3) -> None:
    """Draw the quote, and dimmed the text around it; underline what answers, unless all does."""
    blocks = blocks_of(citation.units, (citation.cut.before, citation.cut.after))
    quoted = [unit for block in blocks for unit, _ in block.parts if _is_in(unit, [citation.chars])]
    spans = citation.answer_spans
    answers = () if all(_is_in(unit, spans) for unit in quoted) else spans
    columns = min(console.width, READABLE) if console.is_terminal else console.width
    page = _Page(console, indent, max(1, columns - indent), citation, answers)
    for number, block in enumerate(blocks):
        if number and apart(blocks[number - 1], block):
            console.print()
        page.draw(block)


def _is_in(unit: Unit, spans: Iterable[Span]) -> bool:
    return any(start <= unit.start < end for start, end in spans)


@dataclass(frozen=True, slots=True)
class _Page:
    """Where an excerpt is drawn; `answers` are the answering spans, none if all of it answers."""

    console: Console
    indent: int
    width: int
    citation: Citation
    answers: Sequence[Span]

    def draw(self, block: ExcerptBlock) -> None:
        """Draw a block."""
        if block.kind is Kind.TABLE_HEAD:
            self._table(block)
        elif block.kind is Kind.CODE:
            self._code(block)
        elif block.kind is Kind.RULE:
            self._emit(Text(block.text, "quiet"))
        else:
            text = self._text(block.parts)
            if block.kind is Kind.HEADING:
                text.stylize("bold")
            hang = _HANG if block.kind is Kind.ROW else 0
            mark = (block.mark, "quiet" if self._is_beside(block) else "")
            self._emit(Text.assemble(mark, text), block.depth, hang=len(block.mark) or hang)

    def _emit(self, text: Text, depth: int = 0, hang: int = 0) -> None:
        within = min(depth * len(INDENT), self.width // 2)
        emit(self.console, text, indent=self.indent + within, hang=hang)

    def _text(self, parts: Iterable[tuple[Unit, str]]) -> Text:
        """Sanitised, styled text."""
        text, style, short = Text(), "", self.citation.short_answer
        for unit, part in parts:
            before, style = style, self._style(unit)
            words = Text(safe_text(part.lstrip()), style)
            if short and unit.start <= short.chars[0] < unit.end:
                pattern = r"\s+".join(map(re.escape, safe_text(short.text).split()))
                words.highlight_regex(rf"(?<!\w){pattern}(?!\w)", "short")
            space = safe_text(part[: len(part) - len(part.lstrip())])
            text.append(space, style if style == before else "")
            text.append_text(words)
        return text

    def _style(self, unit: Unit) -> str:
        if not _is_in(unit, [self.citation.chars]):
            return "quiet"
        return "answer" if _is_in(unit, self.answers) else ""

    def _is_beside(self, block: ExcerptBlock) -> bool:
        """Whether none of a block is quoted."""
        return all(self._style(unit) == "quiet" for unit, _ in block.parts)

    def _code(self, block: ExcerptBlock) -> None:
        """Draw code wrapped between words, dimmed unless it answers."""
        answers = not self.answers or any(_is_in(unit, self.answers) for unit, _ in block.parts)
        text = self._text(block.parts)
        text.stylize_before("code" if answers and not self._is_beside(block) else "quiet")
        for line in text.split("\n", allow_blank=True):
            line.expand_tabs(_TAB)
            inner = len(line.plain) - len(line.plain.lstrip(" "))
            self._emit(line, block.depth, hang=min(inner, self.width // 2))

    def _table(self, table: ExcerptBlock) -> None:
        """Draw a table within the width."""
        from rich import box
        from rich.padding import Padding
        from rich.table import Table as Grid

        head, *rows = (
            [self._text([(unit, cell)]) for cell in row]
            for (unit, _), row in zip(table.parts, table.rows, strict=True)
        )
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
