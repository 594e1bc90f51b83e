"""Evaluate an index on questions about its notes, and ragqa on a public set."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from ragqa.answering import Answering, compose
from ragqa.api import Index
from ragqa.config import Settings
from ragqa.config.files import cache_folder
from ragqa.embedders import embedder_for
from ragqa.errors import UsageError
from ragqa.evaluation.asking import Collection, ask_all, split_passages
from ragqa.evaluation.measures import Expected, Task, tasks_of
from ragqa.evaluation.sets import Beir, GoldQuestion, read_documents, relevant
from ragqa.evaluation.summary import Document, about, summarise
from ragqa.indexing.source import Embedders
from ragqa.notes import parse_note
from ragqa.notes import read_note as read_file
from ragqa.passages import Chunking
from ragqa.passages.language import add_pieces
from ragqa.readers import reader_for
from ragqa.search.question import Question
from ragqa.search.retrieve import Ranking
from ragqa.stores import IndexWriter, open_store
from ragqa.stores.rows import model_of
from ragqa.types import (
    Answer,
    Hit,
    IndexInfo,
    Note,
    NoteFile,
    Passage,
    Pieces,
    Progress,
    Skipped,
    Stamp,
    by_kind,
)

_EXPECTED = 3
"""At most this many relevant documents are listed as expected."""


def evaluate_questions(
    index: Index,
    questions: Sequence[GoldQuestion],
    progress: Progress,
    *,
    name: str,
    half: str = "",
    limit: int | None = None,
) -> Document:
    """Refresh an index, ask it questions about its notes as `ragqa ask` does, and measure that.

    Answers are compared with the gold excerpts of questions that have such, and otherwise with
    their short answers.

    :param name: of the file of questions, for the report.
    :param half: which half of them was chosen, for the report.
    :param limit: how many to ask, the first ones.
    :raises RagqaError: as `Index.refresh` does.
    """
    report = index.refresh(progress=progress)
    reader_for(index.settings.reader)
    chunking, embedder = index.source.chunking, index.source.embedders.asking
    collection = Collection(index.snapshot(), embedder, index.ranking)
    split = partial(split_passages, embedder=embedder, chunking=chunking)
    tasks, warnings = tasks_of(questions[:limit], partial(_read_note, index), split)
    outcomes, problems = ask_all(
        collection, tasks, progress, lambda question, _: index.ask(question.typed, refresh=False)
    )
    skipped = [f"skipped {line}" for line in by_kind(report.unread)]
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
    reader = reader_for(settings.reader)
    answering = Answering(excerpts=settings.excerpts, words=settings.excerpt_words, reader=reader)
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

        def answer_from(question: Question, hits: tuple[Hit, ...]) -> Answer:
            answer = compose(question, hits, collection.embedder, answering, info)
            return replace(answer, hits=hits[: settings.top_k])

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
    texts = {p.path: (p.lines, p.text) for p in collection.snapshot.passages(known)}
    return [
        Expected(document, *texts.get(document, ((0, 0), "")), part=document) for document in best
    ]


_NOTES_AT_ONCE = 256
_DTYPE = "float32"


@contextmanager
def build_collection(
    folder: Path, notes: Iterable[Note], total: int, settings: Settings, progress: Progress
) -> Iterator[tuple[Collection, dict[int, str]]]:
    """Index the notes of a set as ragqa does, in the cache folder.

    Yields the collection, and the path of each passage by id. Notes are read in batches. Passages
    that the index had before are not embedded again.

    :param folder: of the set; its index is found by this name the next time.
    :raises IndexUnusable: the index cannot be written or read; the message names it.
    """
    ranking, chunking = Ranking.of(settings), Chunking.of(settings)
    embedders = Embedders(settings.embedder, embedder_for)
    embedder = embedders.asking
    key = repr((str(folder.resolve()), settings.embedder)).encode("utf-8", "surrogatepass")
    name = hashlib.blake2b(key, digest_size=8).hexdigest()
    place = cache_folder() / "evaluation" / f"set-{name}"
    store = open_store(place)
    paths: dict[int, str] = {}
    languages: dict[str, Pieces] = {}
    stream, done = iter(notes), 0
    made = IndexInfo(
        generation=0,
        embedder=embedder.info,
        dtype=_DTYPE,
        canary=(),
        chunking=chunking.as_mapping(),
        notes=0,
        passages=0,
        corpus="",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    with store.writer(fresh=True, wait=True) as writer:
        writer.model = model_of(made)
        while some := list(islice(stream, _NOTES_AT_ONCE)):
            progress("indexing", done, total)
            split = [split_passages(note, embedder, chunking) for note in some]
            passages = [passage for each in split for passage in each]
            for note, own in zip(some, split, strict=True):
                writer.add(note, settled=True, passages=own)
            _embed(passages, embedders, writer)
            add_pieces(languages, passages, embedder.pieces)
            paths |= {passage.id: passage.path for passage in passages}
            done += len(some)
        progress("indexing", done, total)
        writer.commit(replace(made, languages=languages))
    with store.snapshot() as snapshot:
        yield Collection(snapshot, embedder, ranking), paths


def _embed(passages: Iterable[Passage], embedders: Embedders, writer: IndexWriter) -> None:
    """Embed the passages of which there is no embedding yet."""
    by_key = {passage.embedding_key: passage for passage in passages}
    known = writer.vectors(by_key)
    # Sort by length, as a batch is as slow as its longest text.
    missing = [passage for key, passage in by_key.items() if key not in known]
    missing.sort(key=lambda passage: -len(passage.embedded_text))
    if missing:
        texts = [passage.embedded_text for passage in missing]
        writer.save(missing, embedders.building.embed_passages(texts))


def note_of(path: str, text: str, *, title: str | None = None) -> Note:
    """A document of a set as a note; a given title is used even if it is empty.

    The path need not be a file's: without a plain-text suffix the text is read as Markdown.
    """
    # A document with a title has no front matter: a line of dashes is text.
    text = text if title is None else f"\n{text}"
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    note = parse_note(path, text, digest, Stamp(len(text), 0))
    return note if title is None else replace(note, title=title)
