"""Measure retrieval, answers and confidence on the user's questions, or on public sets."""

from collections.abc import Sequence
from functools import cache

from ragqa.api import Index
from ragqa.evaluation.asking import ask_all
from ragqa.evaluation.questions import GoldQuestion, tasks_of
from ragqa.evaluation.summary import Document, about, summarise
from ragqa.notes import read_text
from ragqa.rerankers import reranker_for
from ragqa.types import Progress, Skipped, by_kind


def evaluate_questions(
    index: Index,
    questions: Sequence[GoldQuestion],
    progress: Progress,
    *,
    name: str,
    limit: int | None = None,
) -> Document:
    """Refresh an index, ask it questions about its notes as `ragqa ask` does, and measure that.

    Answers are compared with the gold excerpts of questions that have such, and otherwise with
    their short answers.

    :param name: of the file of questions, for the report.
    :param limit: how many to ask, the first ones.
    :raises RagqaError: as `Index.refresh` does.
    """

    @cache
    def read(path: str) -> str | None:
        most = index.settings.max_note_bytes
        note = read_text(index.places.corpus, path, max_note_bytes=most)
        return None if isinstance(note, Skipped) else note.text

    report = index.refresh(progress=progress)
    reranker_for(index.settings.reranker)
    snapshot = index.snapshot()
    passages_of = cache(lambda path: snapshot.passages(at=[path]))
    tasks, warnings = tasks_of(questions[:limit], read, passages_of)
    outcomes, problems = ask_all(index, tasks, progress)
    skipped = [f"skipped {line}" for line in by_kind(report.unread)]
    return {
        "dataset": name,
        "mode": "excerpts" if questions[0].excerpts else "questions",
        **about(index.settings, snapshot.info, [*skipped, *warnings, *problems]),
        "partial": len(tasks) < len(questions),
        **summarise(outcomes),
    }
