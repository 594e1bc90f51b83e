"""Saved answers: what `ragqa ask` writes so that it can be checked later, read back from a file.

In JSON that is the document of `ask --json`. In Markdown it is a record of its own, one line of
JSON at the end: editors wrap, escape and "correct" the text above it, but leave code as it is. It
is found wherever it stands and however it is fenced.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from ragqa.errors import UsageError
from ragqa.types import Answer, SavedAnswer, SavedCitation

MAX_BYTES = 10_000_000
MAX_CITATIONS = 100

_MARK = "ragqa_answer"
_VERSION = 1
# In JSON the quotation mark of a text is escaped, so no text within a record looks like one.
_RECORD = re.compile(rf'\{{\s*"{_MARK}"\s*:')
_MARKUP = re.compile("[<>&`~]")
_HINT = "save one: ragqa ask QUESTION --json > answer.json, or --format markdown > answer.md"


def record_of(answer: Answer) -> str:
    """What is needed to check an answer, as one line of ASCII without any mark of Markdown."""
    document = {
        _MARK: _VERSION,
        "question": answer.question,
        "citations": [
            {
                "n": citation.n,
                "path": citation.path,
                "lines": citation.lines,
                "chars": citation.chars,
                "quote": citation.quote,
                "note_sha256": citation.note_sha256,
            }
            for citation in answer.citations
        ],
    }
    return _MARKUP.sub(lambda mark: f"\\u{ord(mark[0]):04x}", json.dumps(document))


def is_saved(text: str) -> bool:
    """Whether a note is an answer that was saved among the notes, which quotes and says nothing."""
    return _RECORD.search(text) is not None


def defused(text: str) -> str:
    """The text of a note for an exported answer, in which no record may stand but its own."""
    return _RECORD.sub(lambda found: found[0].replace(_MARK, f"{_MARK} (quoted)"), text)


def read_saved(file: BinaryIO, name: str) -> SavedAnswer:
    """Read a saved answer, JSON or Markdown.

    :param name: what to call the file in messages.
    :raises UsageError: it is too large, damaged or no saved answer.
    """
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"{name} is no saved answer: it has more than {MAX_BYTES:,} bytes", hint=_HINT
        )
    try:
        text = data.decode("utf-8-sig")
        return _answer(_document(text))
    except UnicodeDecodeError as exc:
        problem = f"byte {exc.start:,} is not UTF-8"
    except KeyError as exc:
        problem = f"{exc} is missing"
    except RecursionError:
        problem = "it is nested too deeply"
    except (TypeError, ValueError) as exc:
        problem = str(exc)
    raise UsageError(f"{name} is no saved answer: {problem}", hint=_HINT)


def _document(text: str) -> object:
    """The JSON that a file is, or that stands in its Markdown."""
    try:
        return json.loads(text)
    except ValueError:
        records = list(_RECORD.finditer(text))
    if not records:
        raise ValueError("it is neither JSON nor Markdown of ragqa ask")
    if len(records) > 1:
        raise ValueError(f"it holds {len(records)} of them; put each into a file of its own")
    document, _ = json.JSONDecoder().raw_decode(text, records[0].start())
    return document


def _answer(document: object) -> SavedAnswer:
    fields = _mapping(document)
    version = fields.get(_MARK, _VERSION)
    if version != _VERSION:
        raise ValueError(f"version {version!r} is not known to this ragqa")
    citations = _list(fields["citations"])
    if len(citations) > MAX_CITATIONS:
        raise ValueError(f"it has more than {MAX_CITATIONS} citations")
    return SavedAnswer(_text(fields["question"]), tuple(_citation(each) for each in citations))


def _citation(document: object) -> SavedCitation:
    fields = _mapping(document)
    quote = _text(fields["quote"])
    if not quote.strip():
        raise ValueError("a quote is empty")
    return SavedCitation(
        n=_number(fields["n"]),
        path=_text(fields["path"]),
        lines=_pair(fields["lines"]),
        chars=_pair(fields["chars"]),
        quote=quote,
        note_sha256=_text(fields.get("note_sha256", "")),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{_shown(value)} is not an object")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{_shown(value)} is not a list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{_shown(value)} is not a text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{_shown(value)} is not a whole number")
    return value


def _pair(value: object) -> tuple[int, int]:
    numbers = _list(value)
    if len(numbers) != 2:
        raise ValueError(f"{_shown(value)} is not two numbers")
    return _number(numbers[0]), _number(numbers[1])


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}\u2026"
