"""Evaluate an index on questions about its notes."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial

from ragqa.api import Index
from ragqa.config import Loaded, load_settings
from ragqa.config.files import cache_folder
from ragqa.config.setting import Value
from ragqa.errors import UsageError
from ragqa.evaluation.asking import ask_all
from ragqa.evaluation.cache import CachedEmbedder
from ragqa.evaluation.collection import Collection, open_collection
from ragqa.evaluation.excerpts import mark, score_citations
from ragqa.evaluation.outcomes import Outcome, Quoted, why_not_good
from ragqa.evaluation.questions import Chosen, Question
from ragqa.evaluation.summary import Document, about, summarise
from ragqa.evaluation.tasks import Task, tasks_of
from ragqa.indexing import Embedders
from ragqa.notes import read_note as read_file
from ragqa.types import Answer, Hit, Note, NoteFile, Progress, Skipped, Stamp

# Changing these changes the passages or their embeddings.
_REBUILDING = ("embedder", "passage_tokens", "max_note_bytes")

_INDEX = ("index", "store", "store_uri")
"""The settings that name an index."""

_LOCAL_STORE = {"store": "local", "store_uri": ""}
"""An experiment's index is local, whatever store the user has set."""


def settings_with(settings: Mapping[str, Value], given: Mapping[str, Value | None]) -> Loaded:
    """Load the settings to open an index with: the user's index if these settings fit it.

    Settings that change passages or embeddings get an index in the cache folder instead, so that
    an experiment never rebuilds the user's.

    :param given: the locations of notes and index, from the command line.
    :raises UsageError: an index is named that does not fit these settings.
    :raises RagqaError: as `load_settings` does.
    """
    remade = {name: settings[name] for name in _REBUILDING if name in settings}
    named = [name for name in _INDEX if given.get(name) is not None]
    if named and remade:
        option = f"--{named[0].replace('_', '-')}"
        raise UsageError(
            f"{' and '.join(remade)} would need another index than the one that {option} names",
            hint=f"leave {option} out: the experiment then gets its own index",
        )
    own: dict[str, Value] = {}
    if remade:
        places = load_settings({"corpus": given.get("corpus"), **_LOCAL_STORE}).places
        key = repr((str(places.corpus), sorted(remade.items()))).encode("utf-8", "surrogateescape")
        name = hashlib.blake2b(key, digest_size=8).hexdigest()
        own = {"index": str(cache_folder() / "evaluation" / f"index-{name}"), **_LOCAL_STORE}
    return load_settings({**settings, **given, **own})


def evaluate_questions(index: Index, chosen: Chosen, progress: Progress) -> Document:
    """Refresh an index, ask it questions about its notes, and measure the results.

    Questions with gold excerpts are measured by the citations of their answers, others by the
    short answers in the best sentences.

    :raises RagqaError: as `Index.refresh` does.
    """
    report = index.refresh(progress=progress)
    excerpts = any(question.excerpts for question in chosen.rows)
    with open_collection(index) as collection:
        tasks, warnings = tasks_about(index, collection, chosen.asked)
        if excerpts:
            outcomes, problems = _ask_for_excerpts(index, collection, tasks, progress)
        else:
            outcomes, problems = ask_all(collection, tasks, progress, compose=True)
    skipped = [f"skipped {skip.path}: {skip.reason}" for skip in report.skipped]
    warnings = [*skipped, *warnings, *problems]
    return {
        "dataset": chosen.name,
        "mode": "excerpts" if excerpts else "questions",
        "half": chosen.half,
        **about(index.settings, collection.snapshot.info, warnings),
        "partial": chosen.is_partial,
        **summarise(outcomes),
    }


def tasks_about(
    index: Index, collection: Collection, questions: Sequence[Question]
) -> tuple[list[Task], list[str]]:
    """Tasks about the notes of an index; returns them with warnings, as `tasks_of` does."""
    return tasks_of(questions, partial(_read_note, index), collection.passages_of)


def _read_note(index: Index, path: str) -> Note | None:
    limit = index.settings.max_note_bytes
    read = read_file(index.places.corpus, NoteFile(path, Stamp(0, 0)), max_note_bytes=limit)
    return None if isinstance(read, Skipped) else read.note


def _ask_for_excerpts(
    index: Index, collection: Collection, tasks: Sequence[Task], progress: Progress
) -> tuple[list[Outcome], list[str]]:
    """Rank, then answer each question as `ragqa ask` does, and score what it cites."""
    ranked, problems = ask_all(
        collection, tasks, lambda _, *counts: progress("searching", *counts), compose=False
    )

    @cache
    def text_of(path: str) -> str | None:
        note = _read_note(index, path)
        return None if note is None else note.text

    outcomes = []
    with _caching(index, collection.embedder):
        for done, (task, outcome) in enumerate(zip(tasks, ranked, strict=True)):
            progress("asking", done, len(tasks))
            outcomes.append(_scored(task, outcome, _answer(index, task.question), text_of))
    progress("asking", len(tasks), len(tasks))
    return outcomes, problems


@contextmanager
def _caching(index: Index, embedder: CachedEmbedder) -> Iterator[None]:
    """Make the index use the caching embedder."""
    own = index.source
    index.source = replace(own, embedders=Embedders(own.embedders.spec, lambda *_, **__: embedder))
    try:
        yield
    finally:
        index.source = own


def _answer(index: Index, question: str) -> Answer | None:
    """The answer, or None if the question cannot be asked."""
    try:
        return index.ask(question, refresh=False)
    except UsageError:
        return None


def _scored(
    task: Task, outcome: Outcome, answer: Answer | None, text_of: Callable[[str], str | None]
) -> Outcome:
    """The outcome with the answer's confidence, and its citations scored against the gold."""
    answered, hits = False, tuple[Hit, ...]()
    if answer is not None:
        answered, hits = answer.answered, answer.hits
        outcome = replace(
            outcome, confidence=answer.confidence, answered=answered, missing=answer.missing
        )
    cited = answer.citations if answer is not None and answered else ()
    if not task.answerable:
        return replace(outcome, quoted=Quoted(cited, score=None), missed=None)
    score = score_citations(cited, task.gold)
    return replace(
        outcome,
        quoted=Quoted(cited, score, mark(score.chosen, cited, text_of)),
        missed=why_not_good(task, outcome.ranks, score, hits, answered=answered),
    )
