"""Evaluate an index on questions about its notes, or ragqa on a public set."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ragqa.answering import Answering
from ragqa.api import Index
from ragqa.config import Loaded, Settings, load_settings
from ragqa.config.setting import Value
from ragqa.embedders import embedder_for
from ragqa.embedders.cache import cache_folder
from ragqa.errors import UsageError
from ragqa.evaluation.asking import Asking, ask_all
from ragqa.evaluation.cache import CachedEmbedder
from ragqa.evaluation.chunking_sets import SpanQuestion, read_chunking
from ragqa.evaluation.collection import Collection, Stretch, build_collection, note_of
from ragqa.evaluation.gold import tasks_of
from ragqa.evaluation.questions import Question
from ragqa.evaluation.sets import Beir, relevant
from ragqa.evaluation.summary import Document, summarise
from ragqa.evaluation.tasks import Expected, Task
from ragqa.indexing import Embedders, Source, find_changes
from ragqa.notes import parse_note, read_text
from ragqa.notes import read_note as read_file
from ragqa.passages import Chunking
from ragqa.readers import prepared
from ragqa.retrieval import Ranking
from ragqa.types import IndexReport, Note, Progress, Skipped

MEASURED = (
    "embedder",
    "embedder_scripts",
    "passage_tokens",
    "max_note_bytes",
    "reader",
    "candidates",
    "dense_weight",
    "top_k",
)
"""The settings that affect an evaluation, and that it reports."""

_EXPECTED = 3
"""At most this many relevant documents are listed as expected."""

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


def evaluate_questions(
    index: Index,
    questions: Sequence[Question],
    *,
    name: str,
    half: str = "",
    limit: int | None = None,
    progress: Progress,
) -> Document:
    """Refresh an index, ask it questions about its notes, and measure the results.

    :param half: the half of a file that these questions are; only reported.
    :raises RagqaError: as `Index.refresh` does.
    """
    report = index.refresh(progress=progress)
    with CachedEmbedder.open(index.source.embedders) as embedder:
        collection = Collection.of(index, embedder)
        tasks, warnings = tasks_of(
            questions[:limit], partial(read_note, index), collection.passages_of
        )
        confidence = index.confidence
        asking = Asking(compose=True, models=confidence.models)
        outcomes, problems = ask_all(collection, tasks, asking, progress)
    return {
        "dataset": name,
        "mode": "questions",
        "half": half,
        **about_own(index, collection, report, [*warnings, *problems]),
        "partial": len(tasks) < len(questions),
        **summarise(outcomes),
    }


def about_own(
    index: Index, collection: Collection, report: IndexReport, problems: Sequence[str]
) -> Document:
    """The document's fields about the user's index and notes, and the confidence in use.

    :param report: of refreshing the index.
    """
    skipped = [f"skipped {skip.path}: {skip.reason}" for skip in report.skipped]
    confidence = index.confidence
    own = about(index.settings, collection, [*skipped, *problems, *confidence.warnings])
    return {**own, "calibration": confidence.calibration}


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
    with _collection(settings, notes, beir.documents, progress) as (collection, passages):
        documents = {passage.id: passage.path for passage in passages}
        first = {path: id_ for id_, path in reversed(documents.items())}
        tasks = [
            Task(
                id=query.id,
                question=query.text,
                kind="",
                answerable=query.answerable,
                relevant=relevant(beir.qrels.get(query.id, {})),
                units_of=lambda id_: [documents[id_]],
                expect=partial(_best_of, collection, first, beir.qrels.get(query.id, {})),
                by_document=True,
                answers=[query.answers] if query.answers and query.answerable else (),
            )
            for query in asked[:limit]
        ]
        outcomes, problems = ask_all(collection, tasks, Asking(compose=answers), progress)
        unfound = collection.snapshot.info.notes - len(first)
        lost = [f"documents without a passage: {unfound}"] if unfound else []
        return {
            "dataset": beir.folder.resolve().name,
            "mode": "qa" if answers else "beir",
            **about(settings, collection, [*beir.warnings, *lost, *problems]),
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
    with _collection(settings, notes, len(texts), progress) as (collection, passages):
        by_path: dict[str, list[Stretch]] = defaultdict(list)
        for passage in passages:
            by_path[passage.path].append(passage)
        tasks = [_span_task(question, by_path, texts) for question in questions[:limit]]
        asking = Asking(passages=settings.top_k)
        outcomes, problems = ask_all(collection, tasks, asking, progress)
        return {
            "dataset": folder.resolve().name,
            "mode": "chunking",
            **about(settings, collection, [*warnings, *problems]),
            "partial": len(tasks) < len(questions),
            **summarise(outcomes),
        }


def read_notes(source: Source, progress: Progress) -> tuple[list[Note], list[str]]:
    """Read the notes of a corpus; returns them, and a warning for each that cannot be read.

    :raises NoCorpus: the corpus does not exist.
    """
    found = find_changes(source, source.walk(), {}, progress=progress)
    limit = source.max_note_bytes
    read = [read_file(source.corpus, file, max_note_bytes=limit) for file in found.added]
    lost = [one for one in read if isinstance(one, Skipped)]
    warnings = [f"skipped {skip.path}: {skip.reason}" for skip in (*found.skipped, *lost)]
    return [one.note for one in read if not isinstance(one, Skipped)], warnings


def read_note(index: Index, path: str) -> Note | None:
    """Read a note by its path; None if it is missing or unreadable."""
    limit = index.settings.max_note_bytes
    read = read_text(index.places.corpus, path, max_note_bytes=limit)
    if isinstance(read, Skipped):
        return None
    return parse_note(path, read.text, read.sha256, read.stamp)


@contextmanager
def _collection(
    settings: Settings, notes: Iterable[Note], total: int, progress: Progress
) -> Iterator[tuple[Collection, list[Stretch]]]:
    embedders = Embedders(settings.embedder, embedder_for)
    with (
        CachedEmbedder.open(embedders) as embedder,
        build_collection(
            notes,
            total,
            embedder,
            ranking=Ranking.of(settings),
            chunking=Chunking.of(settings),
            answering=Answering(
                excerpts=settings.excerpts,
                words=settings.excerpt_words,
                reader=prepared(settings.reader),
            ),
            progress=progress,
        ) as built,
    ):
        yield built


def _check_any(questions: Sequence[object], folder: Path) -> None:
    if not questions:
        raise UsageError(f"no question in {folder} can be asked and scored")


def about(settings: Settings, collection: Collection, warnings: Sequence[str]) -> Document:
    """The document's fields about settings and index, and the warnings."""
    info = collection.snapshot.info
    return {
        "settings": {name: getattr(settings, name) for name in MEASURED},
        "index": {"embedder": info.embedder.name, "notes": info.notes, "passages": info.passages},
        "warnings": list(warnings),
    }


def _best_of(
    collection: Collection, first: Mapping[str, int], grades: Mapping[str, int]
) -> list[Expected]:
    """The first passages of the few documents with the highest grades."""
    best = sorted(relevant(grades).items(), key=lambda item: -item[1])[:_EXPECTED]
    known = [first[document] for document, _ in best if document in first]
    passages = {p.path: p for p in collection.snapshot.passages(known)}
    return [
        Expected(document, passages[document].text, passages[document].lines, document)
        if document in passages
        else Expected(document, "", (0, 0), document)
        for document, _ in best
    ]


def _span_task(
    question: SpanQuestion, by_path: Mapping[str, Sequence[Stretch]], texts: Mapping[str, str]
) -> Task:
    touching = [
        passage
        for passage in by_path.get(question.doc, ())
        if any(start < passage.end and passage.start < end for start, end in question.spans)
    ]
    text = texts.get(question.doc, "")
    relevant = {str(passage.id): 1 for passage in touching} or {"no passage": 1}
    return Task(
        id=question.id,
        question=question.text,
        kind="",
        answerable=True,
        relevant=relevant,
        units_of=lambda id_: [str(id_)],
        expect=lambda: [
            Expected(question.doc, text[start:end], _lines(text, start, end), f"span {n}")
            for n, (start, end) in enumerate(question.spans, start=1)
        ],
        unretrievable=frozenset({"no passage"}),
        spans=[(question.doc, start, end) for start, end in question.spans],
        touching=[(passage.path, passage.start, passage.end) for passage in touching],
    )


def _lines(text: str, start: int, end: int) -> tuple[int, int]:
    return text.count("\n", 0, start) + 1, text.count("\n", 0, max(start, end - 1)) + 1
