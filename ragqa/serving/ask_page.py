"""The page that asks: the answer, its excerpts, the cited note, and what an LLM writes of them."""

import re
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from urllib.parse import urlencode

from markupsafe import Markup

from ragqa.api.answers import is_for_llm
from ragqa.config import history_file
from ragqa.errors import NotAllowed, RagqaError
from ragqa.generation import Writer
from ragqa.history import History
from ragqa.render.excerpts import words_of
from ragqa.render.generation import support_mark, written_by
from ragqa.render.view import DISAGREE, address, corrected_line, fallback_line, trust_line
from ragqa.safe import safe_text
from ragqa.serving.documents import MOST_COMPLETED, Asked, Shown, filters_of, number_in, text_in
from ragqa.serving.events import Emit
from ragqa.serving.layout import base, laid_out, read, shown_note
from ragqa.serving.linked import Links
from ragqa.serving.note_html import note_html
from ragqa.serving.warm import WarmIndex
from ragqa.serving.writing import answer_to, chosen
from ragqa.text.seen import set_apart
from ragqa.types import Answer, Citation

_MOST_RECENT = 30
_TAG = re.compile(r"(<[^>]*>)|[^<]+")
_ASKED = ("q", "tag", "path", "since", "where", "llm")
"""What asks a question, by name."""


def ask_page(warm: WarmIndex, asked: Asked) -> Shown:
    """The page with the question, its answer, and beside it the note that is cited.

    Where an LLM writes, the page has the excerpts, and `stream`, where the answer comes from; asked
    for the `whole`, it has the answer; asked to `edit`, the question alone.
    """
    question = str(asked.get("q", "")).strip()
    is_asked = question and not asked.get("edit")
    links = warm.use(Links.of) if is_asked else _at_hand(warm)
    history = History(history_file(warm.loaded.settings, warm.loaded.places.corpus))
    recent = list(dict.fromkeys(reversed(history.read())))
    shown: Shown = base(warm, "ask") | _filters(asked, links) | {
        "question": question, "recent": recent[:_MOST_RECENT], "answer": None, "note": None,
        "stream": "", "whole": "", "writer": warm.writer and warm.writer.llm.destination,
    }  # fmt: skip
    if links is None or not is_asked:
        return shown
    if history.read()[-1:] != [" ".join(question.split())]:
        history.add(question)
    found = _found(warm, asked, question, links)
    number = number_in(asked, "n") or 1
    shown_now = (*found.answer.citations, *found.answer.also)
    cited = next((c for c in shown_now if c.n == number), None)
    return shown | {
        **_shown(found.answer, links, asked, found.refused),
        "note": cited and _cited_note(warm, found.answer, cited, links),
        "stream": address_of("/written", asked) if found.may_be_written else "",
        "whole": address_of("/", asked, whole="1") if found.may_be_written else "",
    }


def written(warm: WarmIndex, asked: Asked, writer: Writer | None, emit: Emit) -> None:
    """The events of an answer that an LLM writes: its sentences, then the answer as HTML."""
    question, filters = text_in(asked, "q"), filters_of(asked)
    links = warm.use(Links.of)
    writer = writer and replace(
        writer,
        on_sentence=lambda one: emit(
            "sentence",
            {"text": safe_text(f"{one.lead}{one.text}"), "mark": support_mark(one).strip()},
        ),
    )
    answer = answer_to(warm, question, filters, writer)
    warm.recent.keep((links.generation, question, filters), answer)
    shown = _shown(answer, links, asked) | {"question": question, "stream": ""}
    emit("answer", {"html": laid_out("_answer", shown)})


@dataclass(frozen=True, slots=True)
class _Found:
    """An answer, whether an LLM may yet write it, and why it may not."""

    answer: Answer
    may_be_written: bool = False
    refused: NotAllowed | None = None


def _found(warm: WarmIndex, asked: Asked, question: str, links: Links) -> _Found:
    filters, writer = filters_of(asked), chosen(warm, asked.get("llm"))
    if writer is None:
        return _Found(answer_to(warm, question, filters))
    key = (links.generation, question, filters)
    if kept := warm.recent.get(key):
        return _Found(kept)
    try:
        writer.allow()
    except NotAllowed as exc:
        return _Found(answer_to(warm, question, filters), refused=exc)
    if asked.get("whole"):
        answer = answer_to(warm, question, filters, writer)
        warm.recent.keep(key, answer)
        return _Found(answer)
    answer = answer_to(warm, question, filters)
    return _Found(answer, may_be_written=is_for_llm(answer, writer))


def _shown(answer: Answer, links: Links, asked: Asked, refused: NotAllowed | None = None) -> Shown:
    """An answer, and what its template makes of it."""
    return {
        "answer": answer, "trust": trust_line(answer), "refused": refused,
        "quoted": partial(_quoted, links=links), "support_mark": support_mark,
        "written_by": written_by, "words": words_of, "disagree": DISAGREE,
        "corrected": answer.corrected and corrected_line(answer.corrected),
        "fallback": fallback_line(answer),
        "place": lambda one: address(one.path, one.lines, one.locator),
        "href": lambda n: f"{address_of('/', asked, n=str(n))}#cited",
    }  # fmt: skip


def _quoted(citation: Citation, links: Links) -> Markup:
    """A quote as HTML, with what answers marked unless that is all of it.

    Its own bracketed numbers are set apart from those that an LLM's sentences cite.
    """
    start = citation.chars[0]
    marks = [(a - start, b - start) for a, b in citation.answer_spans]
    if sum(b - a for a, b in marks) >= len(citation.quote.strip()):
        marks = []
    html = note_html(citation.quote, (), path=citation.path, names=links.names, marks=marks)
    html = _TAG.sub(lambda found: found[1] or set_apart(found[0]), html.replace(' id="cited"', ""))
    return Markup(html)  # noqa: S704 - note_html escapes


def _cited_note(warm: WarmIndex, answer: Answer, cited: Citation, links: Links) -> Shown:
    """The note beside an answer, with every stretch of it that is cited marked."""
    others = [c for c in answer.citations if c.path == cited.path and c.n != cited.n]
    quotes = [(c.chars, c.quote) for c in (cited, *others)]
    return shown_note(read(warm, cited.path), quotes, links)


def _at_hand(warm: WarmIndex) -> Links | None:
    """The links, None where there is no index yet: the question can be typed meanwhile."""
    try:
        return warm.use(Links.of, patience_s=0)
    except RagqaError:
        return None


def _filters(asked: Asked, links: Links | None) -> Shown:
    """The filters as they are set, and what completes them."""
    tags, folders = (links.tags, links.folders) if links else ((), ())
    named = (("Tag", "tag", tags), ("Folder", "path", folders))
    return {
        **{name: str(asked.get(name, "")) for name in ("since", "where", "llm")},
        "filters": [
            {"label": label, "name": name, "chosen": asked.get(name, []),
             "known": list(islice(known, MOST_COMPLETED))} for label, name, known in named
        ],
        "dates": links.dates[:MOST_COMPLETED] if links else [],
    }  # fmt: skip


def back_to(asked: Asked) -> str:
    """The address of the page with the question as asked, to be changed."""
    return address_of("/", asked, edit="1") if asked.get("q") else "/"


def address_of(path: str, asked: Asked, **more: str) -> str:
    """The address at which the same is asked."""
    kept = {name: asked[name] for name in (*_ASKED, "whole") if asked.get(name)}
    return f"{path}?{urlencode({**kept, **more}, doseq=True)}"
