"""Lay out what pages show."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from ragqa.getting import read_current
from ragqa.notes import format_of
from ragqa.render.pages import templates_of
from ragqa.sanitise import safe_line, safe_text
from ragqa.serving.documents import Shown
from ragqa.serving.linked import Links
from ragqa.serving.note_html import note_html, source_html, url_path
from ragqa.serving.warm import WarmIndex
from ragqa.serving.wording import freshness_line
from ragqa.types import Note, Span

_LARGEST_RENDERED = 300_000
"""Characters; a longer note is shown as its source alone."""


def laid_out(template: str, shown: Mapping[str, Any]) -> str:
    """A page, or a part of one, as HTML."""
    return _templates().get_template(f"{template}.html.jinja").render(**shown)


@cache
def _templates() -> Environment:
    environment = templates_of("ragqa.serving")
    environment.filters["line"] = safe_line
    environment.filters["urlencode"] = url_path
    environment.finalize = _sanitised
    return environment


def _sanitised(value: object) -> object:
    """Write out characters that hide or reorder text; what is HTML already is sanitised."""
    return safe_text(value) if type(value) is str else value


def base(warm: WarmIndex, page: str) -> Shown:
    """What every page shows."""
    return {"page": page, "state": freshness_line(warm.freshness)}


def shown_note(note: Note, marks: Sequence[Span], links: Links) -> Shown:
    """A note, rendered and as its exact text, with these stretches marked in both."""
    exact = source_html(note.text, note.blocks, marks=marks)
    if len(note.text) > _LARGEST_RENDERED or format_of(note.path).has_markup:
        html = exact
    else:
        html = note_html(note.text, note.blocks, path=note.path, names=links.names, marks=marks)
    return {
        "path": note.path,
        "href": f"/note/{url_path(note.path)}" + _stretch(marks),
        "title": note.title,
        "date": note.date,
        "tags": note.tags,
        "html": Markup(html),  # noqa: S704 - both escape
        "source": Markup(exact.replace(' id="cited"', "")),  # noqa: S704 - it escapes
    }


def _stretch(marks: Sequence[Span]) -> str:
    """What follows a note's address to mark the first of these stretches."""
    return f"?from={marks[0][0]}&to={marks[0][1]}#cited" if marks else ""


def read(warm: WarmIndex, path: str) -> Note:
    """A note as it is now.

    :raises UsageError: it cannot be read.
    """
    limit = warm.loaded.settings.max_note_bytes
    return read_current(warm.loaded.places.corpus, path, max_note_bytes=limit)
