"""Measure ragqa on a public set in BEIR layout: how it ranks documents.

    python eval/beir.py DIR --json

The folder has `corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`. A document ranks as its best
passage. Prints what `ragqa eval` prints. `eval/qa.py` measures answers as well.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ragqa.answering import Evidence, compose
from ragqa.api import MIN_POOL
from ragqa.config import Settings, cache_folder, load_settings
from ragqa.embedders import Embedder, embedder_for, here
from ragqa.errors import UsageError
from ragqa.evaluation.asking import (
    Outcome,
    answer_scores,
    rankings_of,
    ranks_of,
    why_missed,
)
from ragqa.evaluation.measures import METHODS, measure_ranking
from ragqa.evaluation.questions import Expected, Task
from ragqa.evaluation.summary import Document, about, summarise
from ragqa.index import Snapshot, Store
from ragqa.index.refresh import Embedding
from ragqa.index.rows import model_of
from ragqa.index.source import Embedders, Source
from ragqa.notes import parse_note
from ragqa.passages import Chunking
from ragqa.render import ProgressLine, print_document, print_warnings
from ragqa.render.evaluations import print_evaluation
from ragqa.rerankers import Reranker, reranker_for
from ragqa.search.question import clean_question, read_question
from ragqa.search.retrieve import retrieve
from ragqa.types import Answer, Corpus, IndexInfo, Note, Progress, no_progress
from ragqa.why import LOOKED_AT

AT_ONCE = 256
EXPECTED = 3
"""At most this many relevant documents are listed as expected."""
NAMED = 3


@dataclass(frozen=True, slots=True)
class PublicDocument:
    """A document of a set."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """A query; `answers` are alternatives, () if the set gives none."""

    id: str
    text: str
    answers: tuple[str, ...] = ()
    answerable: bool = True


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A set; `judged` has the grades of each query's relevant documents."""

    name: str
    documents: Sequence[PublicDocument]
    queries: Sequence[Query]
    judged: Mapping[str, Mapping[str, int]]
    warnings: Sequence[str]


def read_set(folder: Path, *, answers: bool = False) -> PublicSet:
    """Read a set; what does not fit together is told in its warnings.

    :param answers: also read the answers in `answers.jsonl`, and which queries are answerable.
    """
    documents = [
        PublicDocument(id_, " ".join(_text(row.get("title")).split()), _text(row.get("text")))
        for id_, row in _rows(folder / "corpus.jsonl")
    ]
    texts = {id_: _text(row["text"]) for id_, row in _rows(folder / "queries.jsonl")}
    qrels = _read_qrels(folder / "qrels" / "test.tsv")
    judged = {id_: good for id_, good in qrels.items() if id_ in texts and good}
    given = dict(_rows(folder / "answers.jsonl")) if answers else {}
    queries = [
        Query(
            id_,
            text,
            tuple(filter(str.strip, map(_text, given.get(id_, {}).get("answers") or ()))),
            given[id_].get("answerable", True) if id_ in given else id_ in judged or not answers,
        )
        for id_, text in texts.items()
    ]
    there = {document.id for document in documents}
    answerable = [query for query in queries if query.answerable]
    told = {
        "judged queries that do not exist": [id_ for id_ in qrels if id_ not in texts],
        "missing judged documents, counted as not found": [
            f"{document} for {id_}"
            for id_, grades in judged.items()
            for document in grades
            if document not in there
        ],
        "queries without a relevant document, not asked": [
            query.id for query in answerable if query.id not in judged
        ],
        "answerable queries without an answer, not measured by it": [
            query.id for query in answerable if answers and not query.answers
        ],
    }
    warnings = [
        f"{what}: {len(ids)} ({', '.join(ids[:NAMED])}{' and more' * (len(ids) > NAMED)})"
        for what, ids in told.items()
        if ids
    ]
    return PublicSet(folder.resolve().name, documents, queries, judged, warnings)


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each row of a file with its id."""
    with path.open(encoding="utf-8-sig", newline="\n") as lines:
        for row in map(json.loads, filter(str.strip, lines)):
            yield _text(row["_id"]), row


def _text(value: str | int | None) -> str:
    """The text of a value, without lone surrogates, which JSON can hold but a UTF-8 file cannot."""
    return "" if value is None else str(value).encode("utf-8", "replace").decode("utf-8")


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """The grades above zero by query; the first line may be a header."""
    qrels: dict[str, dict[str, int]] = {}
    for line in path.read_text(encoding="utf-8-sig").splitlines():
        query, document, grade = line.split("\t")
        if grade.strip()[-1:].isdigit():
            grades = qrels.setdefault(query, {})
            grades |= {document: int(float(grade))} if float(grade) > 0 else {}
    return qrels


def evaluate(
    public: PublicSet,
    folder: Path,
    settings: Settings,
    *,
    answers: bool,
    limit: int | None,
    progress: Progress,
) -> Document:
    """Index a set's documents and run its queries.

    :param answers: also compose answers, score them against the set's, and ask its unanswerable
        questions.
    """
    asked = [q for q in public.queries if q.id in public.judged or (answers and not q.answerable)]
    if not asked:
        raise UsageError(f"no question in {folder} can be asked and scored")
    reranker = reranker_for(settings.reranker)
    with collection_of(public.documents, folder, settings, progress) as (collection, documents):
        info = collection.snapshot.info
        first = {path: id_ for id_, path in reversed(documents.items())}
        outcomes: list[Outcome] = []
        warnings: list[str] = []
        for done, query in enumerate(asked[:limit]):
            progress("asking", done, len(asked[:limit]))
            grades = public.judged.get(query.id, {})
            task = Task(
                id=query.id,
                question=query.text,
                kind="",
                answerable=query.answerable,
                relevant=grades,
                units_of=lambda id_: [documents[id_]],
                expected=_best_of(collection, first, grades),
                answers=[query.answers] if query.answers and query.answerable else (),
            )
            try:
                outcomes.append(
                    ask(collection, task, documents, settings, reranker if answers else None)
                )
            except UsageError as exc:
                warnings.append(f"question {query.id} is left out: {exc.message}")
        unfound = info.notes - len(first)
        lost = [f"documents without a passage: {unfound}"] if unfound else []
        return {
            "dataset": public.name,
            "mode": "qa" if answers else "beir",
            **about(settings, info, [*public.warnings, *lost, *warnings]),
            "partial": len(asked[:limit]) < len(asked),
            **summarise(outcomes),
        }


class Collection(NamedTuple):
    """An open snapshot, and the embedder that it is queried with."""

    snapshot: Snapshot
    embedder: Embedder


def ask(
    collection: Collection,
    task: Task,
    documents: Mapping[int, str],
    settings: Settings,
    reranker: Reranker | None,
) -> Outcome:
    """Ask a question and measure what is found.

    :param documents: the document of each passage.
    :param reranker: reads the passages for an answer; None to measure rankings alone.
    :raises UsageError: it is no question.
    """
    snapshot, embedder = collection.snapshot, collection.embedder
    question = read_question(snapshot, embedder, clean_question(task.question))
    retrieved = retrieve(snapshot, question, MIN_POOL)
    rankings = {
        method: list(dict.fromkeys(documents[id_] for id_ in found))
        for method, found in rankings_of(retrieved).items()
    }
    answer: Answer | None = None
    if reranker:
        evidence = Evidence.of_passages(retrieved.hits)
        composed = compose(question, evidence, embedder, snapshot.info, reranker=reranker)
        answer = replace(composed, hits=retrieved.hits[: settings.top_k])
    scores = answer_scores(task, answer) if reranker else {}
    judged = rankings if task.relevant else {}
    measures = {name: measure_ranking(task.relevant, found) for name, found in judged.items()}
    ranks = ranks_of(task, rankings)
    # One relevant document is enough.
    is_found = any(rank is not None and rank <= LOOKED_AT for rank in ranks["hybrid"])
    lost = dict.fromkeys(METHODS, ()) if is_found else ranks
    answered = answer is not None and answer.answered
    missed = why_missed(task, lost, scores, retrieved.hits, answered=answered)
    return Outcome(task, measures, ranks, scores, missed, answer)


def _best_of(
    collection: Collection, first: Mapping[str, int], grades: Mapping[str, int]
) -> list[Expected]:
    """The first passages of the few documents with the highest grades."""
    best = sorted(grades, key=lambda document: -grades[document])[:EXPECTED]
    known = [first[document] for document in best if document in first]
    texts = {p.path: (p.lines, p.text) for p in collection.snapshot.passages(known)}
    return [
        Expected(document, *texts.get(document, ((0, 0), "")), part=document) for document in best
    ]


@contextmanager
def collection_of(
    documents: Sequence[PublicDocument], folder: Path, settings: Settings, progress: Progress
) -> Iterator[tuple[Collection, dict[int, str]]]:
    """Index documents as ragqa does notes, in the cache folder, with each passage's document by id.

    Passages that the index had before are not embedded again.

    :param folder: of the set; its index is found by this name the next time.
    """
    embedders = Embedders(settings.embedder, embedder_for)
    key = repr((str(folder.resolve()), settings.embedder)).encode("utf-8", "surrogatepass")
    name = hashlib.blake2b(key, digest_size=8).hexdigest()
    place = cache_folder() / "evaluation" / f"set-{name}"
    source = Source(Corpus.of(folder), place, embedders, Chunking.of(settings), max_note_bytes=0)
    store = Store(place)
    document_of: dict[int, str] = {}
    made = IndexInfo(
        generation=0,
        embedder=embedders.asking.info,
        dtype="float32",
        canary=(),
        chunking=source.chunking.as_mapping(),
        notes=0,
        passages=0,
        corpus="",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    with (
        store.writer(fresh=True, wait=True) as writer,
        here(embedders.building, no_progress) as embed_parts,
    ):
        writer.model = model_of(made)
        embedding = Embedding(writer, embedders.building, 0, no_progress)
        for done in range(0, len(documents), AT_ONCE):
            progress("indexing", done, len(documents))
            notes = [
                source.split(_note(document), embedders.asking)
                for document in documents[done : done + AT_ONCE]
            ]
            embedding.add([(note.record, passages) for note, passages in notes], 0, embed_parts)
            document_of |= {p.id: p.path for _, passages in notes for p in passages}
        progress("indexing", len(documents), len(documents))
        writer.commit(replace(made, languages=embedding.languages))
    with store.snapshot() as snapshot:
        yield Collection(snapshot, embedders.asking), document_of


def _note(document: PublicDocument) -> Note:
    """A document as a note; its title is used even if it is empty."""
    # It has no front matter: a line of dashes is text.
    text = f"\n{document.text or document.title}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    return replace(parse_note(document.id, text), sha256=digest, title=document.title)


def main(*, answers: bool = False) -> None:
    """Measure a set and print what was measured."""
    parser = argparse.ArgumentParser(description="Measure ragqa on a public set in BEIR layout.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, help="ask the first N questions alone")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args()
    public = read_set(given.folder, answers=answers)
    with ProgressLine() as progress:
        document = evaluate(
            public,
            given.folder,
            load_settings({}).settings,
            answers=answers,
            limit=given.limit,
            progress=progress,
        )
    if given.json:
        print_document(document)
    else:
        print_evaluation(document)
    print_warnings(document["warnings"])


if __name__ == "__main__":
    main()
