"""Put an answer together: from the notes' own sentences, or as an LLM writes it."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.answering import BACKEND, Composed
from ragqa.clock import Clock
from ragqa.embedders import Embedder
from ragqa.types import Answer, Fallback, IndexInfo, Retrieved, Written

if TYPE_CHECKING:
    from ragqa.grounding import Idf
    from ragqa.writing import Writer


def answer_of(
    retrieved: Retrieved,
    composed: Composed,
    top_k: int,
    info: IndexInfo,
    warnings: list[str],
    timings_ms: dict[str, float],
) -> Answer:
    """The answer in the notes' own sentences."""
    return Answer(
        question=retrieved.question,
        answered=composed.answered,
        confidence=composed.confidence,
        backend=BACKEND,
        text=composed.text,
        citations=tuple(composed.citations),
        hits=retrieved.hits[:top_k],
        info=info,
        warnings=tuple(warnings),
        timings_ms=timings_ms,
        reasons=tuple(composed.reasons),
        disagreements=tuple(composed.disagreements),
        missing=composed.missing,
    )


def written_answer(
    answer: Answer,
    writer: "Writer",
    retrieved: Retrieved,
    *,
    embedder: Embedder,
    idf: "Idf",
    top_k: int,
    old_before: str,
    clock: Clock,
) -> Answer:
    """The answer as an LLM writes it; where that comes to nothing, as it is, and why.

    :raises UsageError: not even one passage fits into the prompt.
    """
    from ragqa.writing import request_for, write

    backend = writer.llm.destination.backend
    if not (answer.answered or writer.force) or not retrieved.hits:
        why = f"{backend} was not asked, since your notes do not seem to answer"
        hint = "--force asks it all the same"
        unasked = Written(backend=backend, fallback=Fallback.NOT_ASKED, why=why, hint=hint)
        return replace(answer, written=unasked)
    request = request_for(
        retrieved.question,
        retrieved.hits[:top_k],
        max_tokens=writer.prompt_tokens,
        instructions=writer.instructions,
    )
    if request.left_out:
        warning = (
            f"{request.left_out} of {len(request.hits) + request.left_out} passages did not fit "
            f"into a prompt of {writer.prompt_tokens} tokens and were left out; for a larger one: "
            "ragqa config set llm_prompt_tokens N"
        )
        answer = replace(answer, warnings=(*answer.warnings, warning))
    written, text, citations = write(
        request,
        writer,
        retrieved,
        embedder=embedder,
        idf=idf,
        old_before=old_before,
    )
    clock.lap("write")
    answer = replace(answer, written=written, timings_ms=clock.laps())
    if written.fallback:
        return answer
    return replace(
        answer,
        answered=True,
        backend=backend,
        text=text,
        citations=citations,
        # They are told of the sentences that the notes' own answer cites.
        disagreements=(),
    )
