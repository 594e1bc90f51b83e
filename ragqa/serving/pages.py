"""What the pages show, from what was asked and the warm index; templates lay it out."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlencode

from jinja2 import Environment
from markupsafe import Markup
from msgspec import field
from starlette.responses import HTMLResponse, Response

from ragqa import __version__
from ragqa.api import Index
from ragqa.config import history_file
from ragqa.errors import LIST, NoSuchTag, NotAllowed, NotIndexed, RagqaError, UsageError
from ragqa.generation import Writer
from ragqa.index.filters import fold_tag, passing
from ragqa.llms.servers import without_keys
from ragqa.lookup import read_current, reference_to
from ragqa.related import NearNote, near
from ragqa.render import view
from ragqa.render.as_markdown import answer_markdown
from ragqa.render.excerpts import quoted_words
from ragqa.safe import safe_line, safe_text
from ragqa.serving.failures import failure_of
from ragqa.serving.note import (
    UNREAD,
    Fields,
    LinkedNotes,
    Quoted,
    links_of,
    note_html,
    shown_note,
    slugs,
    stretch,
    url_path,
)
from ragqa.serving.operations import Filtered
from ragqa.serving.warm import NotReady, WarmIndex
from ragqa.serving.writing import answer_to, chosen
from ragqa.status import choice_of, status_of
from ragqa.text.dates import date_shown
from ragqa.text.shown import set_apart
from ragqa.types import (
    Answer,
    Citation,
    Fallback,
    Filters,
    Kind,
    Note,
    NoteRecord,
    Passage,
    Span,
    WrittenSentence,
    counted,
    trail_text,
)
from ragqa.user_data import QuestionHistory

MOST_COMPLETED = 500
_MOST_RECENT = 30
_MOST_LATELY, _MOST_TAGS, _MOST_ASKED, _MOST_EXAMPLES = 8, 24, 8, 4
"""The most latest notes, tags, questions asked before and examples of the home page."""

_MOST_LISTED = 2_000
_MOST_NEAR = 5
_LONGEST_NAME = 60
_NOT_IN_NAME = re.compile(r"[^a-z0-9]+")
_MOST_WRITTEN = 32
_PASSING = (Fallback.NOT_ASKED, Fallback.FAILED)
"""Reasons why an LLM did not write an answer that may not hold the next time."""

_ID = re.compile(r' id="[^"]*"')
"""An excerpt is shown beside its note: an id that both have is kept only in the note."""

_TAG = re.compile(r"(<[^>]*>)|[^<]+")

Emit: TypeAlias = Callable[[str, Mapping[str, Any]], None]
"""Sends an event to a page: its name, and its data as a document."""


class PageRequest(Filtered, frozen=True, kw_only=True):
    """What the address of a page asks for: a question, or a note and what was quoted of it."""

    q: str = ""
    llm: str = ""
    n: int = 1
    edit: str = ""
    whole: str = ""
    copy: str = ""
    note: str = ""
    start: int = field(default=0, name="from")
    quote: str = ""
    fragment: str = ""

    @property
    def quoted(self) -> list[Quoted]:
        """The quote that the address names, if it names one."""
        chars = self.start, self.start + len(self.quote)
        return [(chars, self.quote)] if self.quote else []


def ask_page(warm: WarmIndex, asked: PageRequest) -> Response:
    """The page with the question, its answer, and beside it the note that is cited.

    If an LLM writes, the page has the excerpts, and in `stream` the address that the LLM's answer
    comes from. Asked for the `whole`, it has that answer; asked to `edit`, the question alone.
    """
    question = asked.q.strip()
    if not question or asked.edit:
        return _home_page(warm, asked)
    links = warm.use(links_of)
    form = _form(warm, asked, links)
    try:
        answer, refused, may_be_written = _answer(warm, asked, links)
    except UsageError as exc:
        return _refused_page(warm, form, asked, exc)
    _history(warm).add(question)
    cited = next((c for c in (*answer.citations, *answer.also) if c.n == asked.n), None)
    stream = page_address("/written", asked) if may_be_written else ""
    whole = page_address("/", asked, whole="1") if may_be_written else ""
    shown = form | _shown_answer(answer, links, asked) | {"refused": refused, "stream": stream}
    note = None
    if cited is not None:  # with every stretch of it that is cited marked
        others = [c for c in answer.citations if c.path == cited.path and c.n != cited.n]
        quotes = [(c.chars, c.quote) for c in (cited, *others)]
        note = shown_note(_read_now(warm, cited.path), quotes, links)
    return _page(warm, "answer", **shown, whole=whole, note=note)


def _home_page(warm: WarmIndex, asked: PageRequest) -> Response:
    """The page without an answer: what there is to ask and to read, below an empty question."""
    try:
        links = warm.use(links_of, patience_s=0)
    except RagqaError as exc:  # the question can be typed meanwhile
        problem, building = without_keys(exc.message), isinstance(exc, NotReady)
        return _page(
            warm, "missing", **_form(warm, asked, None), problem=problem, building=building
        )
    form = _form(warm, asked, links)
    if asked.edit:
        return _page(warm, "ask", **form)
    try:
        return _page(warm, "home", **form, **_home(warm, asked, links, form["recent"]))
    except UsageError as exc:
        return _refused_page(warm, form, asked, exc)


def _refused_page(warm: WarmIndex, form: Fields, asked: PageRequest, exc: UsageError) -> Response:
    """The page with a question that cannot be asked, and the tags that may be meant."""
    status_code, failure = failure_of(exc)
    nearest = {}
    if isinstance(exc, NoSuchTag):
        kept = [tag for tag in asked.tags if fold_tag(tag) != exc.tag]
        nearest = {tag: page_address("/", asked, tag=[*kept, tag]) for tag in exc.nearest}
    return _page(warm, "refused", status_code, **form, **failure, nearest=nearest)


def _form(warm: WarmIndex, asked: PageRequest, links: LinkedNotes | None) -> Fields:
    """The question and the filters as they are set, and what completes them."""
    parents = (list(Path(path).parents)[:-1] for path in links.records) if links else ()
    folders = sorted({parent.as_posix() for above in parents for parent in above})
    return {
        "asked": asked,
        "question": asked.q.strip(),
        "recent": list(dict.fromkeys(reversed(_history(warm).read())))[:_MOST_RECENT],
        "writer": warm.writer and warm.writer.llm.destination,
        "tags": list(links.listed.tags)[:MOST_COMPLETED] if links else [],
        "folders": folders[:MOST_COMPLETED],
    }


def _history(warm: WarmIndex) -> QuestionHistory:
    return QuestionHistory(history_file(warm.loaded.settings, warm.loaded.places.corpus))


def _home(warm: WarmIndex, asked: PageRequest, links: LinkedNotes, recent: Sequence[str]) -> Fields:
    """What there is to ask and to read; notes are those that the filters let through."""
    notes = passing(links.records.values(), asked.filters)
    lately = sorted(notes, key=lambda note: note.stamp.mtime_ns, reverse=True)[:_MOST_LATELY]
    name = ", ".join(folder.name for _, folder in warm.loaded.places.corpus.prefixed)
    by_folder = defaultdict[str, list[NoteRecord]](list)
    for note in sorted(notes, key=lambda note: note.path.rpartition("/"))[:_MOST_LISTED]:
        by_folder[note.path.rpartition("/")[0] or name].append(note)
    tags, passages = links.listed.tags, links.listed.info.passages
    return {
        "name": name,
        "size": f"{counted(len(links.records), 'note')}, {counted(passages, 'passage')}",
        "lately": lately,
        "by_folder": by_folder,
        "left_out": max(0, len(notes) - _MOST_LISTED),
        "common": sorted(tags.items(), key=lambda item: (-item[1], item[0]))[:_MOST_TAGS],
        "before": recent[:_MOST_ASKED],
        "examples": [] if recent else _examples(warm, lately),
    }


def _day(note: NoteRecord) -> date:
    """The day on which a note was changed."""
    return datetime.fromtimestamp(note.stamp.mtime_ns / 1e9, tz=UTC).astimezone().date()


def _examples(warm: WarmIndex, notes: Iterable[NoteRecord]) -> list[str]:
    """Questions after headings of these notes."""
    examples = []
    for note in notes:
        with suppress(UsageError):  # it was removed a moment ago
            blocks = _read_now(warm, note.path).blocks
            labels = (block.label for block in blocks if block.kind is Kind.HEADING)
            examples += [f"{note.title}: {own}" for own in labels if own and own != note.title][:1]
    return examples[:_MOST_EXAMPLES]


def _answer(
    warm: WarmIndex, asked: PageRequest, links: LinkedNotes
) -> tuple[Answer, NotAllowed | None, bool]:
    """An answer, why no LLM may write it, and whether an LLM is still to write it."""
    filters, writer, refused = asked.filters, chosen(warm, asked.llm), None
    if writer is not None:
        if kept := warm.written.get((links.generation, asked.q.strip(), filters)):
            return kept, None, False
        try:
            writer.allow()
        except NotAllowed as exc:
            writer, refused = None, exc
    if writer is not None and asked.whole:
        return _written(warm, asked, links, writer), None, False
    answer = answer_to(warm, asked.q, filters)
    return answer, refused, writer is not None and writer.is_for(answer)


def _written(warm: WarmIndex, asked: PageRequest, links: LinkedNotes, writer: Writer) -> Answer:
    """An answer that an LLM writes; it is kept, so that going back to a page asks it nothing."""
    answer = answer_to(warm, asked.q, asked.filters, writer)
    if answer.written is not None and answer.written.fallback not in _PASSING:
        warm.written[links.generation, asked.q.strip(), asked.filters] = answer
        for old in list(warm.written)[:-_MOST_WRITTEN]:
            warm.written.pop(old, None)
    return answer


def saved(warm: WarmIndex, asked: PageRequest) -> Response:
    """An answer as a file, as `ragqa ask --format markdown` prints it.

    Asked for a `copy`, it has no record to verify it by.
    """
    answer, *_ = _answer(warm, asked, warm.use(links_of))
    name = _NOT_IN_NAME.sub("-", asked.q.casefold()).strip("-")[:_LONGEST_NAME] or "answer"
    headers = {"content-disposition": f'attachment; filename="{name}.md"'}
    text = answer_markdown(answer, record=not asked.copy)
    return Response(text, media_type="text/markdown", headers=headers)


def written(warm: WarmIndex, asked: PageRequest, writer: Writer, emit: Emit) -> None:
    """The events of an answer that an LLM writes: its sentences, then the answer as HTML."""

    def tell(sentence: WrittenSentence) -> None:
        text, mark = safe_text(f"{sentence.lead}{sentence.text}"), view.source_mark(sentence)
        emit("sentence", {"text": text, "mark": mark.strip()})

    links = warm.use(links_of)
    answer = _written(warm, asked, links, replace(writer, on_sentence=tell))
    emit("answer", {"html": laid_out("_answer", **_shown_answer(answer, links, asked))})


def _shown_answer(answer: Answer, links: LinkedNotes, asked: PageRequest) -> Fields:
    """An answer, and what its template makes of it."""
    return {
        "answer": answer, "links": links, "refused": None, "stream": "",
        "save": page_address("/save", asked),
        "href": lambda n: f"{page_address('/', asked, n=str(n))}#cited",
    }  # fmt: skip


def _quoted(citation: Citation, links: LinkedNotes) -> Markup:
    """A quote as HTML, with what answers marked, unless all does; within its passage, the quote.

    Its own bracketed numbers are set apart from those that an LLM's sentences cite.
    """
    spans = [citation.chars] if citation.around else citation.answer_spans
    first = citation.chars[0] - len(citation.before)
    marks = [(start - first, end - first) for start, end in spans]
    if sum(end - start for start, end in marks) >= len(citation.shown.strip()):
        marks = []
    html = _excerpt(citation, citation.shown, links, marks)
    return Markup(_TAG.sub(lambda match: match[1] or set_apart(match[0]), html))  # noqa: S704 - note_html escapes


def _passage(passage: Passage, links: LinkedNotes) -> Markup:
    """A passage as HTML."""
    return Markup(_excerpt(passage, passage.text, links))  # noqa: S704 - note_html escapes


def _excerpt(
    source: Citation | Passage, text: str, links: LinkedNotes, marks: Sequence[Span] = ()
) -> str:
    """The text of an excerpt as HTML; rows of a table get its head back."""
    labels = view.labels_of(source)
    cells = " | ".join(label.replace("|", "\\|") for label in labels)
    head = f"| {cells} |\n|{' --- |' * len(labels)}\n" if labels else ""
    marks = [(start + len(head), end + len(head)) for start, end in marks]
    lines = any(unit.has_lines for unit in source.units)
    html = note_html(head + text, (), path=source.path, links=links, marks=marks, lines=lines)
    return _ID.sub("", html)


def _read_now(warm: WarmIndex, path: str) -> Note:
    """A note as it is now.

    :raises UsageError: it cannot be read.
    """
    limit = warm.loaded.settings.max_note_bytes
    return read_current(warm.loaded.places.corpus, path, max_note_bytes=limit)[0]


def note_page(warm: WarmIndex, asked: PageRequest) -> Response:
    """A note with its outline, links, backlinks and nearest notes; as a `fragment`, it alone."""
    path = asked.note

    def look(index: Index) -> tuple[LinkedNotes, list[NearNote]]:
        links = links_of(index)
        is_page = path in links.records and not asked.fragment
        return links, near(index, links, path, Filters(), _MOST_NEAR) if is_page else []

    links, nearest = warm.use(look)
    if path not in links.records:
        unread = UNREAD.get(Path(path).suffix.lower())
        why = f": it is {unread}" if unread else ""
        raise NotIndexed(f"there is no note {path} in the index{why}", hint=LIST)
    note = _read_now(warm, path)
    shown = shown_note(note, asked.quoted, links)
    if asked.fragment:
        return _page(warm, "_note", note=shown)
    headings = [block for block in note.blocks if block.kind is Kind.HEADING]
    named = zip(headings, slugs(block.label for block in headings), strict=True)
    outline = [(block, slug) for block, slug in named if block.label]
    around = {"Links": links.of_note(path), "Linked from": links.to_note(path), "Nearest": nearest}
    return _page(warm, "note", note=shown, outline=outline, around=around)


def about_page(warm: WarmIndex, asked: PageRequest) -> Response:
    """What is served, how much of it is skipped, and what leaves this machine."""
    del asked
    choice = choice_of(warm.loaded)
    status = warm.use(lambda index: status_of(index, choice))
    llm = warm.writer.llm.destination if warm.writer else None
    to_llm = f"your question and the passages found, to {llm.where}" if llm and llm.host else ""
    to_store = f"the index, to {choice.index_host}" if choice.index_host else ""
    sent = "; ".join(filter(None, (to_llm, to_store))) or "nothing"
    return _page(warm, "about", version=__version__, status=status, sent=sent)


def page_address(path: str, asked: PageRequest, **more: str | list[str]) -> str:
    """The address of a page with the question and filters of this one, and `more`."""
    same = {
        "q": asked.q, "tag": asked.tags, "path": asked.paths, "since": asked.since,
        "until": asked.until, "where": asked.where, "llm": asked.llm, "whole": asked.whole,
    }  # fmt: skip
    kept = {name: value for name, value in same.items() if value}
    return f"{path}?{urlencode({**kept, **more}, doseq=True)}"


def _page(warm: WarmIndex, template: str, status_code: int = 200, **shown: Any) -> Response:  # noqa: ANN401 - for a template
    html = laid_out(template, state=warm.freshness.line, **shown)
    return HTMLResponse(html, status_code=status_code)


def laid_out(template: str, **shown: Any) -> str:  # noqa: ANN401 - for a template
    """A page, or a part of one, as HTML."""
    return _templates().get_template(f"{template}.html.jinja").render(**shown)


@cache
def _templates() -> Environment:
    environment = view.templates_of("ragqa.serving")
    environment.filters["line"] = safe_line
    environment.filters["sentence"] = lambda text: f"{text[:1].upper()}{text[1:]}."
    environment.filters["urlencode"] = url_path
    environment.filters["query"] = urlencode
    environment.globals |= {
        "stretch": stretch, "day": _day, "date": date_shown, "address": reference_to,
        "trail_text": trail_text, "view": view, "words": quoted_words,
        "quoted": _quoted, "passage": _passage,
    }  # fmt: skip
    environment.finalize = _sanitised
    return environment


def _sanitised(value: object) -> object:
    """Write out characters that hide or reorder text; what is HTML already is sanitised."""
    return safe_text(value) if type(value) is str else value
