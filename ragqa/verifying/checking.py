"""Hold each citation of a saved answer against the current notes: intact, moved, changed or gone.

A note may still contain a quote's words but no longer say them: the sentence may have grown ("No
longer true: ..."), been struck out, or moved to a comment, to code or under another header.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import chain

from msgspec import Struct, structs

from ragqa.answering.excerpt_blocks import Line, blocks_of
from ragqa.notes import parse_note, read_text, walk_notes
from ragqa.notes.formats import Document, how_to_read, suffix_of, why_format_is_off
from ragqa.passages.parts import block_contexts, heading_paths, unit_spans, units_of
from ragqa.places import readings
from ragqa.text.shown import Shown, labels_within, struck_spans
from ragqa.types import EXTRACTIVE, Block, Corpus, Keys, Kind, Progress, Skipped, Span
from ragqa.verifying.likeness import CitableUnit, compared_words, quote_places, successor
from ragqa.verifying.saved import ANY_NOTE, NOWHERE, SavedAnswer, SavedCitation, is_saved

NOTHING_LIKE_IT = "nothing in the note resembles it"
OTHER_CONTEXT = "the note has other words above it than the answer"
IN_CODE = "it is in a code block now"
IN_COMMENT = "it is in a comment now"
STRUCK_OUT = "it is struck out"
NOT_SAID = "no note says this"
NO_NOTE = "there is no such note: it was removed or renamed, or it is ignored or behind a link"

# A sentence or code block over the embedder's limit is cited in pieces. These are long, and the
# text around them was there before.
_CUT_FROM = 600
_PIECE_FROM = 200

# Text around a sentence that says nothing: item markers, footnotes and anchors.
_SILENT = re.compile(r"^[\s>]*(?:[-*+]|\d{1,9}[.)])\s|\[\^[^\]\n]*\]|\s\^[\w-]+\s*$")
_SAYS = re.compile(r"[^\W_]|\?")


class Standing(StrEnum):
    """The state of a saved citation."""

    INTACT = "intact"
    MOVED = "moved"
    CHANGED = "changed"
    GONE = "gone"


class CurrentPlace(Struct, frozen=True, omit_defaults=True):
    """A stretch of a current note: `note.text[chars[0]:chars[1]] == text`.

    `context` is the header of a changed table row, else ""; `locator` is as in `Citation`.
    """

    path: str
    lines: Span
    chars: Span
    text: str
    context: str = ""
    locator: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A citation compared with the notes.

    `place` is where its words are now, or the text that replaced them; None if it is gone.
    `reason` says why it is gone, or counts as changed although its words remain.
    """

    JSON = Keys(
        "n=citation.n status=standing path=citation.path lines=citation.lines chars=citation.chars "
        "quote=citation.quote context=citation.context now=place rewrapped=is_rewrapped reason",
        optional="context",
    )

    citation: SavedCitation
    standing: Standing
    place: CurrentPlace | None = None
    reason: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether the notes still contain its words."""
        return self.standing in (Standing.INTACT, Standing.MOVED)

    @property
    def is_rewrapped(self) -> bool:
        """Whether only the white space between the words has changed."""
        is_moved = self.standing is Standing.MOVED
        now, quote = self.place.text if self.place else "", self.citation.quote
        return is_moved and now != quote and now.split() == quote.split()


@dataclass(frozen=True, slots=True)
class Verification:
    """A saved answer compared with the notes; `warnings` say what could not be checked."""

    JSON = Keys("question sound=is_sound citations=checked warnings")

    question: str
    checked: tuple[Checked, ...]
    warnings: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether all citations are sound."""
        return all(checked.is_sound for checked in self.checked)


def verify(
    saved: SavedAnswer,
    corpus: Corpus,
    *,
    max_note_bytes: int,
    progress: Progress,
    formats: Collection[str] = (),
) -> Verification:
    """Check each citation against the current notes.

    Similar text in the cited note takes precedence over the same words in another note: if the
    note now says something else, an old copy of it does not make the citation sound.

    :param formats: as in the setting.
    :raises NoCorpus: the folder does not exist or cannot be read.
    """
    if not saved.citations:
        return Verification(saved.question, ())
    notes = CorpusNotes(corpus, max_note_bytes, formats)
    citations = list(map(notes.placed, saved.citations))
    cited = {path: notes.read(path) for path in {citation.path for citation in citations}}
    in_cited = {citation: _in_cited(citation, cited[citation.path]) for citation in citations}
    lost = [citation for citation in in_cited if in_cited[citation] is None]
    elsewhere = _in_other_notes(lost, notes, progress)
    checked = []
    for citation in citations:
        reason = notes.why_not(citation.path) if cited[citation.path] is None else NOTHING_LIKE_IT
        gone = Checked(citation, Standing.GONE, reason=reason)
        checked.append(in_cited[citation] or elsewhere.get(citation, gone))
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
        for citation in [citation for citation in left if citation.path != note.path]:
            there = in_note(citation, note)
            if there and there.is_sound:
                left.remove(citation)
                elsewhere[citation] = there
        if not left:
            break
    return elsewhere


def _in_cited(citation: SavedCitation, note: "CurrentNote | None") -> Checked | None:
    """The citation in the note that it cites: its words, else the text most similar to them."""
    if note is None:
        return None
    if there := in_note(citation, note):
        return there
    span = successor(note.units, citation.quote, citation.chars[0])
    return None if span is None else Checked(citation, Standing.CHANGED, note.place(span))


def in_note(citation: SavedCitation, note: "CurrentNote") -> Checked | None:
    """The citation where its words occur in a note, preferring places that say nothing more.

    A quote whose characters are not known may be a part of a sentence; an answer's are whole.
    """
    start, end = citation.chars
    is_as_cited = (note.path, note.sha256) == (citation.path, citation.note_sha256)
    if is_as_cited and 0 <= start <= end and note.text[start:end] == citation.quote:
        contexts = note.contexts(citation.chars) if citation.context else [""]
        if citation.context in contexts:
            return Checked(citation, Standing.INTACT, note.place(citation.chars))
        place = note.place(citation.chars, contexts[0])
        return Checked(citation, Standing.CHANGED, place, OTHER_CONTEXT)
    changed, may_be_part = None, citation.chars == NOWHERE
    spans = quote_places(note.text, citation.quote, start)
    if may_be_part and not spans:
        spans = note.shown_places(citation.quote)
    statements = [note.statement(span, may_be_part=may_be_part) for span in spans]
    for place, is_same, reason in sorted(statements, key=lambda statement: not statement[1]):
        is_free = not (citation.context and place.context)
        is_said = is_same or (may_be_part and reason in ("", IN_CODE))
        if is_said and (is_free or citation.context in note.contexts(place.chars)):
            # Within a page, cell or paragraph it has not moved, whatever the line.
            is_there = citation.lines in (place.lines, NOWHERE)
            (first, last), (start, end) = place.lines, citation.lines
            is_there = is_there or (may_be_part and start <= last and first <= end)
            is_there = is_there or "" != citation.locator == place.locator
            is_there = is_there and citation.path in (place.path, ANY_NOTE)
            standing = Standing.INTACT if is_there else Standing.MOVED
            return Checked(citation, standing, structs.replace(place, context=""))
        changed = changed or Checked(citation, Standing.CHANGED, place, reason)
    return changed


@dataclass
class CurrentNote:
    """A current note, parsed when first needed."""

    path: str
    document: Document
    sha256: str

    def __post_init__(self) -> None:
        self.text = self.document.text

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
        from ragqa.passages.slices import with_slices

        units = with_slices(self.text, units_of(self.text, self.blocks))
        blocks = blocks_of(self.text, units, 0)
        texts = ([b.text] if isinstance(b, Line) else chain(b.head, *b.rows) for b in blocks)
        shown = Shown.joined(chain.from_iterable(texts), between=" ")
        places = (shown.at[start:end] for start, end in quote_places(shown.text, quote, 0))
        offsets = ([at for at in place if at >= 0] for place in places)
        return [(own[0], own[-1] + 1) for own in offsets if own]

    def place(self, span: Span, header: str = "") -> CurrentPlace:
        """A span of the note, with its text and lines."""
        first = self.text.count("\n", 0, span[0]) + 1
        words = self.text[span[0] : span[1]]
        lines = first, first + words.count("\n")
        return CurrentPlace(self.path, lines, span, words, header, self.document.locate(span))

    def statement(self, span: Span, *, may_be_part: bool) -> tuple[CurrentPlace, bool, str]:
        """The sentences, items or rows of the note, whole, in which the words of a quote stand.

        :param span: where the quote's words are in the note.
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
    """The notes of a corpus, read on demand.

    Only files that the walk finds are opened. A saved answer may name others, outside the corpus,
    ignored, hidden or behind a link; these are not.
    """

    def __init__(self, corpus: Corpus, max_note_bytes: int, formats: Collection[str]) -> None:
        self._corpus = corpus
        self._max_note_bytes, self._formats = max_note_bytes, formats
        walk = walk_notes(corpus, max_note_bytes=max_note_bytes, formats=formats)
        self._paths = dict.fromkeys(file.path for file in walk.files)  # a set, in order
        self.skipped = {skip.path: skip.reason for skip in walk.skipped}

    def searched(self, progress: Progress) -> Iterator[CurrentNote]:
        """Yield each note that can be read, by path, except saved answers."""
        for count, path in enumerate(self._paths, start=1):
            note = self.read(path)
            if note is not None and not is_saved(note.text):
                yield note
            progress("searching", count, len(self._paths))

    def read(self, path: str) -> CurrentNote | None:
        """Read a note; None if it cannot be read, and then `why_not` has the reason."""
        if path not in self._paths:
            return None
        read = read_text(self._corpus, path, max_note_bytes=self._max_note_bytes)
        if isinstance(read, Skipped):
            self.skipped[path] = read.reason
            return None
        return CurrentNote(path, read.document, read.sha256)

    def placed(self, citation: SavedCitation) -> SavedCitation:
        """A citation that has no lines, at those that its path names, such as `a.md:3`, if any."""
        for place in readings(citation.path) if citation.lines == NOWHERE else ():
            if place.path in self._paths:
                lines, locator = place.lines or NOWHERE, place.locator
                return structs.replace(citation, path=place.path, lines=lines, locator=locator)
        return citation

    def why_not(self, path: str) -> str:
        """Why a path is not read as a note."""
        if path == ANY_NOTE:
            return NOT_SAID
        if path in self.skipped:
            return f"the file cannot be read: {self.skipped[path]}"
        if off := why_format_is_off(path, self._formats):
            return f"{off}; {how_to_read([suffix_of(path)], self._formats)}"
        return NO_NOTE
