"""A note on a page: as HTML with what was quoted of it marked, and the notes around it."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from urllib.parse import urlencode

from markupsafe import Markup

from ragqa.addresses import read_current
from ragqa.api import Index
from ragqa.errors import LIST, NotIndexed
from ragqa.notes.formats import Document
from ragqa.notes.links import NoteNames
from ragqa.places import NOWHERE, SavedCitation
from ragqa.related import NearNote, NoteLinks, near
from ragqa.serving.asking import Fields
from ragqa.serving.note_html import IMAGES, UNREAD, Names, note_html, slugs, source_html, url_path
from ragqa.serving.warm import WarmIndex
from ragqa.types import Corpus, Filters, Kind, Note, NoteRecord, Span
from ragqa.verifying import CurrentNote, in_note

_MOST_NEAR = 5
_LARGEST_RENDERED = 300_000
"""Characters; a longer note is shown as its source alone."""

_LONGEST_SENT = 2_000
"""Characters; of a longer quote the address has the beginning, since servers bound an address."""

Quoted = tuple[Span, str]
"""Which characters of a note were quoted, and the quote."""


@dataclass(frozen=True, slots=True)
class Links(NoteLinks):
    """The links of one generation of an index.

    `tags` has the number of notes with each tag, and `folders` that of notes in each folder.
    """

    names: Names
    generation: str
    passages: int
    tags: dict[str, int]
    folders: dict[str, int]

    @classmethod
    def of(cls, index: Index) -> "Links":
        """The links among the notes of an index; found once for each generation of it."""
        info = index.snapshot().info
        return _links(index, f"{info.generation} of {info.created}")


@lru_cache(maxsize=2)
def _links(index: Index, generation: str) -> Links:
    listed, corpus = index.notes(refresh=False), index.places.corpus
    records = {note.path: note for note in listed.notes}
    folders = Counter(
        folder.as_posix() for path in records for folder in list(Path(path).parents)[:-1]
    )
    by_name = NoteNames.of(records.values()).by_name
    return Links(
        generation=generation,
        passages=listed.info.passages,
        records=records,
        names=Names(by_name, cache(partial(_images, corpus))),
        tags=listed.tags,
        folders=dict(sorted(folders.items())),
    )


def _images(corpus: Corpus) -> dict[str, str]:
    """The images of a folder by path and by name; of several with one name, the shortest path."""
    paths = []
    for prefix, top in corpus.prefixed:
        for folder, below, files in os.walk(top):
            below[:] = [name for name in below if not name.startswith(".")]
            inside = Path(folder).relative_to(top)
            images = (name for name in files if Path(name).suffix.lower() in IMAGES)
            paths += [prefix + (inside / name).as_posix() for name in images]
    by_name = {Path(path).name.casefold(): path for path in sorted(paths, key=len, reverse=True)}
    return by_name | {path.casefold(): path for path in paths}


def around(warm: WarmIndex, path: str, quoted: Sequence[Quoted]) -> Fields:
    """A note with its outline, links, backlinks and nearest notes."""

    def look(index: Index) -> tuple[Links, list[NearNote]]:
        links = Links.of(index)
        known = path in links.records
        return links, near(index, links, path, Filters(), _MOST_NEAR) if known else []

    links, related = warm.use(look)
    if path not in links.records:
        unread = UNREAD.get(Path(path).suffix.lower())
        why = f": it is {unread}" if unread else ""
        raise NotIndexed(f"there is no note {path} in the index{why}", hint=LIST)
    note = read_now(warm, path)
    headings = [block for block in note.blocks if block.kind is Kind.HEADING]
    return {
        "note": shown_note(note, quoted, links),
        "outline": [
            {"label": block.label, "level": block.level, "slug": slug}
            for block, slug in zip(headings, slugs(block.label for block in headings), strict=True)
            if block.label
        ],
        "links": [_named(record) for record in links.of_note(path)],
        "backlinks": [_named(record) for record in links.to_note(path)],
        "near": [_named(nearest.note, nearest.why) for nearest in related],
    }


def _named(record: NoteRecord, why: Iterable[str] = ()) -> Fields:
    return {"path": record.path, "title": record.title, "why": "; ".join(why)}


def read_now(warm: WarmIndex, path: str) -> Note:
    """A note as it is now.

    :raises UsageError: it cannot be read.
    """
    limit = warm.loaded.settings.max_note_bytes
    return read_current(warm.loaded.places.corpus, path, max_note_bytes=limit)[0]


def shown_note(note: Note, quotes: Sequence[Quoted], links: Links) -> Fields:
    """A note, rendered and as its exact text, with these quotes marked in both.

    A quote is marked where it stands now. If the first is gone, the note says so and has no marks.
    """
    places = [_place_of(note, quoted) for quoted in quotes]
    has_changed = places[:1] == [None]
    marks = [] if has_changed else [place for place in places if place is not None]
    html = exact = source_html(note.text, note.blocks, marks=marks)
    if len(note.text) <= _LARGEST_RENDERED:
        html = note_html(note.text, note.blocks, path=note.path, names=links.names, marks=marks)
    first = [f"?{stretch(mark[0], note.text[slice(*mark)])}#cited" for mark in marks[:1]]
    return {
        "path": note.path,
        "href": f"/note/{url_path(note.path)}{''.join(first)}",
        "has_changed": has_changed,
        "title": note.title,
        "date": note.date,
        "tags": note.tags,
        "html": Markup(html),  # noqa: S704 - both escape
        "source": Markup(exact.replace(' id="cited"', "")),  # noqa: S704 - it escapes
    }


def _place_of(note: Note, quoted: Quoted) -> Span | None:
    """Where a quote stands in a note now; None if the note no longer says it."""
    chars, quote = quoted
    if note.text[slice(*chars)] == quote:
        return chars
    current = CurrentNote(note.path, Document(note.text), note.sha256)
    checked = in_note(SavedCitation(1, note.path, NOWHERE, chars, quote), current)
    return checked.place.chars if checked and checked.is_sound and checked.place else None


def stretch(start: int, quote: str) -> str:
    """The query that names a quote: the note may change before anybody follows the link."""
    return urlencode({"from": start, "quote": quote[:_LONGEST_SENT]})
