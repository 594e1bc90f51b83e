"""What the pages show, from what was asked and the warm index; templates lay it out."""

from collections.abc import Iterable

from ragqa.api import Index
from ragqa.diagnosis import diagnose
from ragqa.explaining import explain
from ragqa.related import Related, near
from ragqa.render.explanations import lacking_line, verdict
from ragqa.render.overviews import findings_document
from ragqa.serving.ask_page import address_of
from ragqa.serving.documents import Asked, Shown, filters_of, status, text_in, verify
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


def check_page(warm: WarmIndex, asked: Asked) -> Shown:
    """The page that checks a saved answer."""
    given = str(asked.get("answer", ""))
    return base(warm, "check") | {
        "given": given,
        "result": verify(warm, asked) if given.strip() else None,
    }


def why_page(warm: WarmIndex, asked: Asked) -> Shown:
    """Why a note is in an answer, or is not."""
    question, target = text_in(asked, "q"), text_in(asked, "note")
    found = warm.use(
        lambda index: explain(
            index, question, target=target, filters=filters_of(asked), refresh=False
        )
    )
    return base(warm, "why") | {
        "question": question,
        "back": address_of("/", asked),
        "path": found.path,
        "verdict": verdict(found),
        "lines": [line for line in [lacking_line(found)] if line],
    }


def status_page(warm: WarmIndex, asked: Asked) -> Shown:
    """What is indexed, what is skipped and why, and what doctor finds."""
    findings = warm.use(lambda index: list(diagnose(index, deep=False)))
    return base(warm, "status") | {
        "status": status(warm, asked),
        "findings": findings_document(findings)["findings"],
    }


def _named(record: NoteRecord, why: Iterable[str] = ()) -> Shown:
    named = {"path": record.path, "title": record.title, "date": record.date}
    return named | {"why": "; ".join(why)}
