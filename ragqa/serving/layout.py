"""Lay out what pages show."""

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment
from markupsafe import Markup

from ragqa.getting import read_current
from ragqa.notes.formats import Document
from ragqa.render.pages import templates_of
from ragqa.safe import safe_line, safe_text
from ragqa.serving.documents import Asked, Shown, number_in
from ragqa.serving.linked import Links
from ragqa.serving.note_html import note_html, source_html, url_path
from ragqa.serving.warm import WarmIndex
from ragqa.serving.wording import freshness_line
from ragqa.types import Note, Span
from ragqa.verifying.checking import in_note
from ragqa.verifying.current_notes import CurrentNote
from ragqa.verifying.saved import NOWHERE, SavedCitation

_LARGEST_RENDERED = 300_000
"""Characters; a longer note is shown as its source alone."""

_LONGEST_SENT = 1_000
"""Characters; the address of a longer quote has its digest, since servers bound an address."""

Quoted = tuple[Span, str]
"""The characters of a note that were quoted, and what they said."""


def laid_out(template: str, shown: Mapping[str, Any]) -> str:
    """A page, or a part of one, as HTML."""
    return _templates().get_template(f"{template}.html.jinja").render(**shown)


@cache
def _templates() -> Environment:
    environment = templates_of("ragqa.serving")
    environment.filters["line"] = safe_line
    environment.filters["urlencode"] = url_path
    environment.globals["stretch"] = stretch
    environment.finalize = _sanitised
    return environment


def _sanitised(value: object) -> object:
    """Write out characters that hide or reorder text; what is HTML already is sanitised."""
    return safe_text(value) if type(value) is str else value


def base(warm: WarmIndex, page: str) -> Shown:
    """What every page shows."""
    return {"page": page, "state": freshness_line(warm.freshness)}


def shown_note(note: Note, quotes: Sequence[Quoted], links: Links) -> Shown:
    """A note, rendered and as its exact text, with these quotes marked in both.

    A quote is marked where it stands now. If the first is gone, the note says so and has no marks.
    """
    places = [_place_of(note, quoted) for quoted in quotes]
    has_changed = places[:1] == [None]
    marks = [] if has_changed else [place for place in places if place is not None]
    exact = source_html(note.text, note.blocks, marks=marks)
    if len(note.text) > _LARGEST_RENDERED:
        html = exact
    else:
        html = note_html(note.text, note.blocks, path=note.path, names=links.names, marks=marks)
    return {
        "path": note.path,
        "href": f"/note/{url_path(note.path)}" + _to_first(note, marks),
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
    found = in_note(SavedCitation(1, note.path, NOWHERE, chars, quote), current)
    return found.place.chars if found and found.is_sound and found.place else None


def stretch(chars: Span, quote: str) -> str:
    """The query that names a quote: the note may change before anybody follows the link."""
    is_sent = len(quote) <= _LONGEST_SENT
    words = {"quote": quote} if is_sent else {"sha256": _digest(quote)}
    return urlencode({"from": chars[0], "to": chars[1], **words})


def quoted_by(asked: Asked, text: str) -> list[Quoted]:
    """The quote that such a query names, of a note with this text; none if it names none."""
    start, end = number_in(asked, "from") or 0, number_in(asked, "to") or 0
    if not start < end:
        return []
    there = text[start:end]
    quote = there if _digest(there) == asked.get("sha256") else str(asked.get("quote", ""))
    return [((start, end), quote)]


def _digest(quote: str) -> str:
    return sha256(quote.encode("utf-8", "replace")).hexdigest()


def _to_first(note: Note, marks: Sequence[Span]) -> str:
    """What follows a note's address to mark the first of these stretches."""
    return f"?{stretch(marks[0], note.text[slice(*marks[0])])}#cited" if marks else ""


def read(warm: WarmIndex, path: str) -> Note:
    """A note as it is now.

    :raises UsageError: it cannot be read.
    """
    limit = warm.loaded.settings.max_note_bytes
    return read_current(warm.loaded.places.corpus, path, max_note_bytes=limit)
