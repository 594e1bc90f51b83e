"""Write and read saved answers, which can be checked later.

In JSON this is the document of `ask --json`. In Markdown it is a separate record, one line of JSON
at the end: editors wrap, escape and "correct" the text above it, but leave code alone. The record
is found anywhere in the file and in any fence.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO, TypeGuard

from ragqa.errors import UsageError
from ragqa.types import DOCUMENT_VERSION, EXTRACTIVE, Answer, Citation, SavedAnswer, SavedCitation

MAX_BYTES = 10_000_000
MAX_CITATIONS = 1_000

_MARK = "ragqa_answer"
_VERSION = 1
# JSON escapes quotation marks in strings, so no text inside a record looks like a record.
_RECORD = re.compile(rf'\{{\s*"{_MARK}"\s*:')
_MARKUP = re.compile("[<>&`~]")
_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})[ \t]*(\w*)\s*")
# Displayed quotes have escapes for terminal control characters, and markers before each line in a
# block quote or list.
_NOT_OF_QUOTE = re.compile(r"^[\s>]+|\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})", re.MULTILINE)
_HINT = "save one: ragqa ask QUESTION --json > answer.json, or --format markdown > answer.md"


def record_of(answer: Answer) -> str:
    """What is needed to check an answer, as one line of ASCII JSON without Markdown markup."""
    document = {
        _MARK: _VERSION,
        "question": answer.question,
        "backend": answer.backend,
        "citations": [_recorded(citation) for citation in answer.citations],
    }
    return _MARKUP.sub(lambda mark: f"\\u{ord(mark[0]):04x}", json.dumps(document))


def _recorded(citation: Citation) -> Mapping[str, object]:
    context = {"context": citation.context} if citation.context else {}
    return {
        "n": citation.n,
        "path": citation.path,
        "lines": citation.lines,
        "chars": citation.chars,
        "quote": citation.quote,
        "note_sha256": citation.note_sha256,
    } | context


def is_saved(text: str) -> bool:
    """Whether a note is a saved answer, which only quotes other notes."""
    return _RECORD.search(text) is not None


def defused(text: str) -> str:
    """Neutralise records in a note's text, as an exported answer may contain only its own."""
    return _RECORD.sub(lambda found: found[0].replace(_MARK, f"{_MARK} (quoted)"), text)


def read_saved(file: BinaryIO, name: str) -> SavedAnswer:
    """Read a saved answer, JSON or Markdown.

    :param name: the file's name in messages.
    :raises UsageError: it is too large, damaged or not a saved answer.
    """
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"{name} is not a saved answer: it has more than {MAX_BYTES:,} bytes", hint=_HINT
        )
    try:
        text = data.decode("utf-8-sig")
        answer = _answer(_document(text))
        return replace(answer, shown_otherwise=_is_shown_otherwise(text, answer.citations))
    except UnicodeDecodeError as exc:
        problem = f"byte {exc.start:,} is not UTF-8"
    except RecursionError:
        problem = "it is nested too deeply"
    except ValueError as exc:
        problem = str(exc)
    raise UsageError(f"{name} is not a saved answer: {problem}", hint=_HINT)


def _document(text: str) -> object:
    """The file as JSON, or the JSON record in its Markdown."""
    try:
        return json.loads(text)
    except ValueError:
        records = list(_RECORD.finditer(text))
    if not records:
        raise ValueError("it is neither JSON nor Markdown from ragqa ask")
    if len(records) > 1:
        raise ValueError(f"it holds {len(records)} answers; put each in its own file")
    document, _ = json.JSONDecoder().raw_decode(text, records[0].start())
    return document


def _is_shown_otherwise(text: str, citations: Sequence[SavedCitation]) -> bool:
    """Whether the text around a record shows a quote that the record lacks; fewer are fine."""
    quotes = iter([_printable(defused(citation.quote)) for citation in citations])
    return bool(citations) and not all(_printable(shown) in quotes for shown in _shown(text))


def _shown(text: str) -> Iterator[str]:
    """The contents of the fenced code blocks marked as text, which hold quotes."""
    fence, is_text, lines = "", False, list[str]()
    for line in text.split("\n"):
        found = _FENCE.fullmatch(line)
        if found and not fence:
            fence, is_text, lines = found[1], found[2] == "text", []
        elif found and found[1].startswith(fence) and not found[2]:
            if is_text:
                yield "\n".join(lines)
            fence = ""
        elif fence:
            lines.append(line)


def _printable(text: str) -> str:
    """The printed characters of a quote, which are the same in a note and where it is shown."""
    bare = _NOT_OF_QUOTE.sub("", text.replace("\r", "\n"))
    return "".join(each for each in bare if each.isprintable() and not each.isspace())


def _answer(document: object) -> SavedAnswer:
    fields = _mapping(document, "the file")
    version = fields.get("version", fields.get(_MARK, DOCUMENT_VERSION))
    if version != DOCUMENT_VERSION:
        raise ValueError(f"this ragqa does not know version {_as_json(version)}")
    citations = _list(_field(fields, "citations"), "citations")
    if len(citations) > MAX_CITATIONS:
        raise ValueError(f"it has more than {MAX_CITATIONS:,} citations")
    return SavedAnswer(
        _text(_field(fields, "question"), "question"),
        tuple(_citation(each, f"citation {n}") for n, each in enumerate(citations, start=1)),
        backend=_text(fields.get("backend", EXTRACTIVE), "backend"),
    )


def _citation(document: object, name: str) -> SavedCitation:
    fields = _mapping(document, name)
    try:
        return SavedCitation(
            n=_number(_field(fields, "n"), "n"),
            path=_text(_field(fields, "path"), "path"),
            lines=_pair(_field(fields, "lines"), "lines"),
            chars=_pair(_field(fields, "chars"), "chars"),
            quote=_quote(_field(fields, "quote")),
            note_sha256=_text(fields.get("note_sha256", ""), "note_sha256"),
            context=_text(fields.get("context", ""), "context"),
        )
    except ValueError as exc:
        raise ValueError(f"{name}: {exc}") from exc


def _field(fields: Mapping[str, Any], name: str) -> object:
    if name not in fields:
        raise ValueError(f"{name} is missing")
    return fields[name]


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(value, name, "an object")
    return value


def _list(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(value, name, "a list")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise _wrong(value, name, "a string")
    return value


def _quote(value: object) -> str:
    quote = _text(value, "quote")
    if not quote.strip():
        raise ValueError("quote is empty")
    return quote


def _number(value: object, name: str) -> int:
    if not _is_number(value):
        raise _wrong(value, name, "a whole number")
    return value


def _pair(value: object, name: str) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2 or not all(map(_is_number, value)):
        raise _wrong(value, name, "a list of two whole numbers")
    return value[0], value[1]


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _wrong(value: object, name: str, wanted: str) -> ValueError:
    return ValueError(f"{name} is {_as_json(value)}, not {wanted}")


def _as_json(value: object) -> str:
    shown = json.dumps(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}\u2026"
