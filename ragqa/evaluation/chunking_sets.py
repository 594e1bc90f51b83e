"""Read chunking sets: documents, and questions with the spans that answer them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragqa.errors import UsageError
from ragqa.evaluation.rows import count, list_of, read_rows, text_of
from ragqa.notes.walk import NOTE_SUFFIXES


@dataclass(frozen=True, slots=True)
class SpanQuestion:
    """A question of a chunking set; `spans` are (start, end) in characters of `doc`."""

    id: str
    text: str
    doc: str
    spans: tuple[tuple[int, int], ...]


def read_chunking(folder: Path) -> tuple[dict[str, str], list[SpanQuestion], tuple[str, ...]]:
    """Read a chunking set; returns the documents by name, the questions, and warnings.

    :raises UsageError: a file is missing or cannot be read; the message names it.
    """
    documents = {}
    at = folder / "docs"
    others = []
    try:
        for path in sorted(at.iterdir()):
            at = path
            if path.suffix.lower() in NOTE_SUFFIXES and path.is_file():
                documents[path.name] = path.read_bytes().decode("utf-8-sig")
            else:
                others.append(path.name)
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"{at} cannot be read: {exc}") from exc
    questions: dict[str, SpanQuestion] = {}
    absent, outside, without = [], [], []
    for number, (where, row) in enumerate(read_rows(folder / "questions.jsonl"), start=1):
        id_ = str(row.get("_id", number))
        if id_ in questions:
            raise UsageError(f"{where}: the question {id_!r} appears twice")
        doc, spans = text_of(row, "doc", where), _spans(row, where)
        questions[id_] = SpanQuestion(id_, text_of(row, "question", where), doc, spans)
        if doc not in documents:
            absent.append(id_)
        elif not all(0 <= start < end <= len(documents[doc]) for start, end in spans):
            outside.append(id_)
        if not spans:
            without.append(id_)
    left_out = {*outside, *without}
    problems = (
        count(others, "files in docs that are not notes, left out"),
        count(absent, "questions about missing documents, counted as missed"),
        count(outside, "questions with spans outside of their document, left out"),
        count(without, "questions without spans, left out"),
    )
    kept = [question for question in questions.values() if question.id not in left_out]
    return documents, kept, tuple(filter(None, problems))


def _spans(row: Mapping[str, Any], where: str) -> tuple[tuple[int, int], ...]:
    spans = []
    for span in list_of(row, "spans", where):
        match span:
            case [int(start), int(end)]:
                spans.append((start, end))
            case _:
                raise UsageError(f"{where}: a span must be two whole numbers, not {span!r}")
    return tuple(spans)
