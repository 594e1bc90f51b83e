"""Evaluate ragqa on a public set: index its documents, then ask its questions."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from ragqa.config import Settings
from ragqa.errors import UsageError
from ragqa.evaluation.asking import Asking, ask_all
from ragqa.evaluation.collection import Collection, build_collection, note_of
from ragqa.evaluation.excerpts import lines_of
from ragqa.evaluation.sets import Beir, BeirQuery, SpanQuestion, read_chunking, relevant
from ragqa.evaluation.summary import Document, about, summarise
from ragqa.evaluation.tasks import Expected, Task
from ragqa.types import Progress, Span

_EXPECTED = 3
"""At most this many relevant documents are listed as expected."""


def evaluate_beir(
    beir: Beir,
    settings: Settings,
    *,
    answers: bool,
    limit: int | None = None,
    progress: Progress,
) -> Document:
    """Index a set's documents and run its queries; a document ranks as its best passage.

    :param answers: also compose answers, score them against the set's, and ask its unanswerable
        questions.
    :raises UsageError: no question can be asked and scored.
    """
    asked = [q for q in beir.queries if q.id in beir.qrels or (answers and not q.answerable)]
    _check_any(asked, beir.folder)
    notes = (note_of(d.id, d.text or d.title, title=d.title) for d in beir.read_documents())
    with build_collection(notes, beir.documents, settings, progress) as (collection, passages):
        documents = {id_: path for id_, (path, _, _) in passages.items()}
        first = {path: id_ for id_, path in reversed(documents.items())}
        tasks = [
            _document_task(query, beir.qrels.get(query.id, {}), collection, documents, first)
            for query in asked[:limit]
        ]
        outcomes, problems = ask_all(collection, tasks, Asking(compose=answers), progress)
        unfound = collection.snapshot.info.notes - len(first)
        lost = [f"documents without a passage: {unfound}"] if unfound else []
        return {
            "dataset": beir.folder.resolve().name,
            "mode": "qa" if answers else "beir",
            **about(settings, collection.snapshot.info, [*beir.warnings, *lost, *problems]),
            "partial": len(tasks) < len(asked),
            "hold_out": beir.held_out,
            **summarise(outcomes),
        }


def evaluate_chunking(
    folder: Path, settings: Settings, *, limit: int | None = None, progress: Progress
) -> Document:
    """Index a chunking set's documents, and measure how well retrieved passages cover the answers.

    The setting `top_k` says how many passages to retrieve. A passage is relevant if it touches a
    gold span.

    :raises UsageError: the set cannot be read, or no question can be asked and scored.
    """
    texts, questions, warnings = read_chunking(folder)
    _check_any(questions, folder)
    notes = (note_of(name, text) for name, text in texts.items())
    with build_collection(notes, len(texts), settings, progress) as (collection, passages):
        by_path: dict[str, dict[int, Span]] = defaultdict(dict)
        for id_, (path, start, end) in passages.items():
            by_path[path][id_] = start, end
        tasks = [
            _span_task(question, by_path[question.doc], texts.get(question.doc, ""))
            for question in questions[:limit]
        ]
        asking = Asking(passages=settings.top_k)
        outcomes, problems = ask_all(collection, tasks, asking, progress)
        return {
            "dataset": folder.resolve().name,
            "mode": "chunking",
            **about(settings, collection.snapshot.info, [*warnings, *problems]),
            "partial": len(tasks) < len(questions),
            **summarise(outcomes),
        }


def _check_any(questions: Sequence[object], folder: Path) -> None:
    if not questions:
        raise UsageError(f"no question in {folder} can be asked and scored")


def _document_task(
    query: BeirQuery,
    grades: Mapping[str, int],
    collection: Collection,
    documents: Mapping[int, str],
    first: Mapping[str, int],
) -> Task:
    return Task(
        id=query.id,
        question=query.text,
        kind="",
        answerable=query.answerable,
        relevant=relevant(grades),
        units_of=lambda id_: [documents[id_]],
        expect=partial(_best_of, collection, first, grades),
        by_document=True,
        answers=[query.answers] if query.answers and query.answerable else (),
    )


def _best_of(
    collection: Collection, first: Mapping[str, int], grades: Mapping[str, int]
) -> list[Expected]:
    """The first passages of the few documents with the highest grades."""
    best = sorted(relevant(grades).items(), key=lambda item: -item[1])[:_EXPECTED]
    known = [first[document] for document, _ in best if document in first]
    found = {p.path: (p.lines, p.text) for p in collection.snapshot.passages(known)}
    return [
        Expected(document, *found.get(document, ((0, 0), "")), part=document)
        for document, _ in best
    ]


def _span_task(question: SpanQuestion, passages: Mapping[int, Span], text: str) -> Task:
    """The task of a question.

    :param passages: the spans of its document's passages, by id.
    """
    doc = question.doc
    touching = {
        id_: (doc, first, last)
        for id_, (first, last) in passages.items()
        if any(start < last and first < end for start, end in question.spans)
    }
    return Task(
        id=question.id,
        question=question.text,
        kind="",
        answerable=True,
        relevant=dict.fromkeys(map(str, touching), 1) or {"no passage": 1},
        units_of=lambda id_: [str(id_)],
        expect=lambda: [
            Expected(doc, lines_of(text, start, end), text[start:end], f"span {n}")
            for n, (start, end) in enumerate(question.spans, start=1)
        ],
        unretrievable=frozenset({"no passage"}),
        spans=[(doc, start, end) for start, end in question.spans],
        touching=list(touching.values()),
    )
