"""Read public question sets: BEIR folders, with their answers."""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ragqa.errors import UsageError
from ragqa.evaluation.rows import count, list_of, read_lines, read_rows, text_of, whole

QRELS = "qrels/test.tsv"
_GRADE = re.compile(r"\s*-?\d{1,9}(?:\.0*)?\s*")


@dataclass(frozen=True, slots=True)
class BeirDocument:
    """A document of a BEIR folder."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class BeirQuery:
    """A query; `answers` are alternatives, () if the set gives none.

    `holders` are the documents that contain its answer, if the set names them.
    """

    id: str
    text: str
    answers: tuple[str, ...] = ()
    answerable: bool = True
    holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Beir:
    """Queries with their judgements; the documents are streamed from `folder`.

    `qrels` has the grade of each judged document by query. `left_out` are the ids of documents
    that are not to be indexed, `held_out` the share and seed that they were drawn with.
    """

    folder: Path
    queries: tuple[BeirQuery, ...]
    qrels: Mapping[str, Mapping[str, int]]
    documents: int
    left_out: frozenset[str] = frozenset()
    held_out: Mapping[str, float] | None = None
    warnings: tuple[str, ...] = ()

    def read_documents(self) -> Iterator[BeirDocument]:
        """Yield each document, in file order, except those left out."""
        for document in read_documents(self.folder):
            if document.id not in self.left_out:
                yield document


def read_beir(folder: Path) -> Beir:
    """Read queries and judgements, and scan the documents for their ids.

    Judgements of missing documents are kept, those of missing queries dropped; both give a warning.

    :raises UsageError: a file is missing or cannot be read; the message names it and the line.
    """
    beir = _read(folder)
    unjudged = [query.id for query in beir.queries if query.id not in beir.qrels]
    return _warned(beir, count(unjudged, "queries without a relevant document, not asked"))


def read_qa(folder: Path) -> Beir:
    """Read a BEIR folder with `answers.jsonl` beside it; raises as `read_beir` does."""
    beir = _read(folder)
    answers = {
        id_: _query_with_answers(id_, row, where)
        for where, id_, row in _rows_by_id(folder / "answers.jsonl", "query")
    }
    queries = []
    for query in beir.queries:
        default = replace(query, answerable=query.id in beir.qrels)
        queries.append(replace(answers.get(query.id, default), text=query.text))
    known = {query.id for query in queries}
    unjudged = [q.id for q in queries if q.answerable and q.id not in beir.qrels]
    return _warned(
        replace(beir, queries=tuple(queries)),
        count(unjudged, "answerable queries without a relevant document, not asked"),
        count([q for q in answers if q not in known], "answers to no query of the set"),
        count([q.id for q in queries if q.id not in answers], "queries without a row of answers"),
        count(
            [q.id for q in queries if q.id in answers and q.answerable and not q.answers],
            "answerable queries without an answer, not counted in answer@n",
        ),
    )


def _query_with_answers(id_: str, row: Mapping[str, Any], where: str) -> BeirQuery:
    texts = [text_of({"answers": a}, "answers", where) for a in list_of(row, "answers", where)]
    holders = row.get("doc") or []
    holders = holders if isinstance(holders, list) else [holders]
    answerable = row.get("answerable", True)
    if not isinstance(answerable, bool):
        raise UsageError(f"{where}: answerable must be true or false, not {answerable!r}")
    return BeirQuery(
        id=id_,
        text="",
        answers=tuple(text for text in texts if text.strip()),
        answerable=answerable,
        holders=tuple(map(str, holders)),
    )


def _rows_by_id(path: Path, what: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each row with its position and its id, which must not repeat."""
    seen: set[str] = set()
    for where, row in read_rows(path):
        id_ = text_of(row, "_id", where)
        if id_ in seen:
            raise UsageError(f"{where}: the {what} {id_!r} appears twice")
        seen.add(id_)
        yield where, id_, row


def _read(folder: Path) -> Beir:
    ids: set[str] = set()
    empty = []
    for document in read_documents(folder):
        ids.add(document.id)
        if not (document.title + document.text).strip():
            empty.append(document.id)
    texts = {
        id_: text_of(row, "text", where)
        for where, id_, row in _rows_by_id(folder / "queries.jsonl", "query")
    }
    qrels = _read_qrels(folder / QRELS)
    judged = {
        query: grades for query, grades in qrels.items() if query in texts and relevant(grades)
    }
    absent = [
        f"{document} for {query}"
        for query, grades in judged.items()
        for document in grades
        if document not in ids
    ]
    beir = Beir(
        folder=folder,
        queries=tuple(BeirQuery(id_, text) for id_, text in texts.items()),
        qrels=judged,
        documents=len(ids),
    )
    return _warned(
        beir,
        count(empty, "documents without text"),
        count([q for q in qrels if q not in texts], "judged queries that do not exist"),
        count(absent, "missing judged documents, counted as not found"),
    )


def _warned(beir: Beir, *warnings: str) -> Beir:
    return replace(beir, warnings=(*beir.warnings, *filter(None, warnings)))


def read_documents(folder: Path) -> Iterator[BeirDocument]:
    """Stream the documents of a BEIR folder.

    :raises UsageError: the file cannot be read, a row is malformed, or an id appears twice.
    """
    for _, id_, row in _rows_by_id(folder / "corpus.jsonl", "document"):
        title, text = row.get("title") or "", row.get("text") or ""
        yield BeirDocument(id_, " ".join(whole(str(title)).split()), whole(str(text)))


def hold_out(beir: Beir, share: float, seed: int) -> Beir:
    """Leave out a random share of the documents that contain answers.

    A question whose relevant documents are all left out becomes unanswerable.
    """
    there = {document.id for document in beir.read_documents()}
    holders = {
        query.id: there & set(query.holders or relevant(beir.qrels.get(query.id, {})))
        for query in beir.queries
        if query.answerable and (query.holders or query.id in beir.qrels)
    }
    holding = sorted(set().union(*holders.values()))
    drawn = random.Random(seed).sample(holding, round(share * len(holding)))  # noqa: S311 - sampling
    left_out = frozenset(drawn)
    lost = {query for query, those in holders.items() if those <= left_out}
    qrels = {
        query: {document: grade for document, grade in grades.items() if document not in left_out}
        for query, grades in beir.qrels.items()
        if query not in lost
    }
    qrels = {query: grades for query, grades in qrels.items() if relevant(grades)}
    queries = tuple(replace(q, answerable=q.answerable and q.id not in lost) for q in beir.queries)
    drawn_of = f"{len(left_out)} of {len(holding)} documents that hold answers"
    remaining = replace(
        beir,
        queries=queries,
        qrels=qrels,
        documents=beir.documents - len(left_out),
        left_out=left_out,
        held_out={"share": share, "seed": seed},
    )
    return _warned(
        remaining,
        f"{drawn_of} are left out (seed {seed}); {len(lost)} questions have no answer now",
    )


def relevant(grades: Mapping[str, int]) -> dict[str, int]:
    """The documents judged relevant, with their grades."""
    return {document: grade for document, grade in grades.items() if grade > 0}


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for place, (number, line) in enumerate(read_lines(path)):
        match line.split("\t"):
            case [query, document, grade] if _GRADE.fullmatch(grade):
                if document in qrels.setdefault(query, {}):
                    raise UsageError(f"{path}, line {number}: {document} is judged twice")
                qrels[query][document] = int(float(grade))
            case [_, _, grade] if place == 0 and grade[:1].isalpha():
                continue
            case _:
                raise UsageError(
                    f"{path}, line {number}: not query, document and grade (a whole number) "
                    "with tabs between"
                )
    return qrels
