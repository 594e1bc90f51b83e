"""Assemble an answer: extractive, or written by an LLM."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ragqa.answering import Answering, Assessment
from ragqa.answering.layout import OpenNote, section_of
from ragqa.api.current import CurrentNotes
from ragqa.embedders import Embedder
from ragqa.errors import UsageError
from ragqa.search.question import Question
from ragqa.types import (
    EXTRACTIVE,
    Answer,
    Citation,
    Disagreement,
    Fallback,
    Hit,
    IndexInfo,
    Progress,
    Written,
)

if TYPE_CHECKING:
    from ragqa.claims.compare import Idf
    from ragqa.generation import Writer

_NOT_ALLOWED = "you did not allow sending to"
_NO_ANSWER = "your notes do not seem to answer"

SECTION_WORDS = 150
"""An LLM is not given longer sections whole: the check of its answer reads no further."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for a question: its hits, which stand in `notes`, and warnings."""

    question: Question
    hits: tuple[Hit, ...]
    notes: CurrentNotes
    info: IndexInfo
    warnings: Sequence[str]


def answer_of(
    question: Question,
    hits: tuple[Hit, ...],
    composed: Assessment,
    info: IndexInfo,
    *,
    warnings: Sequence[str] = (),
) -> Answer:
    """The extractive answer.

    :param hits: those to give as the nearest passages.
    """
    return Answer(
        question=question.typed,
        answered=composed.answered,
        confidence=composed.confidence,
        backend=EXTRACTIVE,
        text=composed.text,
        citations=tuple(composed.citations),
        hits=hits,
        info=info,
        warnings=tuple(warnings),
        also=tuple(composed.also),
        reasons=tuple(composed.reasons),
        disagreements=tuple(composed.disagreements),
        missing=composed.missing,
        corrected=question.corrected,
        read=question.text,
    )


def with_sections(hits: Sequence[Hit], open_note: OpenNote) -> list[Hit]:
    """The hits with each passage widened to its whole section, unless that is long."""
    return [
        replace(hit, passage=section_of(hit.passage, open_note, most_words=SECTION_WORDS))
        for hit in hits
    ]


def with_locators(answer: Answer, located: Callable[[Citation], Citation]) -> Answer:
    """The answer with each citation as `located` gives it."""
    sides = (
        replace(one, citations=(located(one.citations[0]), located(one.citations[1])))
        for one in answer.disagreements
    )
    cited, also = (tuple(map(located, each)) for each in (answer.citations, answer.also))
    return replace(answer, citations=cited, also=also, disagreements=tuple(sides))


def is_for_llm(answer: Answer, writer: "Writer") -> bool:
    """Whether to ask an LLM, given the extractive answer."""
    return bool(answer.hits) and (answer.answered or writer.force)


def written_answer(
    answer: Answer,
    writer: "Writer",
    question: Question,
    answering: Answering,
    *,
    embedder: Embedder,
    idf: "Idf",
    progress: Progress | None,
) -> Answer:
    """The answer written by an LLM; if that fails, the extractive one and why in `written`.

    :raises NotAllowed: nothing may be sent to the LLM.
    """
    from ragqa.generation import request_for, write

    backend = writer.llm.destination.backend
    if not is_for_llm(answer, writer):
        return _not_asked(answer, backend, _NO_ANSWER, "--force asks it anyway")
    try:
        request = request_for(
            question.text,
            with_sections(answer.hits, answering.open_note),
            max_tokens=writer.prompt_tokens,
        )
    except UsageError as exc:
        return _failed(answer, backend, exc)
    writer.keep(answer)
    if not writer.allow():
        host = writer.llm.destination.host
        return _not_asked(answer, backend, f"{_NOT_ALLOWED} {host}", f"ragqa llm allow {host}")
    if progress is not None:
        progress("waiting", 0, 1)
    written, text, citations = write(
        request, writer, question, answering, embedder=embedder, idf=idf
    )
    warnings = (*answer.warnings, *request.warnings(writer.prompt_tokens))
    answer = replace(answer, written=written, warnings=warnings)
    return answer if written.fallback else _with_text(answer, backend, text, citations)


def _failed(answer: Answer, backend: str, exc: UsageError) -> Answer:
    failed = Written(backend, fallback=Fallback.FAILED, why=exc.message, hint=exc.hint)
    return replace(answer, written=failed)


def _with_text(answer: Answer, backend: str, text: str, citations: tuple[Citation, ...]) -> Answer:
    sides = tuple(_renumbered(one, citations) for one in answer.disagreements)
    return replace(
        answer, backend=backend, text=text, citations=citations, also=(), disagreements=sides
    )


def _not_asked(answer: Answer, backend: str, why: str, hint: str) -> Answer:
    why = f"{backend} was not asked, since {why}"
    unasked = Written(backend, fallback=Fallback.NOT_ASKED, why=why, hint=hint)
    return replace(answer, written=unasked)


def _renumbered(disagreement: Disagreement, citations: Sequence[Citation]) -> Disagreement:
    """Give each side the number of an overlapping citation, 0 for none."""

    def number(side: Citation) -> int:
        (start, end), path = side.chars, side.path
        overlapping = (
            c.n for c in citations if c.path == path and c.chars[0] < end and start < c.chars[1]
        )
        return next(overlapping, 0)

    first, second = disagreement.citations
    sides = replace(first, n=number(first)), replace(second, n=number(second))
    return replace(disagreement, citations=sides)
