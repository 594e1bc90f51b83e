"""Read public question sets: BEIR folders, with their answers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import msgspec

from ragqa.errors import UsageError
from ragqa.evaluation.rows import read_lines, read_rows

QRELS = "qrels/test.tsv"
_GRADE = re.compile(r"\s*-?\d{1,9}(?:\.0*)?\s*")
_NAMED = 3


@dataclass(frozen=True, slots=True)
class BeirDocument:
    """A document of a BEIR folder."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class BeirQuery:
    """A query; `answers` are alternatives, () if the set gives none."""

    id: str
    text: str
    answers: tuple[str, ...] = ()
    answerable: bool = True


@dataclass(frozen=True, slots=True)
class Beir:
    """Queries with their judgements; the documents are streamed from `folder`.

    `qrels` has the grade of each judged document by query.
    """

    folder: Path
    queries: tuple[BeirQuery, ...]
    qrels: Mapping[str, Mapping[str, int]]
    documents: int
    warnings: tuple[str, ...] = ()

    def read_documents(self) -> Iterator[BeirDocument]:
        """Yield each document, in file order."""
        return read_documents(self.folder)


class _Row(msgspec.Struct):
    id: str | int = msgspec.field(name="_id")


R = TypeVar("R", bound=_Row)


class _Document(_Row):
    title: str | int | None = None
    text: str | int | None = None


class _Query(_Row):
    text: str | int


class _Answers(_Row):
    answers: list[str | int] | None = None
    answerable: bool = True


def read_beir(folder: Path) -> Beir:
    """Read queries and judgements, and scan the documents for their ids.

    Judgements of missing documents are kept, those of missing queries dropped; both give a warning.

    :raises UsageError: a file is missing or cannot be read; the message names it and the line.
    """
    beir = _read(folder)
    unjudged = [query.id for query in beir.queries if query.id not in beir.qrels]
    return _warned(beir, {"queries without a relevant document, not asked": unjudged})


def read_qa(folder: Path) -> Beir:
    """Read a BEIR folder with `answers.jsonl` beside it; raises as `read_beir` does."""
    beir = _read(folder)
    rows = dict(_rows_by_id(folder / "answers.jsonl", _Answers, "answers"))
    queries = []
    for query in beir.queries:
        row = rows.get(query.id)
        texts = [_text(answer) for answer in (row.answers if row else None) or ()]
        queries.append(
            replace(
                query,
                answers=tuple(text for text in texts if text.strip()),
                answerable=row.answerable if row else query.id in beir.qrels,
            )
        )
    answerable = [query for query in queries if query.answerable]
    return _warned(
        replace(beir, queries=tuple(queries)),
        {
            "answerable queries without a relevant document, not asked": [
                query.id for query in answerable if query.id not in beir.qrels
            ],
            "answerable queries without an answer, not measured by it": [
                query.id for query in answerable if not query.answers
            ],
        },
    )


def read_documents(folder: Path) -> Iterator[BeirDocument]:
    """Stream the documents of a BEIR folder.

    :raises UsageError: the file cannot be read, a row is malformed, or an id appears twice.
    """
    for id_, row in _rows_by_id(folder / "corpus.jsonl", _Document, "a document"):
        yield BeirDocument(id_, " ".join(_text(row.title).split()), _text(row.text))


def relevant(grades: Mapping[str, int]) -> dict[str, int]:
    """The documents judged relevant, with their grades."""
    return {document: grade for document, grade in grades.items() if grade > 0}


def _read(folder: Path) -> Beir:
    ids = {document.id for document in read_documents(folder)}
    rows = _rows_by_id(folder / "queries.jsonl", _Query, "a query")
    texts = {id_: _text(row.text) for id_, row in rows}
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
    queries = tuple(BeirQuery(id_, text) for id_, text in texts.items())
    return _warned(
        Beir(folder, queries, judged, len(ids)),
        {
            "judged queries that do not exist": [q for q in qrels if q not in texts],
            "missing judged documents, counted as not found": absent,
        },
    )


def _rows_by_id(path: Path, kind: type[R], what: str) -> Iterator[tuple[str, R]]:
    """Yield each row with its id, which must not repeat."""
    seen: set[str] = set()
    for where, row in read_rows(path, kind, what=what):
        id_ = _text(row.id)
        if id_ in seen:
            raise UsageError(f"{where}: the id {id_!r} appears twice")
        seen.add(id_)
        yield id_, row


def _text(value: str | int | None) -> str:
    """The text of a value, without lone surrogates, which JSON can hold but a UTF-8 file cannot."""
    return "" if value is None else str(value).encode("utf-8", "replace").decode("utf-8")


def _warned(beir: Beir, about: Mapping[str, Sequence[str]]) -> Beir:
    """Add a warning `what: 5 (a, b, c and more)` for each that has ids."""
    more = [
        f"{what}: {len(ids)} ({', '.join(ids[:_NAMED])}{' and more' * (len(ids) > _NAMED)})"
        for what, ids in about.items()
        if ids
    ]
    return replace(beir, warnings=(*beir.warnings, *more))


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
