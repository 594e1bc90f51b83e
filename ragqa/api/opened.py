"""The notes of what was found, as they are now, and what of an index still stands in them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial

from ragqa.answering import Evidence
from ragqa.answering.candidates import sources_of
from ragqa.answering.evidence import embedded_runs
from ragqa.answering.excerpt import EMBED_DEPTH
from ragqa.answering.excerpt_runs import EXCERPT_WORDS
from ragqa.answering.history import stated_on
from ragqa.answering.layout import Layout, all_match_note, layout_of_passage
from ragqa.index import Snapshot
from ragqa.index.source import Source
from ragqa.notes import Document, format_of, parse_note, read_text
from ragqa.notes.dated import dates_of
from ragqa.notes.links import NoteNames, place_of
from ragqa.text.dates import Period
from ragqa.types import Dated, Hit, Passage, Skipped, Span

_MOST_EMBEDDED = 20
"""At most so many embedded notes are opened for a question."""

_MOST_SPLIT = 500_000
"""Characters. A longer note that was changed waits for the index to be updated."""

PART = 100_000
"""Characters. Of a long note, such as a manual, only the part around a passage is laid out."""


def has_phrase(phrase: str, passage: Passage) -> bool:
    """Whether a passage has a phrase as it is written or shown, but for case and white space."""
    layout = layout_of_passage(passage)
    shown = layout.plain((0, len(layout.pieces) - 1)) if layout.pieces else ""
    wanted, *texts = (" ".join(text.casefold().split()) for text in (phrase, passage.text, shown))
    return any(wanted in text for text in texts)


def _days_in(passage: Passage, dates: Mapping[str, Dated]) -> set[str]:
    """The days of the statements of a passage."""
    of_note = dates[passage.path]
    return {stated_on(passage, unit, of_note) for unit in passage.units}


class OpenedNotes:
    """The notes of an index as they are now; made for each question, since it reads a note once."""

    def __init__(self, source: Source, snapshot: Snapshot) -> None:
        self._source, self._snapshot = source, snapshot
        self._read = cache(partial(read_text, source.corpus, max_note_bytes=source.max_note_bytes))
        self._of_note = cache(lambda path: snapshot.passages(at=[path]))
        self._anew = cache(self._split_anew)
        self._layout = cache(self._laid_out)

    def standing(
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
            standing = [] if isinstance(note, Skipped) else self._passages_now(note, passage)
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

    def of_time(self, hits: Sequence[Hit], within: Period) -> list[Hit]:
        """The hits of which something was stated within a time."""
        if not within:
            return list(hits)
        dates = self._dates({hit.passage.path for hit in hits})
        return [hit for hit in hits if any(map(within.covers, _days_in(hit.passage, dates)))]

    def evidence(self, hits: Sequence[Hit], also: Sequence[Hit] = ()) -> Evidence:
        """What a question is answered from: the hits, with the notes read, and those of `also`."""
        sources = [hit.passage for hit in sources_of(hits)]
        notes = self.layouts([*sources, *(hit.passage for hit in also)])
        embeds = self._embeds(sources, notes)
        embedded = [layout for layout, _ in embeds.values()]
        paths = list(dict.fromkeys(layout.path for layout in (*notes.values(), *embedded)))
        return Evidence(tuple(hits), notes, self._dates(paths), embeds)

    def _dates(self, paths: Collection[str]) -> Mapping[str, Dated]:
        """The dates of notes, by path."""
        dated = dates_of(self._snapshot.days, self._snapshot.notes(at=list(paths)).get)
        return {path: dated(path) for path in paths}

    def layouts(self, passages: Iterable[Passage]) -> dict[int, Layout]:
        """The note of each passage, laid out around it, by the passage's id.

        Where the index does not match the note, it is the passage alone.
        """
        layouts: dict[int, Layout] = {}
        for passage in passages:
            note = self._read(passage.path)
            is_same = isinstance(note, Document) and note.state.sha256 == passage.note_sha256
            layout = self._layout(passage.path, passage.start // PART) if is_same else None
            layouts[passage.id] = layout or layout_of_passage(passage)
        return layouts

    def _embeds(
        self, passages: Sequence[Passage], notes: Mapping[int, Layout]
    ) -> dict[tuple[str, str], tuple[Layout, Span]]:
        """What the embeds in the sections of passages show, and the embeds in what is shown."""
        level = [(notes[one.id], notes[one.id].sections(one.start, one.end)) for one in passages]
        embeds: dict[tuple[str, str], tuple[Layout, Span]] = {}
        opened: dict[str, Layout | None] = {}
        for _ in range(EMBED_DEPTH + 1):
            links = [
                (note.path, link) for note, run in level for i in run for link in note.embeds(i)
            ]
            level = []
            for source, link in dict.fromkeys(links):
                if (source, link) not in embeds and (shown := self._embedded(source, link, opened)):
                    embeds[source, link] = shown
                    runs = embedded_runs(*shown, EXCERPT_WORDS)
                    level += [(shown[0], range(first, last + 1)) for first, last in runs]
        return embeds

    def _embedded(
        self, source: str, link: str, opened: dict[str, Layout | None]
    ) -> tuple[Layout, Span] | None:
        """The note, and the span of it, that the note `source` embeds; at most 20 are opened.

        :param opened: those that were, by path; None for one that is no note of the index.
        """
        if format_of(source).name != "markdown":
            return None  # there `![[note]]` is text
        name, _, anchor = link.partition("#")
        path = self._names.path_of(name, source) if name.strip() else source
        if path and path not in opened and len(opened) < _MOST_EMBEDDED:
            is_note = format_of(path).name == "markdown"
            opened[path] = self._layout(path, None) if is_note else None
        layout = opened.get(path) if path else None
        if layout is None:
            return None
        if not anchor:
            return layout, (0, len(layout.text))
        span = place_of(layout.text, parse_note(layout.path, layout.text).blocks, anchor)
        return (layout, span) if span else None

    def _passages_now(self, note: Document, passage: Passage) -> list[Passage]:
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
        return self._source.split(parse_note(path, note), self._source.embedders.asking)[1]

    def _laid_out(self, path: str, part: int | None) -> Layout | None:
        """The layout of a part of a note, or of all of it; None where the index does not match."""
        note, passages = self._read(path), self._of_note(path)
        if isinstance(note, Skipped):
            return None
        if any(each.note_sha256 != note.state.sha256 for each in passages):
            passages = self._anew(path)
        if part is not None:
            passages = [each for each in passages if abs(each.start // PART - part) <= 1]
        is_sound = passages and all_match_note(note.text, passages)
        return Layout.of(note, passages) if is_sound else None

    @cached_property
    def _names(self) -> NoteNames:
        return NoteNames.of(self._snapshot.notes().values())
