"""Public question sets as they lie on disk: BEIR folders, their answers, and chunking sets."""

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ragqa.errors import UsageError

QRELS = "qrels/test.tsv"
_NAMED = 3
_GRADE = re.compile(r"\s*-?\d{1,9}(?:\.0*)?\s*")


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
    beir = _read(folder)
    unjudged = [query.id for query in beir.queries if query.id not in beir.qrels]
    return _warned(beir, _count(unjudged, "queries without a relevant document, not asked"))


def read_qa(folder: Path) -> Beir:
    """Read a BEIR folder with `answers.jsonl` beside it; raises as `read_beir` does."""
    beir = _read(folder)
    answers: dict[str, tuple[tuple[str, ...], bool]] = {}
    for where, row in _rows(folder / "answers.jsonl"):
        id_ = _text(row, "_id", where)
        if id_ in answers:
            raise UsageError(f"{where}: the query {id_!r} stands twice")
        texts = tuple(str(answer) for answer in _list(row, "answers", where))
        answerable = row.get("answerable", True)
        if not isinstance(answerable, bool):
            raise UsageError(f"{where}: answerable is true or false, not {answerable!r}")
        answers[id_] = texts, answerable
    queries = []
    for query in beir.queries:
        texts, answerable = answers.get(query.id, ((), query.id in beir.qrels))
        queries.append(replace(query, answers=texts, answerable=answerable))
    known = {query.id for query in queries}
    unjudged = [q.id for q in queries if q.answerable and q.id not in beir.qrels]
    return _warned(
        replace(beir, queries=tuple(queries)),
        _count(unjudged, "answerable queries without a relevant document, not asked"),
        _count([q for q in answers if q not in known], "answers to no query of the set"),
        _count([q.id for q in queries if q.id not in answers], "queries without a row of answers"),
        _count(
            [q.id for q in queries if q.id in answers and q.answerable and not q.answers],
            "answerable queries without an answer, not counted in answer@n",
        ),
    )


def _read(folder: Path) -> Beir:
    ids: set[str] = set()
    empty = []
    for document in read_documents(folder):
        ids.add(document.id)
        if not (document.title + document.text).strip():
            empty.append(document.id)
    texts: dict[str, str] = {}
    for where, row in _rows(folder / "queries.jsonl"):
        id_ = _text(row, "_id", where)
        if id_ in texts:
            raise UsageError(f"{where}: the query {id_!r} stands twice")
        texts[id_] = _text(row, "text", where)
    qrels = _read_qrels(folder / QRELS)
    judged = {
        query: grades
        for query, grades in qrels.items()
        if query in texts and any(grade > 0 for grade in grades.values())
    }
    absent = [
        f"{document} for {query}"
        for query, grades in judged.items()
        for document in grades
        if document not in ids
    ]
    beir = Beir(
        folder=folder,
        queries=tuple(Query(id_, text) for id_, text in texts.items()),
        qrels=judged,
        documents=len(ids),
    )
    return _warned(
        beir,
        _count(empty, "documents without text"),
        _count(
            [q for q in qrels if q not in texts], "judged queries that are not there to be asked"
        ),
        _count(absent, "judged documents that are not there and count as not found"),
    )


def _warned(beir: Beir, *warnings: str) -> Beir:
    return replace(beir, warnings=(*beir.warnings, *filter(None, warnings)))


def read_documents(folder: Path) -> Iterator[Document]:
    """Each document of a BEIR folder as it is read.

    :raises UsageError: the file cannot be read, a row is none, or an id stands twice.
    """
    path = folder / "corpus.jsonl"
    seen: set[str] = set()
    for where, row in _rows(path):
        id_ = _text(row, "_id", where)
        if id_ in seen:
            raise UsageError(f"{where}: the document {id_!r} stands twice")
        seen.add(id_)
        title, text = row.get("title") or "", row.get("text") or ""
        yield Document(id_, " ".join(str(title).split()), str(text))


def hold_out(beir: Beir, share: float, seed: int) -> Beir:
    """Leave out a share of the documents that hold answers, drawn at random.

    A question whose relevant documents are all left out counts as one that is not answered.
    """
    good = {d for grades in beir.qrels.values() for d, grade in grades.items() if grade > 0}
    there = {document.id for document in beir.read_documents()}
    holding = sorted(good & there)
    drawn = random.Random(seed).sample(holding, round(share * len(holding)))  # noqa: S311 - sampling
    left_out = frozenset(drawn)
    qrels = {}
    for query, grades in beir.qrels.items():
        kept = {d: grade for d, grade in grades.items() if d not in left_out}
        if any(grade > 0 and d in there for d, grade in kept.items()):
            qrels[query] = kept
    lost = beir.qrels.keys() - qrels.keys()
    queries = tuple(replace(q, answerable=q.answerable and q.id not in lost) for q in beir.queries)
    said = (
        f"{len(left_out)} of {len(holding)} documents that hold answers are left out (seed {seed})"
    )
    remaining = replace(
        beir,
        queries=queries,
        qrels=qrels,
        documents=beir.documents - len(left_out),
        left_out=left_out,
    )
    return _warned(remaining, f"{said}; {len(lost)} questions have no answer now")


def read_chunking(folder: Path) -> tuple[dict[str, str], list[SpanQuestion], tuple[str, ...]]:
    """Read the documents by name, the questions, and warnings, of a chunking set.

    :raises UsageError: a file is missing or cannot be read; the message names it.
    """
    documents = {}
    at = folder / "docs"
    try:
        for path in sorted(at.iterdir()):
            at = path
            documents[path.name] = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"{at} cannot be read: {exc}") from exc
    questions: dict[str, SpanQuestion] = {}
    absent, outside, without = [], [], []
    for number, (where, row) in enumerate(_rows(folder / "questions.jsonl"), start=1):
        id_ = str(row.get("_id", number))
        if id_ in questions:
            raise UsageError(f"{where}: the question {id_!r} stands twice")
        doc, spans = _text(row, "doc", where), _spans(row, where)
        questions[id_] = SpanQuestion(id_, _text(row, "question", where), doc, spans)
        if doc not in documents:
            absent.append(id_)
        elif not all(0 <= start < end <= len(documents[doc]) for start, end in spans):
            outside.append(id_)
        if not spans:
            without.append(id_)
    left_out = {*outside, *without}
    problems = (
        _count(absent, "questions about documents that are not there, counted as missed"),
        _count(outside, "questions with spans outside of their document, left out"),
        _count(without, "questions without spans, left out"),
    )
    kept = [question for question in questions.values() if question.id not in left_out]
    return documents, kept, tuple(filter(None, problems))


def _spans(row: Mapping[str, Any], where: str) -> tuple[tuple[int, int], ...]:
    spans = []
    for span in _list(row, "spans", where):
        match span:
            case [int(start), int(end)]:
                spans.append((start, end))
            case _:
                raise UsageError(f"{where}: a span is two whole numbers, not {span!r}")
    return tuple(spans)


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for place, (number, line) in enumerate(_lines(path)):
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


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in _lines(path):
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as exc:
            raise UsageError(f"{path}, line {number} is not JSON: {exc}") from exc
        if not isinstance(row, dict):
            raise UsageError(f"{path}, line {number} is not a JSON object")
        yield where, row


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise UsageError(
            f"{path} cannot be read: {reason}",
            hint="the layouts that ragqa eval reads: ragqa eval --help",
        ) from exc


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str | int):
        raise UsageError(f"{where} has no {key!r}: {json.dumps(row)[:80]}")
    return str(value)


def _list(row: Mapping[str, Any], key: str, where: str) -> list[Any]:
    value = row.get(key) or []
    if not isinstance(value, list):
        raise UsageError(f"{where}: {key!r} is not a list")
    return value


def _count(which: Sequence[str], what: str) -> str:
    """`what: 5 (a, b, c and more)`; "" where there are none."""
    if not which:
        return ""
    more = " and more" if len(which) > _NAMED else ""
    return f"{what}: {len(which)} ({', '.join(which[:_NAMED])}{more})"
