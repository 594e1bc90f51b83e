"""Read question sets: files of questions about notes, and public sets as BEIR folders."""

import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from ragqa.errors import UsageError

T = TypeVar("T")

MAX_EXCERPT_PARTS = 2
QRELS = "qrels/test.tsv"

_LAYOUTS = "the layouts that ragqa eval reads: ragqa eval --help"
_FORM = (
    'a line is {"question", "kind", "gold": [{"note", "quote", "part"}], "answer": ["…"]}, '
    'or has "excerpts" in place of "gold", and no "answer"'
)
_GRADE = re.compile(r"\s*-?\d{1,9}(?:\.0*)?\s*")
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Gold:
    """A quote from a note that answers one part of a question.

    Quotes with the same `part` are alternatives: finding any of them finds the part.
    """

    note: str
    quote: str
    part: int = 1


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """A question and its gold quotes; `gold` is empty if the notes do not answer it.

    `answer` has a short answer for each part, in order, which every quote of the part contains; it
    is empty if answers are not to be measured.
    `half` is "tune" for questions that settings are chosen on, "test" for those that are only
    reported, and "" if the questions are not split.
    With `excerpts` each gold quote is exactly what a person would copy as the answer to its part;
    otherwise it is the words that an answer must contain.
    """

    id: str
    question: str
    kind: str
    gold: tuple[Gold, ...]
    answer: tuple[str, ...]
    half: str = ""
    excerpts: bool = False

    @property
    def parts(self) -> tuple[int, ...]:
        """The numbers of its parts, ascending; most questions have one."""
        return tuple(sorted({gold.part for gold in self.gold}))


class _QuestionRow(msgspec.Struct):
    """A line of a file of questions."""

    question: str
    id: str = ""
    kind: str = ""
    gold: list[Gold] | None = None
    excerpts: list[Gold] | None = None
    answer: list[str] | None = None
    half: Literal["", "tune", "test"] = ""


def read_questions(path: Path) -> list[GoldQuestion]:
    """Read a JSON Lines file of questions; either all have excerpts or none has.

    A question without an id has the number of its line.

    :raises UsageError: the file cannot be read, or a line is not a question; the message names it.
    """
    hint = "name a file of questions (docs/evaluation.md says how): ragqa eval --questions FILE"
    questions: dict[str, GoldQuestion] = {}
    rows = read_rows(path, _QuestionRow, what="a question", hint=hint, form=_FORM)
    for number, where, row in rows:
        row.id = row.id or str(number)
        by_excerpts = row.excerpts is not None
        problem = _problem(row)
        if row.id in questions:
            problem = f"the id {row.id!r} appears twice"
        elif any(question.excerpts != by_excerpts for question in questions.values()):
            problem = problem or "some questions of the file have gold and some have excerpts"
        if problem:
            raise UsageError(f"{where} is not a question: {problem}", hint=_FORM)
        questions[row.id] = GoldQuestion(
            id=row.id,
            question=row.question,
            kind=row.kind,
            gold=tuple(row.excerpts or row.gold or ()),
            answer=tuple(row.answer or ()),
            half=row.half,
            excerpts=by_excerpts,
        )
    if not questions:
        raise UsageError(f"there are no questions in {path}")
    return list(questions.values())


def _problem(row: _QuestionRow) -> str:
    """Why a row does not hold together; "" if it does."""
    gold = row.excerpts or row.gold or []
    parts = len({g.part for g in gold})
    if row.gold is None and row.excerpts is None:
        return "it has neither gold nor excerpts"
    if row.excerpts is not None and (
        other := "gold" if row.gold else "answer" if row.answer else ""
    ):
        return f"it has both excerpts and {other}"
    if not all(g.quote.strip() for g in gold) or not all(a.strip() for a in row.answer or ()):
        return "a quote or an answer is empty"
    if row.excerpts and parts > MAX_EXCERPT_PARTS:
        return f"the excerpts have {parts} parts; a question has one or two"
    if row.answer and len(row.answer) != parts:
        return f"{parts} parts have a quote, {len(row.answer)} an answer"
    return ""


def choose_half(
    rows: Sequence[GoldQuestion], half: str | None
) -> tuple[Sequence[GoldQuestion], str]:
    """The questions of a half, and its name, "" for all.

    :param half: "tune", "test" or "all"; None means test, or all if the questions are not split.
    :raises UsageError: the half is empty.
    """
    if half is None:
        half = "test" if any(row.half for row in rows) else "all"
    if half == "all":
        return rows, ""
    chosen = [row for row in rows if row.half == half]
    if not chosen:
        raise UsageError(f"no question is in the {half!r} half", hint="ragqa eval --half all")
    return chosen, half


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
    """Queries with their judgements; `read_documents` streams the documents from `folder`.

    `qrels` has the grade of each judged document by query.
    """

    folder: Path
    queries: tuple[BeirQuery, ...]
    qrels: Mapping[str, Mapping[str, int]]
    documents: int
    warnings: tuple[str, ...] = ()


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


def read_beir(folder: Path, *, answers: bool = False) -> Beir:
    """Read queries and judgements, and scan the documents for their ids.

    Judgements of missing documents are kept, those of missing queries dropped; both give a warning.

    :param answers: also read the answers in `answers.jsonl`, and which queries are answerable.
    :raises UsageError: a file is missing or cannot be read; the message names it and the line.
    """
    ids = {document.id for document in read_documents(folder)}
    texts = {
        id_: _text(row.text)
        for id_, row in _rows_by_id(folder / "queries.jsonl", _Query, "a query")
    }
    qrels = _read_qrels(folder / QRELS)
    judged = {
        query: grades for query, grades in qrels.items() if query in texts and relevant(grades)
    }
    queries = [BeirQuery(id_, text) for id_, text in texts.items()]
    if answers:
        rows = dict(_rows_by_id(folder / "answers.jsonl", _Answers, "answers"))
        queries = [_answered(query, rows.get(query.id), judged) for query in queries]
    answerable = [query for query in queries if query.answerable]
    about = {
        "judged queries that do not exist": [query for query in qrels if query not in texts],
        "missing judged documents, counted as not found": [
            f"{document} for {query}"
            for query, grades in judged.items()
            for document in grades
            if document not in ids
        ],
        "queries without a relevant document, not asked": [
            query.id for query in answerable if query.id not in judged
        ],
        "answerable queries without an answer, not measured by it": [
            query.id for query in answerable if answers and not query.answers
        ],
    }
    warnings = tuple(
        f"{what}: {len(named)} ({', '.join(named[:_NAMED])}{' and more' * (len(named) > _NAMED)})"
        for what, named in about.items()
        if named
    )
    return Beir(folder, tuple(queries), judged, len(ids), warnings)


def _answered(query: BeirQuery, row: _Answers | None, judged: Container[str]) -> BeirQuery:
    """A query with its answers; without a row of them it is answerable if it is judged."""
    if row is None:
        return replace(query, answerable=query.id in judged)
    texts = map(_text, row.answers or ())
    return replace(query, answers=tuple(filter(str.strip, texts)), answerable=row.answerable)


def read_documents(folder: Path) -> Iterator[BeirDocument]:
    """Stream the documents of a BEIR folder.

    :raises UsageError: the file cannot be read, a row is malformed, or an id appears twice.
    """
    for id_, row in _rows_by_id(folder / "corpus.jsonl", _Document, "a document"):
        yield BeirDocument(id_, " ".join(_text(row.title).split()), _text(row.text))


def relevant(grades: Mapping[str, int]) -> dict[str, int]:
    """The documents judged relevant, with their grades."""
    return {document: grade for document, grade in grades.items() if grade > 0}


def _rows_by_id(path: Path, kind: type[R], what: str) -> Iterator[tuple[str, R]]:
    """Yield each row with its id, which must not repeat."""
    seen: set[str] = set()
    for _, where, row in read_rows(path, kind, what=what):
        id_ = _text(row.id)
        if id_ in seen:
            raise UsageError(f"{where}: the id {id_!r} appears twice")
        seen.add(id_)
        yield id_, row


def _text(value: str | int | None) -> str:
    """The text of a value, without lone surrogates, which JSON can hold but a UTF-8 file cannot."""
    return "" if value is None else str(value).encode("utf-8", "replace").decode("utf-8")


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


def read_rows(
    path: Path, kind: type[T], *, what: str, hint: str = _LAYOUTS, form: str = ""
) -> Iterator[tuple[int, str, T]]:
    """Yield each object of a JSON Lines file, with its line and its place for error messages.

    :param kind: what an object is converted to.
    :param what: what a line is, for messages.
    :param hint: the hint for a file that cannot be read.
    :param form: the hint for a line that is no such object.
    :raises UsageError: the file cannot be read, or a line is no such object.
    """
    for number, line in read_lines(path, hint=hint):
        where = f"{path}, line {number}"
        try:
            # `json` keeps lone surrogates, which stand for bytes that are not UTF-8.
            yield number, where, msgspec.convert(json.loads(line), kind)
        except (ValueError, RecursionError) as exc:
            raise UsageError(f"{where} is not {what}: {exc}", hint=form) from exc


def read_lines(path: Path, *, hint: str = _LAYOUTS) -> Iterator[tuple[int, str]]:
    """Yield each non-blank line with its number.

    :raises UsageError: the file cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise UsageError(f"{path} cannot be read: {reason}", hint=hint) from exc
