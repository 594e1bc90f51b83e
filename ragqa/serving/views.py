"""What pages and documents show, from what was asked and the warm index.

A view takes the values of a request by name; those in `LISTS` are lists of strings. It gives what a
template or a JSON document holds.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from ragqa.api import Index
from ragqa.clock import first_day
from ragqa.diagnosis import diagnose, status_of
from ragqa.errors import UsageError
from ragqa.explaining import explain
from ragqa.getting import get_part
from ragqa.history import History
from ragqa.notes import parse_note, read_text
from ragqa.render.documents import answer_document, search_document
from ragqa.render.explanations import verdict, word_lines
from ragqa.render.overviews import findings_document
from ragqa.render.parts import part_document
from ragqa.render.verifications import verification_document
from ragqa.serving.linked import Links
from ragqa.serving.note_html import note_html, slug, source_html
from ragqa.serving.warm import WarmIndex
from ragqa.serving.wording import freshness_line
from ragqa.types import (
    Answer,
    Citation,
    Filters,
    Kind,
    Note,
    NoteRecord,
    Skipped,
    Verdict,
    no_progress,
)
from ragqa.verifying.checking import verify as verify_saved
from ragqa.verifying.saved import read_saved

LISTS = frozenset({"tag", "path"})
_MOST_COMPLETED = 50
_MOST_RECENT = 30
_MOST_NEAR = 5
_LARGEST_RENDERED = 300_000
"""Characters; a longer note is shown as its source alone."""

Asked = Mapping[str, Any]
Shown = dict[str, Any]

VERDICTS = {
    Verdict.ANSWERED: "Your notes answer this",
    Verdict.CLOSE: "Your notes come close",
    Verdict.NOT_IN_NOTES: "Your notes do not answer this",
}


def ask(warm: WarmIndex, asked: Asked) -> Shown:
    """The document of an answer, as `ragqa ask --json` prints it."""
    question, filters = _text(asked, "question"), filters_of(asked)
    return answer_document(
        warm.use(lambda index: index.ask(question, filters=filters, refresh=False))
    )


def search(warm: WarmIndex, asked: Asked) -> Shown:
    """The document of a search, as `ragqa search --json` prints it."""
    query, filters, limit = _text(asked, "query"), filters_of(asked), _number(asked, "limit")
    return search_document(
        warm.use(lambda index: index.search(query, filters=filters, limit=limit, refresh=False))
    )


def get(warm: WarmIndex, asked: Asked) -> Shown:
    """The document of a note or a part of it, as `ragqa get --json` prints it."""
    address = _text(asked, "address")
    return part_document(warm.use(lambda index: get_part(index, address, refresh=False)))


def verify(warm: WarmIndex, asked: Asked) -> Shown:
    """The document of a check, as `ragqa verify --json` prints it."""
    saved = read_saved(io.BytesIO(_text(asked, "answer").encode("utf-8", "replace")), "the answer")
    return verification_document(
        verify_saved(
            saved,
            warm.loaded.places.corpus,
            max_note_bytes=warm.loaded.settings.max_note_bytes,
            progress=no_progress,
        )
    )


def status(warm: WarmIndex, asked: Asked) -> Shown:
    """What is indexed, and how current it is."""
    del asked
    found = warm.use(status_of)
    return {
        "notes": found.info.notes,
        "passages": found.info.passages,
        "created": found.info.created,
        "fresh": found.is_fresh,
        "state": freshness_line(warm.freshness),
        "corpus": str(warm.loaded.places.corpus),
        "skipped": [{"path": one.path, "reason": one.reason} for one in found.skipped],
    }


def complete(warm: WarmIndex, asked: Asked) -> Shown:
    """Tags and folders that begin as given, for the filters."""
    start = str(asked.get("start", "")).casefold()
    listed = warm.use(lambda index: index.notes(refresh=False))
    folders = dict.fromkeys(
        "/".join(parts[:depth])
        for note in listed.notes
        if (parts := note.path.split("/"))
        for depth in range(1, len(parts))
    )
    return {
        name: [one for one in values if one.casefold().startswith(start)][:_MOST_COMPLETED]
        for name, values in (("tags", listed.tags), ("paths", folders))
    }


def ask_page(warm: WarmIndex, asked: Asked) -> Shown:
    """The page with the question, its answer, and beside it the note that is cited."""
    question = str(asked.get("q", "")).strip()
    history = History()
    shown: Shown = _base(warm, "ask") | {
        "question": question, "tags": asked.get("tag", []), "paths": asked.get("path", []),
        "since": str(asked.get("since", "")), "recent": _recent(history), "answer": None,
        "note": None,
    }  # fmt: skip
    if not question:
        return shown
    filters = filters_of(asked)
    history.add(question)

    def answered(index: Index) -> tuple[Answer, Links]:
        return index.ask(question, filters=filters, refresh=False), Links.of(index)

    answer, links = warm.use(answered)
    chosen = _number(asked, "n") or 1
    cited = next((c for c in answer.citations if c.n == chosen), None)
    return shown | {
        "answer": _answer(answer, links, asked),
        "note": cited and _cited_note(warm, answer, cited, links),
    }


def note_page(warm: WarmIndex, asked: Asked) -> Shown:
    """A note with its outline, links, backlinks and nearest notes."""
    path = _text(asked, "path")

    def read(index: Index) -> tuple[NoteRecord, Links, list[NoteRecord]]:
        links = Links.of(index)
        record = links.record(path)
        return record, links, _near(index, record, links)

    record, links, near = warm.use(read)
    note = _read(warm, record.path)
    marks = _marks(asked, note.text)
    return _base(warm, record.title) | {
        "note": _shown_note(note, marks, links) | {"source": source_html_of(note, marks)},
        "outline": [
            {"label": one.label, "level": one.level, "slug": slug(one.label)}
            for one in note.blocks
            if one.kind is Kind.HEADING and one.label
        ],
        "links": [_named(one) for one in links.of_note(record.path)],
        "backlinks": [_named(one) for one in links.to_note(record.path)],
        "near": [_named(one) for one in near],
    }


def check_page(warm: WarmIndex, asked: Asked) -> Shown:
    """The page that checks a saved answer."""
    given = str(asked.get("answer", ""))
    return _base(warm, "check") | {
        "given": given,
        "result": verify(warm, asked) if given.strip() else None,
    }


def why_page(warm: WarmIndex, asked: Asked) -> Shown:
    """Why a note is in an answer, or is not."""
    question, target = _text(asked, "q"), _text(asked, "note")
    found = warm.use(
        lambda index: explain(
            index, question, target=target, filters=filters_of(asked), refresh=False,
            progress=no_progress,
        )
    )  # fmt: skip
    return _base(warm, "why") | {
        "question": question,
        "path": found.path,
        "verdict": verdict(found),
        "lines": word_lines(found),
    }


def status_page(warm: WarmIndex, asked: Asked) -> Shown:
    """What is indexed, what is skipped and why, and what doctor finds."""
    findings = warm.use(lambda index: list(diagnose(index, deep=False)))
    return _base(warm, "status") | {
        "status": status(warm, asked),
        "findings": findings_document(findings)["findings"],
    }


def filters_of(asked: Asked) -> Filters:
    """The filters of a request.

    :raises UsageError: one of them is malformed.
    """
    since = str(asked.get("since", "")).strip()
    try:
        day = first_day(since) if since else ""
    except ValueError as exc:
        raise UsageError(
            f"since: {since!r} is not a date", hint="2025-03-31, 2025-03 or 2025"
        ) from exc
    return Filters(_texts(asked, "tag"), _texts(asked, "path"), day)


def _base(warm: WarmIndex, page: str) -> Shown:
    return {"page": page, "state": freshness_line(warm.freshness)}


def _answer(answer: Answer, links: Links, asked: Asked) -> Shown:
    return {
        "verdict": VERDICTS[answer.verdict],
        "kind": answer.verdict.name.casefold(),
        "confidence": answer.confidence,
        "missing": list(answer.missing),
        "corrected": [(one.typed, one.read) for one in answer.corrected],
        "warnings": list(answer.warnings),
        "citations": [
            _citation(one, links) | {"href": _href(asked, one.n)} for one in answer.citations
        ],
        "disagreements": [
            [
                _citation(side, links) | {"says": says}
                for side, says in zip(one.citations, one.says, strict=True)
            ]
            for one in answer.disagreements
        ],
        "hits": [
            {"path": hit.passage.path, "lines": hit.passage.lines, "trail": hit.passage.trail}
            for hit in answer.hits
        ],
    }


def _citation(citation: Citation, links: Links) -> Shown:
    start = citation.chars[0]
    answers = [(a - start, b - start) for a, b in citation.answer_spans]
    whole = sum(b - a for a, b in answers) >= len(citation.quote.strip())
    return {
        "n": citation.n,
        "path": citation.path,
        "lines": citation.lines,
        "chars": citation.chars,
        "heading": " \u203a ".join(citation.heading),
        "date": citation.note_date,
        "old": citation.old,
        "context": citation.context,
        "html": Markup(  # noqa: S704 - note_html escapes
            note_html(
                citation.quote, (), path=citation.path, names=links.names,
                marks=() if whole else answers,
            ).replace(' id="cited"', "")
        ),
    }  # fmt: skip


def _cited_note(warm: WarmIndex, answer: Answer, cited: Citation, links: Links) -> Shown | None:
    """The note beside an answer, with every stretch of it that is cited marked."""
    note = _read(warm, cited.path)
    if note.sha256 != cited.note_sha256:
        return None
    others = [c.chars for c in answer.citations if c.path == cited.path and c.n != cited.n]
    return _shown_note(note, [cited.chars, *others], links)


def _shown_note(note: Note, marks: Sequence[tuple[int, int]], links: Links) -> Shown:
    if len(note.text) > _LARGEST_RENDERED:
        html = source_html(note.text, note.blocks, marks=marks)
    else:
        html = note_html(note.text, note.blocks, path=note.path, names=links.names, marks=marks)
    return {
        "path": note.path,
        "title": note.title,
        "date": note.date,
        "tags": note.tags,
        "html": Markup(html),  # noqa: S704 - both escape
    }


def source_html_of(note: Note, marks: Sequence[tuple[int, int]]) -> Markup:
    """The exact text of a note, as HTML."""
    return Markup(source_html(note.text, note.blocks, marks=marks))  # noqa: S704 - it escapes


def _read(warm: WarmIndex, path: str) -> Note:
    limit = warm.loaded.settings.max_note_bytes
    read = read_text(warm.loaded.places.corpus, path, max_note_bytes=limit)
    if isinstance(read, Skipped):
        raise UsageError(f"{path} cannot be read: {read.reason}", hint="ragqa status")
    return parse_note(path, read.text, read.sha256, read.stamp)


def _marks(asked: Asked, text: str) -> list[tuple[int, int]]:
    """The stretch that an address names, as `from` and `to` characters."""
    start, end = _number(asked, "from") or 0, _number(asked, "to") or 0
    return [(start, min(end, len(text)))] if start < end else []


def _near(index: Index, record: NoteRecord, links: Links) -> list[NoteRecord]:
    """The notes nearest in meaning and words to a note's title."""
    hits = index.search(record.title, limit=20, refresh=False).hits
    paths = dict.fromkeys(hit.passage.path for hit in hits if hit.passage.path != record.path)
    return [links.record(path) for path in list(paths)[:_MOST_NEAR]]


def _named(record: NoteRecord) -> Shown:
    return {"path": record.path, "title": record.title, "date": record.date}


def _recent(history: History) -> list[str]:
    return list(dict.fromkeys(reversed(history.read())))[:_MOST_RECENT]


def _href(asked: Asked, number: int) -> str:
    kept = {name: asked[name] for name in ("q", "tag", "path", "since") if asked.get(name)}
    return f"/?{urlencode({**kept, 'n': number}, doseq=True)}#cited"


def _text(asked: Asked, name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{name} is missing", hint=f"give {name} as text")
    return value


def _texts(asked: Asked, name: str) -> tuple[str, ...]:
    value = asked.get(name, [])
    values: Iterable[object] = value if isinstance(value, list) else [value]
    return tuple(str(one) for one in values if one)


def _number(asked: Asked, name: str) -> int | None:
    value = asked.get(name)
    if value in (None, ""):
        return None
    text = str(value)
    if not text.isdecimal() or len(text) > 9:
        raise UsageError(f"{name} is not a number: {text[:40]!r}")
    return int(text)
