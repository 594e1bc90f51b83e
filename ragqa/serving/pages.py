"""What the pages show, from what was asked and the warm index; templates lay it out."""

from collections.abc import Iterable

from ragqa import __version__
from ragqa.api import Index
from ragqa.diagnosis import choice_of
from ragqa.related import Related, near
from ragqa.serving.documents import Asked, Shown, status, text_in
from ragqa.serving.layout import base, quoted_by, read, shown_note
from ragqa.serving.linked import Links
from ragqa.serving.note_html import slugs
from ragqa.serving.warm import WarmIndex
from ragqa.types import Filters, Kind, NoteRecord

_MOST_NEAR = 5


def note_page(warm: WarmIndex, asked: Asked) -> Shown:
    """A note with its outline, links, backlinks and nearest notes."""
    path = text_in(asked, "path")

    def look(index: Index) -> tuple[NoteRecord, Links, list[Related]]:
        links = Links.of(index)
        record = links.record(path)
        return record, links, near(index, links, record.path, Filters(), _MOST_NEAR)

    record, links, related = warm.use(look)
    note = read(warm, record.path)
    headings = [one for one in note.blocks if one.kind is Kind.HEADING]
    return base(warm, record.title) | {
        "note": shown_note(note, quoted_by(asked, note.text), links),
        "outline": [
            {"label": one.label, "level": one.level, "slug": slug}
            for one, slug in zip(headings, slugs(one.label for one in headings), strict=True)
            if one.label
        ],
        "links": [_named(one) for one in links.of_note(record.path)],
        "backlinks": [_named(one) for one in links.to_note(record.path)],
        "near": [_named(one.note, one.why) for one in related],
    }


def about_page(warm: WarmIndex, asked: Asked) -> Shown:
    """What is served, how much of it is skipped, and what leaves this machine."""
    llm = warm.writer.llm.destination if warm.writer else None
    to_llm = f"your question and the passages found, to {llm.where}" if llm and llm.host else ""
    host = choice_of(warm.loaded).index_host
    to_store = f"the index, to {host}" if host else ""
    return base(warm, "about") | {
        "version": __version__,
        "status": status(warm, asked),
        "sent": "; ".join(filter(None, (to_llm, to_store))) or "nothing",
    }


def _named(record: NoteRecord, why: Iterable[str] = ()) -> Shown:
    named = {"path": record.path, "title": record.title, "date": record.date}
    return named | {"why": "; ".join(why)}
