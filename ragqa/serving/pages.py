"""What the pages show, from what was asked and the warm index; templates lay it out."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from markupsafe import Markup

from ragqa.answering.shown import citation_text
from ragqa.api import Index
from ragqa.diagnosis import diagnose
from ragqa.explaining import explain
from ragqa.getting import read_current
from ragqa.history import History
from ragqa.notes import format_of
from ragqa.render.explanations import verdict, word_lines
from ragqa.render.overviews import findings_document
from ragqa.serving.documents import (
    Asked,
    Shown,
    filters_of,
    number_in,
    status,
    text_in,
    verify,
)
from ragqa.serving.linked import Links
from ragqa.serving.note_html import note_html, slug, source_html
from ragqa.serving.warm import WarmIndex
from ragqa.serving.wording import freshness_line
from ragqa.types import Answer, Citation, Kind, Note, NoteRecord, Verdict, no_progress

_MOST_RECENT = 30
_MOST_NEAR = 5
_LARGEST_RENDERED = 300_000
"""Characters; a longer note is shown as its source alone."""

VERDICTS = {
    Verdict.ANSWERED: "Your notes answer this",
    Verdict.CLOSE: "Your notes come close",
    Verdict.NOT_IN_NOTES: "Your notes do not answer this",
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
    chosen = number_in(asked, "n") or 1
    cited = next((c for c in answer.citations if c.n == chosen), None)
    return shown | {
        "answer": _answer(answer, links, asked),
        "note": cited and _cited_note(warm, answer, cited, links),
    }


def note_page(warm: WarmIndex, asked: Asked) -> Shown:
    """A note with its outline, links, backlinks and nearest notes."""
    path = text_in(asked, "path")

    def read(index: Index) -> tuple[NoteRecord, Links, list[NoteRecord]]:
        links = Links.of(index)
        record = links.record(path)
        return record, links, _near(index, record, links)

    record, links, near = warm.use(read)
    note = _read(warm, record.path)
    marks = _marks(asked, note.text)
    shown = _shown_note(note, marks, links) | {"source": source_html_of(note, marks)}
    return _base(warm, record.title) | {
        "note": shown,
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
    question, target = text_in(asked, "q"), text_in(asked, "note")
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
    whole = bool(citation.shown) or sum(b - a for a, b in answers) >= len(citation.quote.strip())
    return {
        "n": citation.n,
        "path": citation.path,
        "lines": citation.lines,
        "locator": citation.locator,
        "chars": citation.chars,
        "heading": " \u203a ".join(citation.heading),
        "date": citation.note_date,
        "old": citation.old,
        "context": citation.context,
        "html": Markup(  # noqa: S704 - note_html escapes
            note_html(
                citation_text(citation), (), path=citation.path, names=links.names,
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
    if len(note.text) > _LARGEST_RENDERED or format_of(note.path).has_markup:
        html = source_html(note.text, note.blocks, marks=marks)
    else:
        html = note_html(note.text, note.blocks, path=note.path, names=links.names, marks=marks)
    return {
        "path": note.path,
        "href": f"/note/{quote(note.path)}" + _stretch(marks),
        "title": note.title,
        "date": note.date,
        "tags": note.tags,
        "html": Markup(html),  # noqa: S704 - both escape
    }


def _stretch(marks: Sequence[tuple[int, int]]) -> str:
    """What follows a note's address to mark the first of these stretches."""
    return f"?from={marks[0][0]}&to={marks[0][1]}#cited" if marks else ""


def source_html_of(note: Note, marks: Sequence[tuple[int, int]]) -> Markup:
    """The exact text of a note, as HTML."""
    return Markup(source_html(note.text, note.blocks, marks=marks))  # noqa: S704 - it escapes


def _read(warm: WarmIndex, path: str) -> Note:
    limit = warm.loaded.settings.max_note_bytes
    return read_current(warm.loaded.places.corpus, path, max_note_bytes=limit)


def _marks(asked: Asked, text: str) -> list[tuple[int, int]]:
    """The stretch that an address names, as `from` and `to` characters."""
    start, end = number_in(asked, "from") or 0, number_in(asked, "to") or 0
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
