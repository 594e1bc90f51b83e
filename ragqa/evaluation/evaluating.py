"""Evaluate an index on questions about its notes, and ragqa on a public set."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial

from ragqa.answering import compose
from ragqa.api import Index
from ragqa.api.index import answer_of
from ragqa.config import Loaded, Settings, load_settings
from ragqa.config.files import cache_folder
from ragqa.config.settings import Value
from ragqa.errors import UsageError
from ragqa.evaluation.asking import ask_all
from ragqa.evaluation.collection import Collection, build_collection, collection_of, note_of
from ragqa.evaluation.sets import Beir, Question, read_documents, relevant
from ragqa.evaluation.summary import Document, about, summarise
from ragqa.evaluation.tasks import Expected, Task, tasks_of
from ragqa.notes import read_note as read_file
from ragqa.search.question import Question as Read
from ragqa.types import Answer, Hit, Note, NoteFile, Progress, Skipped, Stamp

# Changing these changes the passages or their embeddings.
_REBUILDING = ("embedder", "passage_tokens", "max_note_bytes")

_EXPECTED = 3
"""At most this many relevant documents are listed as expected."""


def settings_with(settings: Mapping[str, Value], given: Mapping[str, Value | None]) -> Loaded:
    """Load the settings to open an index with: the user's index if these settings fit it.

    Settings that change passages or embeddings get an index in the cache folder instead, so that
    an experiment never rebuilds the user's.

    :param given: the locations of notes and index, from the command line.
    :raises UsageError: an index is named that does not fit these settings.
    :raises RagqaError: as `load_settings` does.
    """
    remade = {name: settings[name] for name in _REBUILDING if name in settings}
    if given.get("index") is not None and remade:
        raise UsageError(
            f"{' and '.join(remade)} would need another index than the one that --index names",
            hint="leave --index out: the experiment then gets its own index",
        )
    own: dict[str, Value] = {}
    if remade:
        places = load_settings({"corpus": given.get("corpus")}).places
        key = repr((str(places.corpus), sorted(remade.items()))).encode("utf-8", "surrogateescape")
        name = hashlib.blake2b(key, digest_size=8).hexdigest()
        own = {"index": str(cache_folder() / "evaluation" / f"index-{name}"), "store": "local"}
    return load_settings({**settings, **given, **own})


def evaluate_questions(
    index: Index,
    questions: Sequence[Question],
    progress: Progress,
    *,
    name: str,
    half: str = "",
    limit: int | None = None,
) -> Document:
    """Refresh an index, ask it questions about its notes as `ragqa ask` does, and measure that.

    Answers are compared with the gold excerpts of questions that have such, and otherwise with
    their short answers.

    :param name: of the questions, to report.
    :param half: that was chosen of them, to report.
    :param limit: how many to ask, the first ones.
    :raises RagqaError: as `Index.refresh` does.
    """
    report = index.refresh(progress=progress)
    collection = collection_of(index)
    tasks, warnings = tasks_of(
        questions[:limit], partial(_read_note, index), collection.passages_of
    )
    outcomes, problems = ask_all(
        collection, tasks, progress, lambda question, _: index.ask(question.typed, refresh=False)
    )
    skipped = [f"skipped {one.path}: {one.reason}" for one in report.skipped if not one.is_left_out]
    return {
        "dataset": name,
        "mode": "excerpts" if questions[0].excerpts else "questions",
        "half": half,
        **about(index.settings, collection.snapshot.info, [*skipped, *warnings, *problems]),
        "partial": len(tasks) < len(questions),
        **summarise(outcomes),
    }


def _read_note(index: Index, path: str) -> Note | None:
    limit = index.settings.max_note_bytes
    read = read_file(index.places.corpus, NoteFile(path, Stamp(0, 0)), max_note_bytes=limit)
    return None if isinstance(read, Skipped) else read.note


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
    notes = (note_of(d.id, d.text or d.title, title=d.title) for d in read_documents(beir.folder))
    built = build_collection(beir.folder, notes, beir.documents, settings, progress)
    with built as (collection, documents):
        info = collection.snapshot.info
        first = {path: id_ for id_, path in reversed(documents.items())}
        tasks = [
            Task(
                id=query.id,
                question=query.text,
                kind="",
                answerable=query.answerable,
                relevant=(grades := relevant(beir.qrels.get(query.id, {}))),
                units_of=lambda id_: [documents[id_]],
                expect=partial(_best_of, collection, first, grades),
                by_document=True,
                answers=[query.answers] if query.answers and query.answerable else (),
            )
            for query in asked[:limit]
        ]

        def answer_from(question: Read, hits: tuple[Hit, ...]) -> Answer:
            composed = compose(question, hits, collection.embedder, collection.answering)
            return answer_of(question, hits[: settings.top_k], composed, info)

        outcomes, problems = ask_all(collection, tasks, progress, answer_from if answers else None)
        unfound = info.notes - len(first)
        lost = [f"documents without a passage: {unfound}"] if unfound else []
        return {
            "dataset": beir.folder.resolve().name,
            "mode": "qa" if answers else "beir",
            **about(settings, info, [*beir.warnings, *lost, *problems]),
            "partial": len(tasks) < len(asked),
            **summarise(outcomes),
        }


def _best_of(
    collection: Collection, first: Mapping[str, int], grades: Mapping[str, int]
) -> list[Expected]:
    """The first passages of the few documents with the highest grades."""
    best = sorted(grades, key=lambda document: -grades[document])[:_EXPECTED]
    known = [first[document] for document in best if document in first]
    found = {p.path: (p.lines, p.text) for p in collection.snapshot.passages(known)}
    return [
        Expected(document, *found.get(document, ((0, 0), "")), part=document) for document in best
    ]
