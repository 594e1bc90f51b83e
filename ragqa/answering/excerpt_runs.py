"""Which run of a note to show: around the answering sentence, as a person would copy it.

For a definition it is the paragraph that defines the term, under a title, alias or heading.
"""

import re
from collections.abc import Iterable, Sequence

from ragqa.answering.layout import Layout, Run
from ragqa.text.shown import is_statement
from ragqa.text.words import index_terms
from ragqa.types import Kind

SCORE_SHARE = 0.85
SHORT_SCORE_SHARE = 0.9
"""A neighbouring sentence is included if it has this share of the best one's score; the second
value is for questions about a date, number, name or place."""

EXCERPT_WORDS = 100
"""The most words of an excerpt before it is completed, and of what it embeds."""

_PARAGRAPH_WORDS = 100
_ITEM_WORDS = 80
_NESTED_WORDS = 150
LIST_WORDS = 220
_SMALL_LIST_WORDS = 40
_TABLE_WORDS = 100
_SMALL_TABLE_WORDS = 60
_BEFORE_WORDS = 30
_LEAD_IN_WORDS = 45
_ANNOUNCED_WORDS = 100
"""The most words of each kind of block that completes an excerpt (docs/decisions/answers.md)."""

_TOLERANCE = 1e-9
"""Gains that differ by less are equal, and the shorter run wins."""

_MIN_ITEMS = 2
DEFINING_WORDS = 80
"""The most words shown of a defining paragraph; its first sentence is always shown."""

_MAX_TERMS_BEFORE = 4
"""The first sentence names the subject after at most this many terms."""

_ARTICLES = frozenset({"a", "an", "the"})
_SEPARATOR = re.compile(r"(?<!\s)\s+(?:and|or|vs\.?|&|/)\s+|[:\u2013\u2014]\s+")

_Terms = tuple[str, ...]


def excerpt_around(layout: Layout, scores: Sequence[float], best: int, *, short: bool) -> Run:
    """The run of pieces to show around the best one.

    It is the best run of its section (a maximum-sum subarray: Bentley, "Programming Pearls", 1984),
    extended to the rest of an item, list or table, and its lead-in. A front-matter key stands
    alone, as does an embed with its lead-in.

    :param scores: the scores of the pieces, 0 for unscored ones, shape (pieces,).
    :param best: the index of the piece that answers.
    :param short: whether a date, number, name or place is asked for.
    """
    if layout.pieces[best].kind is Kind.PROPERTY or layout.is_embed(best):
        return best, best
    if layout.announces(best) and best < layout.section(best)[1] and layout.is_embed(best + 1):
        return best, best + 1
    run = _best_run(layout, scores, best, short=short)
    is_label = layout.is_label(run[1]) and not (short or layout.announces_list(run[1]))
    is_head = is_label or layout.pieces[run[1]].kind is Kind.HEADING
    if is_head and run[1] < layout.section(best)[1]:
        # A heading, or a line that stands for one, may answer, but seldom alone.
        run = run[0], _last_within(layout, layout.block(run[1] + 1), EXCERPT_WORDS)
    run = _closed(layout, run, short=short)
    run = with_announced(layout, run, best, short=short)
    return _below_statement(layout, _of_same_columns(layout, run, best))


def _below_statement(layout: Layout, run: Run) -> Run:
    """The run with the heading directly above it if that is a statement."""
    above = run[0] - 1, run[0] - 1
    if not run[0] or layout.pieces[above[0]].kind is not Kind.HEADING:
        return run
    between = layout.text[layout.span(above)[1] : layout.span(run)[0]]
    return (above[0], run[1]) if not between.strip() and is_statement(layout.quote(above)) else run


def with_announced(layout: Layout, run: Run, best: int, *, short: bool) -> Run:
    """The run with the line that announces its list, table or code, and what its lines announce.

    Where the announcing line ends the run, as much of a list is added as fits. Where some of the
    list is shown, the rest is added if it is short; a date, number, name or place in it needs none.
    """
    begin, end = _with_lead_in(layout, run)
    for line in (end, layout.block(end)[0] - 1):
        is_in_run = begin <= line < layout.section(end)[1]
        # A date, number, name or place is in the sentence itself.
        leads_in = line == best and not short and layout.announces_list(line)
        announces = layout.announces(line) or leads_in
        if not is_in_run or not announces or (short and best > line):
            continue
        whole = line + 1, _end_of_announced(layout, line)
        # The marks of items count as words, too.
        items = sum(piece.begins_item for piece in layout.pieces[line + 1 : whole[1] + 1])
        most = _ANNOUNCED_WORDS + items
        if line == end:
            end = _last_within(layout, whole, most if short else LIST_WORDS)
        elif layout.words(whole) <= most:
            end = max(end, whole[1])
    return begin, end


def _end_of_announced(layout: Layout, announcing: int) -> int:
    """The last piece of the list, table or code that a sentence announces."""
    first = announcing + 1
    block = layout.block(first)
    if block[0] == first:
        return block[1]
    # Both are in one list, so what is announced is nested in an item.
    return layout.item_with_nested(announcing)[1]


def _best_run(layout: Layout, scores: Sequence[float], best: int, *, short: bool) -> Run:
    """The run with the highest gain within the word limit, or the best piece alone.

    Time is linear in the section's pieces, since the gain on each side of the best piece is
    independent of the other.
    """
    first, last = layout.section(best)
    threshold = (SHORT_SCORE_SHARE if short else SCORE_SHARE) * scores[best]
    # For each end within the word limit, the best end so far and its gain.
    ends, total = [(best, 0.0)], 0.0
    while (end := best + len(ends)) <= last and layout.words((best, end)) <= EXCERPT_WORDS:
        total += scores[end] - threshold
        ends.append((end, total) if total > ends[-1][1] + _TOLERANCE else ends[-1])
    run, highest, total = (best, ends[-1][0]), ends[-1][1], 0.0
    for begin in range(best - 1, first - 1, -1):
        while ends and layout.words((begin, best + len(ends) - 1)) > EXCERPT_WORDS:
            ends.pop()
        if not ends:
            break
        total += scores[begin] - threshold
        if total + ends[-1][1] > highest + _TOLERANCE:
            run, highest = (begin, ends[-1][0]), total + ends[-1][1]
    return run


def _closed(layout: Layout, run: Run, *, short: bool) -> Run:
    """The run with the rest of its items, and of its list, table or paragraph if short."""
    first, last = layout.block(run[0])[0], layout.block(run[1])[1]
    whole = first, last
    is_list = Kind.ITEM in (layout.pieces[first].kind, layout.pieces[run[1]].kind)
    if is_list:
        run = _whole_items(layout, run)
        items = sum(piece.begins_item for piece in layout.pieces[run[0] : run[1] + 1])
        own = layout.item_with_nested(run[0])
        if first == run[0] and own[1] >= run[1] and layout.quote((first, first))[0].isdigit():
            # A first step is no answer without the next ones.
            most = _ANNOUNCED_WORDS if short else LIST_WORDS
            return first, max(run[1], _last_within(layout, whole, most))
        is_one = own[1] == run[1] and own[1] > layout.item(run[0])[1]
        limit = LIST_WORDS if items >= _MIN_ITEMS else _SMALL_LIST_WORDS
        is_whole = not (short or is_one) and layout.words(whole) <= limit
        return whole if is_whole else run
    kinds = layout.pieces[run[0]].kind, layout.pieces[run[1]].kind
    if Kind.ROW in kinds or Kind.TABLE_HEAD in kinds:
        limit = _SMALL_TABLE_WORDS if short else _TABLE_WORDS
        return whole if layout.words(whole) <= limit else run
    if not short and layout.words(whole) <= _PARAGRAPH_WORDS:
        return whole
    # What "it" refers to is mostly at the start of the paragraph.
    is_late = first < run[0] and layout.words((first, run[0] - 1)) > _BEFORE_WORDS
    return run if is_late else (first, run[1])


def _whole_items(layout: Layout, run: Run) -> Run:
    """The run with its first and last items whole, and what is nested in the last one."""
    begin, end = run
    if layout.pieces[layout.block(begin)[0]].kind is Kind.ITEM:
        own = layout.item(begin)[0]
        begin = own if layout.words((own, end)) <= _ITEM_WORDS + EXCERPT_WORDS else begin
    if layout.pieces[layout.block(end)[0]].kind is Kind.ITEM:
        own = layout.item(end)[1]
        end = own if layout.words((end, own)) <= _ITEM_WORDS else end
        nested = layout.item_with_nested(end)[1]
        end = nested if layout.words((begin, nested)) <= _NESTED_WORDS else end
    return begin, end


def _with_lead_in(layout: Layout, run: Run) -> Run:
    """The run with the lead-in of the list, table or code it begins with."""
    begin, end = run
    kinds = (Kind.ITEM, Kind.CODE, Kind.ROW, Kind.TABLE_HEAD)
    begins_block = begin == layout.block(begin)[0] and begin > layout.section(begin)[0]
    if layout.pieces[begin].kind not in kinds or not begins_block:
        return run
    if layout.pieces[begin - 1].kind is not Kind.PARAGRAPH or not layout.announces(begin - 1):
        return run
    paragraph = layout.block(begin - 1)
    return paragraph[0] if layout.words(paragraph) <= _LEAD_IN_WORDS else begin - 1, end


def _of_same_columns(layout: Layout, run: Run, best: int) -> Run:
    """The run, or what of it has the labels of the best piece if its rows have others without head.

    So what a citation says of its first row is true of all: a part of a row has other columns.
    """
    labels = [(one.kind, one.unit.labels) for one in layout.pieces[run[0] : run[1] + 1]]
    rows = {one for one in labels if one[0] is Kind.ROW}
    if labels[0][0] is not Kind.ROW or len(rows) == 1:
        return run
    begin = end = best - run[0]
    while begin and labels[begin - 1] == labels[best - run[0]]:
        begin -= 1
    while end + 1 < len(labels) and labels[end + 1] == labels[best - run[0]]:
        end += 1
    return run[0] + begin, run[0] + end


def _last_within(layout: Layout, run: Run, limit: int) -> int:
    """The last piece within the word limit; a longer list is cut after a whole item."""
    begin, end = run
    if layout.words(run) <= limit:
        return end
    last = begin - 1
    if layout.pieces[begin].kind is Kind.ITEM:
        while layout.words((begin, layout.item(last + 1)[1])) <= limit:
            last = layout.item(last + 1)[1]
    return last


def defining_run(layout: Layout, subject: Sequence[str]) -> tuple[int, Run] | None:
    """The paragraph that defines the subject, and how directly; None if there is none.

    The number is 0 if the note's title names the subject, 1 if a heading does, and 2 if only its
    first paragraph does. A title or heading may name it as a whole or in part: "LoRA and QLoRA".
    The paragraph's first sentence must name the subject near its beginning.

    :param subject: the terms of what is to be defined.
    """
    name = tuple(term for term in subject if term not in _ARTICLES)
    if not name or not layout.pieces:
        return None
    passage, ranges = layout.pieces[0].passage, list[tuple[int, int, int]]()
    if name in _names((passage.title, *passage.aliases), passage.language):
        ranges.append((0, 0, len(layout.pieces)))
    for i, piece in enumerate(layout.pieces[:-1]):
        language = piece.passage.language
        if piece.kind is Kind.HEADING and name in _names([layout.said(i)], language):
            ranges.append((1, i + 1, layout.section(i + 1)[1] + 1))
    lead = [i for i, piece in enumerate(layout.pieces) if piece.kind is Kind.PARAGRAPH][:1]
    ranges += [(2, i, i + 1) for i in lead]
    for directness, begin, end in ranges:
        found = _first_naming(layout, begin, end, name)
        if found is not None:
            return directness, paragraph_from(layout, found)
    return None


def _names(labels: Iterable[str], language: str) -> frozenset[_Terms]:
    """The terms of each name in titles, aliases or headings."""
    names: list[str] = []
    for label in labels:
        text = label.strip("?:. ")
        names += [text, *_SEPARATOR.split(text)]
    return frozenset(_terms(name, language) for name in names)


def _terms(text: str, language: str) -> _Terms:
    return tuple(term for term in index_terms(text, language) if term not in _ARTICLES)


def _first_naming(layout: Layout, begin: int, end: int, name: _Terms) -> int | None:
    """The first paragraph in a range that begins by naming the subject; its first piece."""
    for i in range(begin, end):
        begins = layout.pieces[i].kind is Kind.PARAGRAPH and layout.block(i)[0] == i
        if begins and not layout.leaves_open(i):
            terms = _terms(layout.said(i), layout.pieces[i].passage.language)
            starts = range(_MAX_TERMS_BEFORE + 1)
            if any(terms[at : at + len(name)] == name for at in starts):
                return i
    return None


def paragraph_from(layout: Layout, begin: int) -> Run:
    """A paragraph from one of its sentences on, within the word limit."""
    end = layout.block(begin)[1]
    while end > begin and layout.words((begin, end)) > DEFINING_WORDS:
        end -= 1
    return begin, end
