"""The notes as they are now, and what of an index still stands in them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial

from ragqa.answering import Notes
from ragqa.answering.layout import Layout, all_match_note, layout_of_passage
from ragqa.index import Snapshot
from ragqa.notes import Document, format_of, parse_note, read_text
from ragqa.notes.dated import dates_of
from ragqa.notes.links import NoteNames, place_of
from ragqa.search.spelling import in_no_note
from ragqa.types import Block, Corpus, Dated, Hit, Note, Passage, Skipped, Span

_MOST_EMBEDDED = 20

_MOST_SPLIT = 500_000
"""Characters. A longer note that was changed waits for the index to be updated."""

PART = 100_000
"""Characters. Of a long note, such as a manual, only the part around a passage is laid out."""


class CurrentNotes(Notes):
    """The notes of an index as they are now; made for each question, since it reads a note once.

    :param snapshot: of the index, whose passages are held against the notes.
    :param split: the passages of a note that was changed since.
    """

    def __init__(
        self,
        corpus: Corpus,
        snapshot: Snapshot,
        *,
        max_note_bytes: int,
        split: Callable[[Note], list[Passage]],
    ) -> None:
        self._snapshot = snapshot
        self._read = cache(partial(read_text, corpus, max_note_bytes=max_note_bytes))
        self._of_note = cache(lambda path: snapshot.passages(at=[path]))
        self._split, self._anew = split, cache(self._split_anew)
        self._layout = cache(self._laid_out)
        self._embedded: dict[str, tuple[Layout, Sequence[Block]] | None] = {}

    def keep(
        self, hits: Sequence[Hit], *, remedy: str = "run ragqa index"
    ) -> tuple[list[Hit], list[str]]:
        """The hits whose text stands in its note byte for byte, and a warning for each other note.

        Citations use a hit's lines and units, so these must match the note, too. Of a note that was
        changed elsewhere, a hit has the passages that the note has there now.

        :param remedy: what the warnings say to do about an outdated index.
        """
        kept, outdated, misplaced = dict[int, Hit](), dict[str, str](), dict[str, None]()
        for hit in hits:
            passage, note = hit.passage, self._read(hit.passage.path)
            standing = [] if isinstance(note, Skipped) else self._standing_in(note, passage)
            if isinstance(note, Skipped):
                outdated[passage.path] = note.reason
            elif not standing:
                outdated[passage.path] = "it was changed after it was indexed"
            elif not all_match_note(note.text, standing):
                misplaced[passage.path] = None
            else:
                for each in standing:
                    where = note.locate((each.start, each.end))
                    kept.setdefault(each.id, replace(hit, passage=each, locator=where))
        partly = {hit.passage.path for hit in kept.values()}
        return list(kept.values()), [
            *(
                f"{path} is {'partly ' * (path in partly)}left out, since the index no longer "
                f"matches it: {reason}; {remedy}"
                for path, reason in outdated.items()
            ),
            *(
                f"passages of {path} are left out, since they are not where the index has them; "
                "run ragqa index --rebuild"
                for path in misplaced
            ),
        ]

    def open(self, passage: Passage) -> Layout:
        """The layout of a passage's note; of the passage alone where the index does not match."""
        note = self._as_indexed(passage.path, passage.note_sha256)
        layout = note and self._layout(passage.path, passage.start // PART)
        return layout or layout_of_passage(passage)

    def embedded(self, source: str, link: str) -> tuple[Layout, Span] | None:
        """The note, and the span of it, that the note `source` embeds; at most 20 are opened."""
        if format_of(source).name != "markdown":
            return None  # there `![[note]]` is text
        name, _, anchor = link.partition("#")
        path = self._names.path_of(name, source) if name.strip() else source
        if path and path not in self._embedded and len(self._embedded) < _MOST_EMBEDDED:
            whole = self._layout(path, None) if format_of(path).name == "markdown" else None
            parsed = whole and parse_note(path, whole.text)
            self._embedded[path] = (whole, parsed.blocks) if whole and parsed else None
        if not (embedded := self._embedded.get(path)):
            return None
        layout, blocks = embedded
        span = place_of(layout.text, blocks, anchor) if anchor else (0, len(layout.text))
        return (layout, span) if span else None

    def locator(self, passage: Passage, chars: Span) -> str:
        """The page, cell or other place of these characters in a file that was converted."""
        if not format_of(passage.path).version:
            return ""
        note = self._as_indexed(passage.path, passage.note_sha256)
        return note.locate(chars) if note else ""

    def lack(self, term: str) -> bool:
        """Whether no note in the index has a term, in any like spelling."""
        return in_no_note(self._snapshot, term)

    def _as_indexed(self, path: str, sha256: str) -> Document | None:
        """A note if it has this digest."""
        note = self._read(path)
        return note if isinstance(note, Document) and note.state.sha256 == sha256 else None

    def _standing_in(self, note: Document, passage: Passage) -> list[Passage]:
        """The passage if the note is as indexed, else those that it has where the text is now."""
        if note.state.sha256 == passage.note_sha256:
            return [passage]
        at = note.text.find(passage.text)
        end = at + len(passage.text)
        own = self._anew(passage.path) if at >= 0 else []
        return [each for each in own if each.start < end and at < each.end]

    def _split_anew(self, path: str) -> list[Passage]:
        """The passages of a note as it is; none of a long one."""
        note = self._read(path)
        if isinstance(note, Skipped) or len(note.text) > _MOST_SPLIT:
            return []
        return self._split(parse_note(path, note))

    def _laid_out(self, path: str, part: int | None) -> Layout | None:
        """The layout of a part of a note, or of all of it; None where the index does not match."""
        note, passages = self._read(path), self._of_note(path)
        if any(not self._as_indexed(path, each.note_sha256) for each in passages):
            passages = self._anew(path)
        if part is not None:
            passages = [each for each in passages if abs(each.start // PART - part) <= 1]
        if isinstance(note, Skipped) or not passages or not all_match_note(note.text, passages):
            return None
        return Layout.of(note.text, passages)

    def dated(self, passage: Passage) -> Dated:
        """The day of a passage's note, and what it is taken from."""
        return self._dates(passage.path)

    @cached_property
    def _dates(self) -> Callable[[str], Dated]:
        record_of = cache(lambda path: self._snapshot.notes(at=[path]).get(path))
        return dates_of(self._snapshot.days, record_of)

    @cached_property
    def _names(self) -> NoteNames:
        return NoteNames.of(self._snapshot.notes().values())
