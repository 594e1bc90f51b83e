"""The page that asks: the answer, its excerpts, the cited note, and what an LLM writes of them."""

from dataclasses import dataclass, replace
from itertools import islice
from urllib.parse import parse_qsl, urlencode

from markupsafe import Markup

from ragqa.answering.shown import citation_text
from ragqa.api.answers import is_for_llm
from ragqa.errors import NotAllowed, RagqaError
from ragqa.generation import Writer
from ragqa.history import History
from ragqa.render.generation import support_mark, written_by
from ragqa.sanitise import safe_text
from ragqa.serving.documents import MOST_COMPLETED, Asked, Shown, filters_of, number_in, text_in
from ragqa.serving.events import Emit
from ragqa.serving.layout import base, laid_out, read, shown_note
from ragqa.serving.linked import Links
from ragqa.serving.note_html import note_html
from ragqa.serving.warm import WarmIndex
from ragqa.serving.wording import VERDICTS
from ragqa.serving.writing import answer_to, chosen
from ragqa.types import Answer, Citation, Written

_MOST_RECENT = 30
_ASKED = ("q", "tag", "path", "since", "llm")
"""What asks a question, by name."""


def ask_page(warm: WarmIndex, asked: Asked) -> Shown:
    """The page with the question, its answer, and beside it the note that is cited.

    Where an LLM writes, the page has the excerpts, and `stream`, where the answer comes from; asked
    for the `whole`, it has the answer; asked to `edit`, the question alone.
    """
    question, history = str(asked.get("q", "")).strip(), History()
    is_asked = question and not asked.get("edit")
    links = warm.use(Links.of) if is_asked else _at_hand(warm)
    shown: Shown = base(warm, "ask") | _filters(asked, links) | {
        "question": question, "recent": _recent(history), "answer": None, "note": None,
        "stream": "", "whole": "", "writer": _destination(warm.writer),
    }  # fmt: skip
    if links is None or not is_asked:
        return shown
    if history.read()[-1:] != [" ".join(question.split())]:
        history.add(question)
    found = _found(warm, asked, question, links)
    number = number_in(asked, "n") or 1
    cited = next((c for c in found.answer.citations if c.n == number), None)
    return shown | {
        "answer": _answer(found.answer, links, asked) | {"refused": found.refused},
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
    shown = {"answer": _answer(answer, links, asked) | {"refused": None}, "question": question}
    emit("answer", {"html": laid_out("_answer", shown | {"stream": ""})})


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


def _answer(answer: Answer, links: Links, asked: Asked) -> Shown:
    return {
        "written": answer.written and _written(answer.written),
        "verdict": f"Your notes {VERDICTS[answer.verdict]}",
        "kind": answer.verdict.name.casefold(),
        "confidence": answer.confidence,
        "missing": list(answer.missing),
        "asked": parse_qsl(address_of("", asked).removeprefix("?")),
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


def _written(written: Written) -> Shown:
    """What an LLM wrote, sentence by sentence, or why it is not there."""
    return {
        "backend": written.backend,
        "grounded": written.grounded,
        "why": written.why,
        "by": written_by(written) if written.grounded else "",
        "sentences": [
            {
                "text": f"{one.lead}{one.text}",
                "numbers": [n for n in one.citations if f"[{n}]" not in one.text],
                "mark": support_mark(one).strip(),
            }
            for one in written.sentences
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
    note = read(warm, cited.path)
    if note.sha256 != cited.note_sha256:
        return None
    others = [c.chars for c in answer.citations if c.path == cited.path and c.n != cited.n]
    return shown_note(note, [cited.chars, *others], links)


def _destination(writer: Writer | None) -> Shown | None:
    """Who writes the answers, and where questions and passages go."""
    where = writer and writer.llm.destination
    return {"backend": where.backend, "host": where.host, "where": where.where} if where else None


def _at_hand(warm: WarmIndex) -> Links | None:
    """The links, None where there is no index yet: the question can be typed meanwhile."""
    try:
        return warm.use(Links.of, patience_s=0)
    except RagqaError:
        return None


def _filters(asked: Asked, links: Links | None) -> Shown:
    """The filters as they are set, and what completes them."""
    return {
        "since": str(asked.get("since", "")),
        "llm": str(asked.get("llm", "")),
        "filters": [
            {
                "label": label,
                "name": name,
                "chosen": asked.get(name, []),
                "known": list(islice(known, MOST_COMPLETED)),
            }
            for label, name, known in (
                ("Tag", "tag", links.tags if links else ()),
                ("Folder", "path", links.folders if links else ()),
            )
        ],
        "dates": links.dates[:MOST_COMPLETED] if links else [],
    }


def _recent(history: History) -> list[str]:
    return list(dict.fromkeys(reversed(history.read())))[:_MOST_RECENT]


def _href(asked: Asked, number: int) -> str:
    return f"{address_of('/', asked, n=str(number))}#cited"


def back_to(asked: Asked) -> str:
    """The address of the page with the question as asked, to be changed."""
    return address_of("/", asked, edit="1") if asked.get("q") else "/"


def address_of(path: str, asked: Asked, **more: str) -> str:
    """The address at which the same is asked."""
    kept = {name: asked[name] for name in (*_ASKED, "whole") if asked.get(name)}
    return f"{path}?{urlencode({**kept, **more}, doseq=True)}"
