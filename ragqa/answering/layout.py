"""The layout of a note: its units in reading order, by section and block.

Units are stored at indexing, so that answering never parses Markdown.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, groupby

from ragqa.answering.excerpt_blocks import blocks_of, excerpt_text
from ragqa.notes import Document
from ragqa.text.shown import one_line
from ragqa.text.words import compiled, index_terms, is_stop_word, unspaced_count
from ragqa.types import Kind, Passage, Unit

_CLOSERS = "*_\"'\u201d)"
_ASKING = ("?", "\uff1f")
_ANNOUNCING = (":", "\uff1a", *_ASKING)
_LABEL_WORDS = 14
_ENDS = tuple(".!?:\u2026\u3002")
"""A line of at most so many words without one of these at its end may stand for a heading."""
_COUNTING = (
    r"(?i)\b(?:two|three|four|five|six|seven|eight|nine|ten|[2-9]|1\d"
    r"|several|steps|these|following|below)\b"
)
_FOOTNOTE = r"(\[\^[^\]\s]{1,100}\])(:?)"

Run = tuple[int, int]
"""The indices of the first and last piece of a run, both inclusive."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A unit in its place.

    `words` are separated by white space; in scripts without it, two characters are a word. A piece
    is `cut_off` if hidden text separates it from the rest of its block.
    """

    unit: Unit
    passage: Passage
    words: int
    cut_off: bool

    @property
    def kind(self) -> Kind:
        """The kind of its unit."""
        return self.unit.kind

    @property
    def begins_item(self) -> bool:
        """Whether it is an item, or a long item's first sentence."""
        return self.unit.kind is Kind.ITEM and self.unit.begins


@dataclass(frozen=True)
class Layout:
    """A note's document and its quotable pieces, in reading order."""

    path: str
    document: Document
    pieces: Sequence[Piece]

    @classmethod
    def of(cls, note: Document | str, passages: Sequence[Passage]) -> "Layout":
        """Lay a note out.

        :param note: its document, or only the text of that if places in it do not matter.
        :param passages: all passages of the note in the index, at least one.
        """
        document = Document(note) if isinstance(note, str) else note
        in_order = sorted(passages, key=lambda passage: passage.start)
        return cls(in_order[0].path, document, list(_pieces(document.text, in_order)))

    @property
    def text(self) -> str:
        """The text of its document."""
        return self.document.text

    def at(self, start: int) -> int:
        """The index of the piece at a character of the note, or of the next piece."""
        return min(bisect_right(self._ends, start), len(self.pieces) - 1)

    def within(self, start: int, end: int) -> range:
        """The indices of the pieces that have some of these characters of the note."""
        return range(bisect_right(self._ends, start), bisect_left(self._starts, end))

    def sections(self, start: int, end: int) -> range:
        """The indices of the pieces in the sections of these characters of the note."""
        run = self.within(start, end)
        return range(self.section(run[0])[0], self.section(run[-1])[1] + 1) if run else run

    def quote(self, run: Run) -> str:
        """The verbatim text of a run."""
        return self.text[slice(*self.span(run))]

    def said(self, i: int) -> str:
        """The plain text of a piece, on one line."""
        return one_line(self.pieces[i].unit.plain)

    def line(self, i: int) -> int:
        """The line of the note that a piece begins on."""
        passage, start = self.pieces[i].passage, self.pieces[i].unit.start
        return passage.lines[0] + self.text.count("\n", passage.start, start)

    def plain(self, run: Run) -> str:
        """The plain text of a run, laid out."""
        return excerpt_text(blocks_of(self.units(run)))

    def embeds(self, i: int) -> Sequence[str]:
        """The links of the embeds in a piece."""
        return self.pieces[i].unit.embeds

    def is_embed(self, i: int) -> bool:
        """Whether a piece is nothing but embeds."""
        return bool(self.embeds(i)) and not self.said(i)

    def footnotes(self, i: int) -> Iterator[Run]:
        """The footnotes of a piece; if it is a footnote itself, the sentence that it is of."""
        quote = "" if self.pieces[i].kind is Kind.CODE else self.quote((i, i))
        marks = compiled(_FOOTNOTE).finditer(quote) if "[^" in quote else ()
        for mark, colon in {found.groups(): None for found in marks}:
            for n in range(len(self.pieces)):
                text = self.quote((n, n))
                if not colon and text.startswith(f"{mark}:"):
                    first, last = n, self.block(n)[1]
                    while n < last and not self.quote((n + 1, n + 1)).startswith("[^"):
                        n += 1
                    yield first, n
                    break
                if colon and mark in text.split(f"{mark}:")[0]:
                    yield n, n
                    break

    def span(self, run: Run) -> tuple[int, int]:
        """The characters of a run."""
        return self.pieces[run[0]].unit.start, self.pieces[run[1]].unit.end

    def units(self, run: Run) -> tuple[Unit, ...]:
        """The units of a run."""
        return tuple(piece.unit for piece in self.pieces[run[0] : run[1] + 1])

    def words(self, run: Run) -> int:
        """The number of words in a run."""
        return self._words_before[run[1] + 1] - self._words_before[run[0]]

    def section(self, i: int) -> Run:
        """The run of a piece's section, without the headings above the piece."""
        first, last = self._sections[i]
        return (min(i, first), last) if i >= first - 1 else (i, i)

    def block(self, i: int) -> Run:
        """The run of a piece's block."""
        return self._blocks[i]

    def item(self, i: int) -> Run:
        """The run of a piece's item, without nested ones."""
        (first, last), (begin, end) = self.block(i), self._items[i]
        return max(begin, first), min(end, last)

    def item_with_nested(self, i: int) -> Run:
        """The run of a piece's item, with everything nested in it."""
        begin, end = self.item(i)
        _, last = self.block(i)
        depth = self.pieces[begin].unit.depth
        while end < last and (
            not self.pieces[end + 1].begins_item or self.pieces[end + 1].unit.depth > depth
        ):
            end += 1
        return begin, end

    def announces(self, i: int) -> bool:
        """Whether a piece ends with a colon or question mark, and so introduces what follows."""
        return self.quote((i, i)).rstrip(_CLOSERS).endswith(_ANNOUNCING)

    def announces_list(self, i: int) -> bool:
        """Whether a paragraph of one sentence is about the list or table right below it.

        It counts or points to its items, or has a content word of one.
        """
        is_one = self.block(i) == (i, i) and self.pieces[i].kind is Kind.PARAGRAPH
        below = self.pieces[i + 1].kind if i < self.section(i)[1] else None
        if not is_one or below not in (Kind.ITEM, Kind.TABLE_HEAD, Kind.ROW):
            return False
        quote, language = self.quote((i, i)), self.pieces[i].passage.language
        if self.is_label(i) or compiled(_COUNTING).search(quote):
            return True
        listed = index_terms(self.quote(self.block(i + 1)), language)
        shared = {*index_terms(quote, language)}.intersection(listed)
        return not all(is_stop_word(term, language) for term in shared)

    def is_label(self, i: int) -> bool:
        """Whether a piece is a short line that stands alone like a heading, and does not end."""
        if self.block(i) != (i, i) or self.pieces[i].kind is not Kind.PARAGRAPH:
            return False
        quote = self.quote((i, i)).rstrip(_CLOSERS)
        return len(quote.split()) <= _LABEL_WORDS and quote[-1:] not in _ENDS

    def leaves_open(self, i: int) -> bool:
        """Whether a piece asks, and what follows it in its section cannot be the answer.

        In a list only what is nested in the item can, unless the item is alone in it.
        """
        first, last = self.block(i)
        items = sum(piece.begins_item for piece in self.pieces[first : last + 1])
        end = self.section(i)[1] if items < 2 else self.item_with_nested(i)[1]
        return asks(self.quote((i, i))) and (i >= end or asks(self.quote((i + 1, i + 1))))

    def headings_above(self, i: int) -> list[str]:
        """The headings right above a piece's section, outermost first, as plain text."""
        end = at = self.section(i)[0]
        while at and self.pieces[at - 1].kind is Kind.HEADING:
            at -= 1
        return [self.said(n) for n in range(at, end)]

    def is_cut(self, run: Run) -> tuple[bool, bool]:
        """Whether a run's list or table begins before it, and whether it continues after it.

        Hidden text also cuts a list, table or paragraph. Otherwise a sentence may stand without the
        rest of its paragraph.
        """
        first, last = self.pieces[run[0]], self.pieces[run[1]]
        after = self.pieces[run[1] + 1 : run[1] + 2]
        continues = self.block(run[1])[1] > run[1] and last.kind is not Kind.PARAGRAPH
        return (
            (self.block(run[0])[0] < run[0] and first.kind is not Kind.PARAGRAPH) or first.cut_off,
            continues or any(piece.cut_off for piece in after),
        )

    # Looked up for every candidate; a note may have tens of thousands of pieces.

    @cached_property
    def _starts(self) -> Sequence[int]:
        return [piece.unit.start for piece in self.pieces]

    @cached_property
    def _ends(self) -> Sequence[int]:
        return [piece.unit.end for piece in self.pieces]

    @cached_property
    def _words_before(self) -> Sequence[int]:
        return list(accumulate((piece.words for piece in self.pieces), initial=0))

    @cached_property
    def _items(self) -> Sequence[Run]:
        return _runs(accumulate(piece.begins_item for piece in self.pieces))

    @cached_property
    def _blocks(self) -> Sequence[Run]:
        return _runs((piece.unit.section, piece.unit.block) for piece in self.pieces)

    @cached_property
    def _sections(self) -> Sequence[Run]:
        """The run of each piece's section after its headings, which all come first."""
        runs = _runs(piece.unit.section for piece in self.pieces)
        pieces = zip(self.pieces, runs, strict=True)
        headings = Counter(first for piece, (first, _) in pieces if piece.kind is Kind.HEADING)
        return [(first + headings[first], last) for first, last in runs]


def _runs(keys: Iterable[object]) -> list[Run]:
    """The run that each piece is in: of those side by side that have the same key."""
    runs: list[Run] = []
    for _, group in groupby(keys):
        size = sum(1 for _ in group)
        runs += [(len(runs), len(runs) + size - 1)] * size
    return runs


def all_match_note(text: str, passages: Iterable[Passage]) -> bool:
    """Whether all passages match the note's text: their text, lines and units."""
    line, at = 1, 0
    for passage in sorted(passages, key=lambda one: one.start):
        # Lines are counted only once: a note may have thousands of passages.
        line, at = line + text.count("\n", at, max(at, passage.start)), passage.start
        if not passage.stands_in(text, line):
            return False
    return True


def layout_of_passage(passage: Passage) -> Layout:
    """The layout of a single passage as if it were the whole note."""
    before = " " * (passage.start - 1) + "\n" if passage.start else ""
    return Layout.of(before + passage.text, [passage])


def section_of(passage: Passage, layout: Layout, *, most_words: int) -> Passage:
    """The passage extended to its whole section, if that has at most `most_words`.

    Passages are cut from long sections, but an LLM should read the whole of a list or procedure.

    :param layout: of its note.
    """
    if all(unit.kind is Kind.RULE for unit in passage.units):
        return passage
    first, last = layout.at(passage.start), layout.at(passage.end - 1)
    run = min(first, layout.section(first)[0]), max(last, layout.section(last)[1])
    if layout.words(run) > most_words:
        return passage
    start, end = layout.span(run)
    line = layout.line(run[0])
    return replace(
        passage,
        start=start,
        end=end,
        lines=(line, line + layout.text.count("\n", start, end)),
        text=layout.quote(run),
        units=layout.units(run),
    )


def _pieces(text: str, passages: Sequence[Passage]) -> Iterator[Piece]:
    before: Unit | None = None
    for passage in passages:
        for unit in passage.units:
            if unit.kind is Kind.RULE:
                continue
            is_rest = not unit.begins or (before and unit.block == before.block)
            apart = unit.section != before.section if before else text[: unit.start].strip()
            cut_off = bool(is_rest and apart)
            words = text[unit.start : unit.end]
            size = len(words.split()) + unspaced_count(words) // 2
            yield Piece(unit, passage, size, cut_off)
            before = unit


def asks(text: str) -> bool:
    """Whether a text ends with a question mark, perhaps within marks or brackets."""
    return text.rstrip().rstrip(_CLOSERS).removesuffix("!").endswith(_ASKING)
