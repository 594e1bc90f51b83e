"""Public question sets as they lie on disk: BEIR folders, their answers, and chunking sets."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ragqa.errors import UsageError

QRELS = "qrels/test.tsv"
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a BEIR folder."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """A query; `answers` are texts of which any one answers it, () where the set gives none."""

    id: str
    text: str
    answers: tuple[str, ...] = ()
    answerable: bool = True


@dataclass(frozen=True, slots=True)
class Beir:
    """Queries with their judgements; the documents are read from `folder` as a stream.

    `qrels` has the grade of each judged document by query. `left_out` are the ids of documents
    that are not to be indexed.
    """

    folder: Path
    queries: tuple[Query, ...]
    qrels: Mapping[str, Mapping[str, int]]
    documents: int
    left_out: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()

    def read_documents(self) -> Iterator[Document]:
        """Each document once, in the order of the file, without those left out."""
        for document in read_documents(self.folder):
            if document.id not in self.left_out:
                yield document


@dataclass(frozen=True, slots=True)
class SpanQuestion:
    """A question of a chunking set; `spans` are characters of the document `doc`."""

    id: str
    text: str
    doc: str
    spans: tuple[tuple[int, int], ...]


def read_beir(folder: Path) -> Beir:
    """Read queries and judgements; the documents are only looked through for their ids.

    A judgement of a document or query that is not there is kept, and said in a warning.

    :raises UsageError: a file is missing or cannot be read; the message names it and the line.
    """
    ids: set[str] = set()
    empty = []
    for document in read_documents(folder):
        ids.add(document.id)
        if not (document.title + document.text).strip():
            empty.append(document.id)
    texts = {_text(row, "_id"): _text(row, "text") for row in _rows(folder / "queries.jsonl")}
    qrels = _read_qrels(folder / QRELS)
    judged = {
        query: grades
        for query, grades in qrels.items()
        if query in texts and any(grade > 0 for grade in grades.values())
    }
    lost = [q for q in qrels if q not in texts]
    absent = [
        f"{document} (query {query})"
        for query, grades in judged.items()
        for document, grade in grades.items()
        if document not in ids and grade > 0
    ]
    problems = (
        _count(empty, "documents hold no text"),
        _count([q for q in texts if q not in judged], "queries have no relevant document judged"),
        _count(lost, "judged queries are not in queries.jsonl and cannot be asked"),
        _count(absent, "judged documents are not in corpus.jsonl; they count as not found"),
    )
    return Beir(
        folder=folder,
        queries=tuple(Query(id_, text) for id_, text in texts.items()),
        qrels=judged,
        documents=len(ids),
        warnings=tuple(problem for problem in problems if problem),
    )


def read_documents(folder: Path) -> Iterator[Document]:
    """Each document of a BEIR folder as it is read.

    :raises UsageError: the file cannot be read, a row is none, or an id stands twice.
    """
    path = folder / "corpus.jsonl"
    seen: set[str] = set()
    for row in _rows(path):
        id_ = _text(row, "_id")
        if id_ in seen:
            raise UsageError(f"{path}: the document {id_!r} stands twice")
        seen.add(id_)
        title, text = row.get("title") or "", row.get("text") or ""
        yield Document(id_, " ".join(str(title).split()), str(text))


def read_qa(folder: Path) -> Beir:
    """Read a BEIR folder with `answers.jsonl` beside it; raises as `read_beir` does."""
    beir = read_beir(folder)
    answers: dict[str, tuple[tuple[str, ...], bool]] = {}
    for row in _rows(folder / "answers.jsonl"):
        texts = tuple(str(answer) for answer in row.get("answers") or ())
        answers[_text(row, "_id")] = texts, bool(row.get("answerable", True))
    known = {query.id for query in beir.queries}
    queries = []
    for query in beir.queries:
        texts, answerable = answers.get(query.id, ((), query.id in beir.qrels))
        queries.append(replace(query, answers=texts, answerable=answerable))
    problems = (
        _count([q for q in answers if q not in known], "answers are to no query of the set"),
        _count([q for q in known if q not in answers], "queries have no row in answers.jsonl"),
    )
    warnings = beir.warnings + tuple(problem for problem in problems if problem)
    return replace(beir, queries=tuple(queries), warnings=warnings)


def hold_out(beir: Beir, share: float, seed: int) -> Beir:
    """Leave out a share of the documents that hold answers, drawn at random.

    A question whose relevant documents are all left out counts as one that is not answered.
    """
    holding = sorted(
        {d for grades in beir.qrels.values() for d, grade in grades.items() if grade > 0}
    )
    drawn = random.Random(seed).sample(holding, round(share * len(holding)))  # noqa: S311 - sampling
    left_out = frozenset(drawn)
    qrels = {}
    for query, grades in beir.qrels.items():
        kept = {d: grade for d, grade in grades.items() if d not in left_out}
        if any(grade > 0 for grade in kept.values()):
            qrels[query] = kept
    queries = tuple(
        replace(query, answerable=query.answerable and query.id in qrels) for query in beir.queries
    )
    lost = len(beir.qrels) - len(qrels)
    said = (
        f"{len(left_out)} of {len(holding)} documents that hold answers are left out (seed {seed})"
    )
    return replace(
        beir,
        queries=queries,
        qrels=qrels,
        documents=beir.documents - len(left_out),
        left_out=left_out,
        warnings=(*beir.warnings, f"{said}; {lost} questions have no answer now"),
    )


def read_chunking(folder: Path) -> tuple[dict[str, str], list[SpanQuestion], tuple[str, ...]]:
    """Read the documents by name, the questions, and warnings, of a chunking set.

    :raises UsageError: a file is missing or cannot be read; the message names it.
    """
    documents = {}
    try:
        for path in sorted((folder / "docs").iterdir()):
            documents[path.name] = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"the documents in {folder / 'docs'} cannot be read: {exc}") from exc
    questions, absent, outside = [], [], []
    for number, row in enumerate(_rows(folder / "questions.jsonl"), start=1):
        id_ = str(row.get("_id", number))
        doc = _text(row, "doc")
        spans = tuple((int(start), int(end)) for start, end in row.get("spans") or ())
        size = len(documents.get(doc, ""))
        if doc not in documents:
            absent.append(id_)
        elif not all(0 <= start < end <= size for start, end in spans):
            outside.append(id_)
        questions.append(SpanQuestion(id_, _text(row, "question"), doc, spans))
    problems = (
        _count(absent, "questions are about documents that are not there; they count as missed"),
        _count(outside, "questions have spans outside of their document"),
        _count([q.id for q in questions if not q.spans], "questions have no spans; left out"),
    )
    return documents, [q for q in questions if q.spans], tuple(p for p in problems if p)


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(_lines(path), start=1):
        cells = line.split("\t")
        if number == 1 and not _is_number(cells[-1]):
            continue
        if len(cells) != len(("query", "document", "grade")) or not _is_number(cells[-1]):
            raise UsageError(
                f"{path}, line {number}: not query, document and grade with tabs between"
            )
        query, document, grade = cells
        qrels.setdefault(query, {})[document] = int(float(grade))
    return qrels


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_lines(path), start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as exc:
            raise UsageError(f"{path}, line {number} is not JSON: {exc}") from exc
        if not isinstance(row, dict):
            raise UsageError(f"{path}, line {number} is not a JSON object")
        yield row


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as lines:
            for line in lines:
                if line.strip():
                    yield line.rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise UsageError(
            f"{path} cannot be read: {reason}",
            hint="the layouts that ragqa eval reads: ragqa eval --help",
        ) from exc


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str | int):
        raise UsageError(f"a row has no {key!r}: {json.dumps(row)[:80]}")
    return str(value)


def _count(which: Sequence[str], what: str) -> str:
    """`3 queries have …: a, b, c and more`; "" where there are none."""
    if not which:
        return ""
    named = ", ".join(which[:_NAMED])
    return f"{len(which)} {what}: {named}{' and more' if len(which) > _NAMED else ''}"
