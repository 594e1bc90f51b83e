"""Evaluate ragqa on a public set: index its documents, then ask its questions."""

from collections.abc import Mapping
from functools import partial

from ragqa.config import Settings
from ragqa.errors import UsageError
from ragqa.evaluation.asking import ask_all
from ragqa.evaluation.collection import Collection, build_collection, note_of
from ragqa.evaluation.sets import Beir, relevant
from ragqa.evaluation.summary import Document, about, summarise
from ragqa.evaluation.tasks import Expected, Task
from ragqa.types import Progress

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
    if not asked:
        raise UsageError(f"no question in {beir.folder} can be asked and scored")
    notes = (note_of(d.id, d.text or d.title, title=d.title) for d in beir.read_documents())
    with build_collection(notes, beir.documents, settings, progress) as (collection, documents):
        first = {path: id_ for id_, path in reversed(documents.items())}
        tasks = []
        for query in asked[:limit]:
            grades = beir.qrels.get(query.id, {})
            tasks.append(
                Task(
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
            )
        outcomes, problems = ask_all(collection, tasks, progress, compose=answers)
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
