"""Compare each citation of a saved answer with the current notes: intact, moved, changed or gone.

A note may have a quote's words and no longer say them: the sentence may have grown ("No longer
true: ..."), been struck out, or moved to a comment, to code or under another header.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from time import monotonic

from msgspec import structs
from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from ragqa.answering.excerpt_blocks import blocks_of
from ragqa.config import Settings
from ragqa.lookup import NoteLookup, readings, span_of_lines
from ragqa.notes import parse_note, read_text, walk_notes
from ragqa.notes.formats import Document, how_to_read, suffix_of, why_format_is_off
from ragqa.passages.parts import block_contexts, heading_paths, unit_spans, units_of
from ragqa.saved import (
    ANY_NOTE,
    NOWHERE,
    Checked,
    CurrentPlace,
    SavedAnswer,
    SavedCitation,
    Standing,
    Verification,
    is_saved,
    quote_places,
)
from ragqa.text.shown import labels_within, struck_spans
from ragqa.text.words import tokenize
from ragqa.types import EXTRACTIVE, Block, Corpus, Kind, Progress, Skipped, Span, Unit

DEADLINE_S = 20
"""What is not found by then is not looked for any further."""

NOTHING_LIKE_IT = "nothing in the note resembles it"
OTHER_CONTEXT = "the note has other words above it than the answer"
IN_CODE = "it is in a code block now"
IN_COMMENT = "it is in a comment now"
STRUCK_OUT = "it is struck out"
NOT_SAID = "no note says this"
TOO_LONG = f"it was not looked for everywhere: that took more than {DEADLINE_S} seconds"
NO_NOTE = "there is no such note: it was removed or renamed, or it is ignored or behind a link"

# A sentence or code block over the embedder's limit is cited in pieces. These are long, and the
# text around them was there before.
_CUT_FROM = 600
_PIECE_FROM = 200

# Text around a sentence that says nothing: item markers, footnotes and anchors.
_SILENT = re.compile(r"^[\s>]*(?:[-*+]|\d{1,9}[.)])\s|\[\^[^\]\n]*\]|\s\^[\w-]+\s*$")
_SAYS = re.compile(r"[^\W_]|\?")

MIN_SIMILARITY = 0.6
"""The least share of words in common, in order, of a quote and its successor
(docs/decisions/claims.md)."""
_PART = 2 / 3
"""The share of a quote's words that a sentence with a part like it has at least."""
MAX_WORDS = 500
"""Longer quotes are not compared, which would take seconds; ragqa's are shorter by default."""
_MAX_RUNS = 10_000
"""At most this many runs of sentences are compared with a quote: those nearest to its old place."""

_URL = re.compile(r"https?://[^\s)>\]]+")
_NOT_WORD = re.compile(r"[\W_]+")

CitableUnit = tuple[Span, Sequence[str]]
"""Where a sentence, item or row stands in a note, and its words; a heading is given none."""


def verify(
    saved: SavedAnswer, corpus: Corpus, settings: Settings, progress: Progress
) -> Verification:
    """Check each citation against the current notes.

    Similar text in the cited note takes precedence over the same words in another note: if the
    note now says something else, an old copy of it does not make the citation sound.
    """
    if not saved.citations:
        return Verification(saved.question, ())
    notes = CorpusNotes(corpus, settings)
    citations = list(map(notes.placed, saved.citations))
    cited = {path: notes.read(path) for path in {citation.path for citation in citations}}
    in_cited = {c: None if notes.is_late() else _in_cited(c, cited[c.path]) for c in citations}
    lost = [citation for citation in in_cited if in_cited[citation] is None]
    elsewhere = _in_other_notes(lost, notes, progress)
    why = {c: notes.why_gone(c.path, cited[c.path]) for c in lost}
    gone = {c: Checked(c, Standing.GONE, reason=reason) for c, reason in why.items()}
    checked = [in_cited[c] or elsewhere.get(c) or gone[c] for c in citations]
    written = f"{saved.backend} wrote this answer: what it cites is checked, not what it says"
    warnings = [] if saved.backend == EXTRACTIVE else [written]
    if len(elsewhere) < len(lost) and notes.skipped:
        path, reason = next(iter(notes.skipped.items()))
        skipped = f"{len(notes.skipped)} skipped, such as {path}: {reason}"
        warnings.append(f"not every note was searched: {skipped}")
    return Verification(saved.question, tuple(checked), tuple(warnings))


def _in_other_notes(
    lost: Iterable[SavedCitation], notes: "CorpusNotes", progress: Progress
) -> dict[SavedCitation, Checked]:
    """The citations whose words other notes say, each in the first such note by path."""
    elsewhere: dict[SavedCitation, Checked] = {}
    left = list(lost)
    for note in notes.searched(progress) if left else ():
        found = {c: in_note(c, note) for c in left if c.path != note.path}
        elsewhere |= {c: checked for c, checked in found.items() if checked and checked.is_sound}
        if not (left := [c for c in left if c not in elsewhere]) or notes.is_late():
            break
    return elsewhere


def _in_cited(citation: SavedCitation, note: "CurrentNote | None") -> Checked | None:
    """The citation in the note that it cites: its words, else the text most similar to them."""
    if note is None:
        return None
    if there := in_note(citation, note):
        return there
    near = note.near(citation)
    span = successor(note.units, citation.quote, near)
    if span is None and citation.chars == NOWHERE:
        span = _part_like(note.units, citation.quote, near)
    return None if span is None else Checked(citation, Standing.CHANGED, note.place(span))


def in_note(citation: SavedCitation, note: "CurrentNote") -> Checked | None:
    """The citation where its words occur in a note, preferring places that say nothing more.

    A quote by hand may be a part of a sentence in the note that it names; others are whole.
    """
    start, end = citation.chars
    is_as_cited = (note.path, note.document.state.sha256) == (citation.path, citation.note_sha256)
    if is_as_cited and 0 <= start <= end and note.text[start:end] == citation.quote:
        contexts = note.contexts(citation.chars) if citation.context else [""]
        if citation.context in contexts:
            return Checked(citation, Standing.INTACT, note.place(citation.chars))
        place = note.place(citation.chars, contexts[0])
        return Checked(citation, Standing.CHANGED, place, OTHER_CONTEXT)
    changed = None
    may_be_part = citation.chars == NOWHERE and citation.path in (note.path, ANY_NOTE)
    spans = quote_places(note.text, citation.quote, note.near(citation))
    spans = spans or (note.shown_places(citation.quote) if may_be_part else [])
    statements = [note.statement(span, may_be_part=may_be_part) for span in spans]
    # A quote by hand counts where it is said to stand, though only as a part of a sentence.
    statements.sort(key=lambda s: (may_be_part and not _is_where_cited(citation, s[0]), not s[1]))
    for place, is_same, reason in statements:
        is_free = not (citation.context and place.context)
        is_said = is_same or (may_be_part and reason in ("", IN_CODE))
        if is_said and (is_free or citation.context in note.contexts(place.chars)):
            standing = Standing.INTACT if _is_where_cited(citation, place) else Standing.MOVED
            return Checked(citation, standing, structs.replace(place, context=""))
        changed = changed or Checked(citation, Standing.CHANGED, place, reason)
    return changed


def _is_where_cited(citation: SavedCitation, place: CurrentPlace) -> bool:
    """Whether a place is the cited one; within a page, cell or paragraph, on any line."""
    if citation.path not in (place.path, ANY_NOTE):
        return False
    is_there = citation.lines in (place.lines, NOWHERE) or "" != citation.locator == place.locator
    (first, last), (start, end) = place.lines, citation.lines
    return is_there or (citation.chars == NOWHERE and start <= last and first <= end)


@dataclass
class CurrentNote:
    """A current note, parsed when first needed."""

    path: str
    document: Document

    def __post_init__(self) -> None:
        self.text = self.document.text

    def near(self, citation: SavedCitation) -> int:
        """The offset where a citation is looked for first; a quote by hand has lines at most."""
        if citation.chars != NOWHERE:
            return citation.chars[0]
        return span_of_lines((max(1, citation.lines[0]),) * 2, self.text)[0]

    @cached_property
    def units(self) -> list[CitableUnit]:
        """Its citable units, in order."""
        units: list[CitableUnit] = []
        for block in self.blocks:
            is_text = block.kind not in (Kind.HEADING, Kind.RULE)
            spans = unit_spans(self.text, block)
            units += [(s, compared_words(self.text[slice(*s)]) if is_text else ()) for s in spans]
        return units

    def shown_places(self, quote: str) -> list[Span]:
        """Where it has the words of a quote as they are shown, without markup."""
        # Late: a report imports this module, and needs no Markdown parser.
        from ragqa.passages.plain import with_plain

        shown, ends, units = "", list[int](), list[Unit]()
        for block in blocks_of(with_plain(self.text, units_of(self.text, self.blocks))):
            for unit, text in block.parts:
                shown += text
                ends.append(len(shown))
                units.append(unit)
            shown += " "
        places = []
        for start, end in quote_places(shown, quote, 0):
            first, last = units[bisect_right(ends, start)], units[bisect_right(ends, end - 1)]
            places.append(self._words_within(shown[start:end].split(), first.start, last.end))
        return places

    def _words_within(self, words: Sequence[str], start: int, end: int) -> Span:
        """The part of a stretch that has some words, between which markup may stand, or all."""
        first, at = end, start
        for word in words:
            found = self.text.find(word, at, end)
            if found < 0:
                return start, end
            first, at = min(first, found), found + len(word)
        return first, at

    def place(self, span: Span, header: str = "") -> CurrentPlace:
        """A span of the note, with its text and lines."""
        first = self.text.count("\n", 0, span[0]) + 1
        words = self.text[span[0] : span[1]]
        lines = first, first + words.count("\n")
        return CurrentPlace(self.path, lines, span, words, header, self.document.locate(span))

    def statement(self, span: Span, *, may_be_part: bool) -> tuple[CurrentPlace, bool, str]:
        """The sentences, items or rows of the note, whole, in which the words of a quote stand.

        :param may_be_part: as in `in_note`; of struck-out text, such a quote shows its own words.
        :returns: their place; whether they say what the quote says and no more; and if not, why:
            in a comment, in code or struck out, or "" if the note has more words there.
        """
        first, last = self._block_at(span[0]), self._block_at(span[1] - 1)
        if first is None or last is None:
            return self.place(span), True, ""
        if first.kind is Kind.COMMENT:
            return self.place(span), False, IN_COMMENT
        for start, end in struck_spans(self.text, first.start, first.end):
            if start < span[0] and span[1] < end:
                return self.place(span if may_be_part else (start, end)), False, STRUCK_OUT
        if first.kind is Kind.SECRET:  # nothing is shown but what the quote says itself
            secret = self.text[first.start : first.end].strip()
            return self.place(span), secret in self.text[slice(*span)], ""
        start = self._unit_at(first, span[0])[0]
        end = self._unit_at(last, span[1] - 1)[1]
        is_piece = end - start > _CUT_FROM and span[1] - span[0] > _PIECE_FROM
        whole = span if is_piece else (start, end)
        if first.kind is Kind.CODE and whole != span:
            return self.place(span), False, IN_CODE
        added = self.text[whole[0] : span[0]], self.text[span[1] : whole[1]]
        says = any(_SAYS.search(_SILENT.sub("", each)) for each in added)
        header = self.contexts(span)[0] if first.kind is Kind.ROW else ""
        return self.place(whole if says else span, header), not says, ""

    def contexts(self, span: Span) -> list[str]:
        """The header or introduction of a unit: alone, then below one heading more at a time."""
        text = self.text
        contexts = block_contexts(text, self.blocks), heading_paths(self.blocks)
        for block, context, path in zip(self.blocks, *contexts, strict=True):
            if block.start <= span[0] < block.end:
                row, labels = text[block.start : block.end], block.labels
                part = span[0] - block.start, span[1] - block.start
                if row[: part[0]].strip(" \t\r>") or row[part[1] :].strip():
                    labels = labels_within(row, labels, *part)
                own = " | ".join(labels) or context
                above = (" > ".join(path[depth:]) for depth in range(len(path), -1, -1))
                return [": ".join(filter(None, (trail, own))) for trail in above]
        return [""]

    @cached_property
    def blocks(self) -> Sequence[Block]:
        """Its blocks, in order."""
        return parse_note(self.path, self.text).blocks

    def _block_at(self, at: int) -> Block | None:
        number = bisect_right(self.blocks, at, key=lambda block: block.start) - 1
        return self.blocks[number] if number >= 0 and at < self.blocks[number].end else None

    def _unit_at(self, block: Block, at: int) -> Span:
        """The sentence, item or row of a block that contains a character."""
        units = (span for span in unit_spans(self.text, block) if span[0] <= at < span[1])
        return next(units, (at, at + 1))


class CorpusNotes:
    """The notes of a corpus, read on demand; no file is opened that the walk does not find.

    A saved answer may name others: outside the corpus, ignored, hidden or behind a link.
    """

    def __init__(self, corpus: Corpus, settings: Settings) -> None:
        self._corpus, self._settings = corpus, settings
        limit = settings.max_note_bytes
        walk = walk_notes(corpus, max_note_bytes=limit, formats=settings.formats)
        self._paths = dict.fromkeys(file.path for file in walk.files)  # a set, in order
        self.skipped = {skip.path: skip.reason for skip in walk.skipped}
        self._ends, self._was_late = monotonic() + DEADLINE_S, False

    def is_late(self) -> bool:
        """Whether the time is over; asked only while citations are left to look for."""
        self._was_late = monotonic() > self._ends
        return self._was_late

    def searched(self, progress: Progress) -> Iterator[CurrentNote]:
        """Yield each note that can be read, by path, except saved answers."""
        for count, path in enumerate(self._paths, start=1):
            note = self.read(path)
            if note is not None and not is_saved(note.text):
                yield note
            progress("searching", count, len(self._paths))

    def read(self, path: str) -> CurrentNote | None:
        """Read a note; None if it cannot be read, and then `why_gone` has the reason."""
        if path not in self._paths:
            return None
        read = read_text(self._corpus, path, max_note_bytes=self._settings.max_note_bytes)
        if isinstance(read, Skipped):
            self.skipped[path] = read.reason
            return None
        return CurrentNote(path, read)

    def placed(self, citation: SavedCitation) -> SavedCitation:
        """A citation that has no lines, at the place that its path names, as `get` takes it."""
        named = citation.path
        if citation.lines != NOWHERE or named == ANY_NOTE:
            return citation
        exact = (place for place in readings(named) if place.path in self._paths)
        place = next(exact, None) or self._by_file.place_of(named) or self._by_title.place_of(named)
        if place is None:
            return citation
        lines, locator = place.lines or NOWHERE, place.locator
        return structs.replace(citation, path=place.path, lines=lines, locator=locator)

    @cached_property
    def _by_file(self) -> NoteLookup:
        known = {path: parse_note(path, "") for path in self._paths}
        return NoteLookup(self._corpus, self._settings, known, {})

    @cached_property
    def _by_title(self) -> NoteLookup:
        known = {p: parse_note(p, note.document) for p in self._paths if (note := self.read(p))}
        return NoteLookup(self._corpus, self._settings, known, {})

    def why_gone(self, path: str, note: CurrentNote | None) -> str:
        """Why nothing is found in the note at a path."""
        if self._was_late:
            return TOO_LONG
        if note is not None:
            return NOTHING_LIKE_IT
        if path == ANY_NOTE:
            return NOT_SAID
        if path in self.skipped:
            return f"the file cannot be read: {self.skipped[path]}"
        if off := why_format_is_off(path, formats := self._settings.formats):
            return f"{off}; {how_to_read([suffix_of(path)], formats)}"
        return NO_NOTE


def _part_like(units: Sequence[CitableUnit], quote: str, near: int) -> Span | None:
    """The sentence of which a part is most similar to a quote, the nearest in a tie, if any."""
    words = compared_words(quote)
    likely = [(s, own) for s, own in units if sum(w in own for w in words) >= _PART * len(words)]
    likely.sort(key=lambda unit: abs(unit[0][0] - near))
    return _most_similar((fuzz.partial_ratio(words, own) / 100, span) for span, own in likely)


def successor(units: Sequence[CitableUnit], quote: str, near: int) -> Span | None:
    """The sentences most similar to a quote; in a tie, the nearest to its old offset `near`."""
    words = compared_words(quote)
    if not 0 < len(words) <= MAX_WORDS:
        return None
    stretches = islice(_stretches(units, words, near), _MAX_RUNS)
    return _most_similar((Indel.normalized_similarity(words, own), span) for span, own in stretches)


def _most_similar(scored: Iterable[tuple[float, Span]]) -> Span | None:
    """The first of the most similar ones, if that is similar enough."""
    similarity, span = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return span if similarity >= MIN_SIMILARITY else None


def _stretches(
    units: Sequence[CitableUnit], words: Sequence[str], near: int
) -> Iterator[tuple[Span, list[str]]]:
    """Yield runs of sentences that may be similar to a quote, with their words, the nearest first.

    A run crosses no heading, is not too long for the minimum similarity, and begins and ends with a
    sentence that has a third of its words from the quote: fewer would not improve it.
    """
    wanted, longest = set(words), len(words) * (2 / MIN_SIMILARITY - 1)
    is_edge = [3 * sum(w in wanted for w in own) >= len(own) > 0 for _, own in units]
    starts = [start for start, is_likely in enumerate(is_edge) if is_likely]
    for start in sorted(starts, key=lambda i: abs(units[i][0][0] - near)):
        theirs: list[str] = []
        for end in range(start, len(units)):
            span, own = units[end]
            theirs = [*theirs, *own]
            if not own or len(theirs) > longest:
                break
            if is_edge[end]:
                yield (units[start][0][0], span[1]), theirs


def compared_words(text: str) -> list[str]:
    """The words to compare a text by."""
    # A URL is a single word, so that two links to one site are not similar.
    whole = _URL.sub(lambda url: _NOT_WORD.sub("", url[0])[:60], text)
    return tokenize(whole, pairs_only=True)
