"""Ask an index questions with gold excerpts, and score its citations."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial

from ragqa.api import Index
from ragqa.errors import UsageError
from ragqa.evaluation.asking import TIMED, Asking, ask_all
from ragqa.evaluation.cache import CachedEmbedder
from ragqa.evaluation.collection import Collection
from ragqa.evaluation.evaluating import about_own, read_note
from ragqa.evaluation.excerpts import score_citations
from ragqa.evaluation.gold import tasks_of
from ragqa.evaluation.marking import mark
from ragqa.evaluation.missed import why_not_good
from ragqa.evaluation.questions import Question
from ragqa.evaluation.summary import Document, summarise
from ragqa.evaluation.tasks import Outcome, Quoted, Task
from ragqa.indexing import Embedders
from ragqa.types import Answer, Progress


def evaluate_excerpts(
    index: Index,
    questions: Sequence[Question],
    *,
    name: str,
    half: str = "",
    limit: int | None = None,
    progress: Progress,
) -> Document:
    """Refresh an index, ask it questions with gold excerpts, and score the citations it gives.

    :param half: the half of a file that these questions are; only reported.
    :raises RagqaError: as `Index.refresh` does.
    """
    report = index.refresh(progress=progress)
    with CachedEmbedder.open(index.source.embedders) as embedder:
        collection = Collection.of(index, embedder)
        tasks, warnings = tasks_of(
            questions[:limit], partial(read_note, index), collection.passages_of
        )
        ranked, problems = ask_all(
            collection, tasks, Asking(), lambda _, *counts: progress("searching", *counts)
        )
        asked = _ask(index, tasks, embedder, progress)
    text_of = cache(partial(_text_of, index))
    outcomes = [
        _judged(task, outcome, one, text_of)
        for task, outcome, one in zip(tasks, ranked, asked, strict=True)
    ]
    return {
        "dataset": name,
        "mode": "excerpts",
        "half": half,
        **about_own(index, collection, report, [*warnings, *problems]),
        "partial": len(tasks) < len(questions),
        **summarise(outcomes),
    }


@dataclass(frozen=True, slots=True)
class _Asked:
    """An answer, None if the question cannot be asked; `ms` is None if it was not timed."""

    answer: Answer | None
    ms: float | None


def _ask(
    index: Index, tasks: Sequence[Task], embedder: CachedEmbedder, progress: Progress
) -> list[_Asked]:
    """The answers; the first questions are also asked without a cache, to time them."""
    times = [_ms_of(index, task.question) for task in tasks[:TIMED]]
    asked = []
    with _caching(index, embedder):
        for done, task in enumerate(tasks):
            progress("asking", done, len(tasks))
            ms = times[done] if done < len(times) else None
            asked.append(_Asked(_answer(index, task.question), ms))
    progress("asking", len(tasks), len(tasks))
    return asked


@contextmanager
def _caching(index: Index, embedder: CachedEmbedder) -> Iterator[None]:
    """Make the index use the caching embedder."""
    own = index.source
    kept = Embedders(own.embedders.spec, lambda *_, **__: embedder)
    index.source = replace(own, embedders=kept)
    try:
        yield
    finally:
        index.source = own


def _answer(index: Index, question: str) -> Answer | None:
    try:
        return index.ask(question, refresh=False)
    except UsageError:
        return None


def _ms_of(index: Index, question: str) -> float | None:
    started = time.perf_counter()
    answer = _answer(index, question)
    return None if answer is None else (time.perf_counter() - started) * 1000


def _text_of(index: Index, path: str) -> str | None:
    note = read_note(index, path)
    return None if note is None else note.text


def _judged(
    task: Task, outcome: Outcome, asked: _Asked, text_of: Callable[[str], str | None]
) -> Outcome:
    """The outcome with the answer's score, confidence and citations."""
    answer = asked.answer
    answered = answer is not None and answer.answered
    cited = answer.citations if answer is not None and answered else ()
    outcome = replace(outcome, ask_ms=asked.ms, quoted=Quoted(cited, score=None), missed=None)
    if answer is not None:
        outcome = replace(
            outcome,
            confidence=answer.confidence,
            answered=answered,
            missing=answer.missing,
        )
    if not task.answerable:
        return outcome
    score = score_citations(cited, task.gold)
    hits = answer.hits if answer is not None else ()
    return replace(
        outcome,
        quoted=Quoted(cited, score, mark(score.chosen, cited, text_of)),
        missed=why_not_good(task, outcome.ranks, score, hits, answered=answered),
    )
