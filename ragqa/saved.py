"""Saved answers, written and read, and the results of checking them.

In Markdown one is a line of JSON in any fence: editors change the text above it, but leave code.
"""

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from heapq import nsmallest
from typing import BinaryIO

from msgspec import Struct, convert, to_builtins

from ragqa.errors import Hint, UsageError
from ragqa.types import DOCUMENT_VERSION, EXTRACTIVE, Answer, JsonShape, Span

MAX_BYTES = 10_000_000
MAX_CITATIONS = 1_000
_MAX_PLACES = 5

ANY_NOTE = ""
"""The path of a quote whose note is not known: it is looked for in all of them."""
NOWHERE = (0, 0)
"""The lines, or characters, of a quote whose place is not known."""

# Scripts beyond are written without spaces, so a neighbour does not mark a word's end.
_IN_WORD = r"[^\W_\u0e00-\U0010ffff]"

_MARK = "ragqa_answer"
# JSON escapes quotation marks in strings, so no text inside a record looks like a record.
_RECORD = re.compile(rf'\{{\s*"{_MARK}"\s*:')
_MARKUP = re.compile("[<>&`~]")
_HINT = Hint(
    "save one: ragqa ask QUESTION > answer.md, or --json > answer.json",
    tool="give quotes, or a whole saved answer as answer",
)


class SavedCitation(Struct, frozen=True, omit_defaults=True):
    """A citation as read from a file: any numbers, any text as `path`.

    `context` is a table row's header or a list's introduction; `note_sha256` is "" if unknown.
    """

    n: int
    path: str
    lines: tuple[int, int]
    chars: tuple[int, int]
    quote: str
    note_sha256: str = ""
    context: str = ""
    locator: str = ""


class SavedAnswer(Struct, frozen=True):
    """The checkable part of a saved answer, and what wrote it; abstentions have no citations."""

    question: str
    citations: tuple[SavedCitation, ...]
    backend: str = EXTRACTIVE


class Standing(StrEnum):
    """The state of a saved citation."""

    INTACT = "intact"
    MOVED = "moved"
    CHANGED = "changed"
    GONE = "gone"


class CurrentPlace(Struct, frozen=True, omit_defaults=True):
    """A stretch of a current note; `context` is the header of a changed table row, else ""."""

    path: str
    lines: Span
    chars: Span
    text: str
    context: str = ""
    locator: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A citation compared with the notes: the place of its words, or of what replaced them.

    `reason` says why it is gone, or counts as changed although its words remain.
    """

    JSON = JsonShape(
        "n=citation.n status=standing path=citation.path lines=citation.lines chars=citation.chars "
        "quote=citation.quote context=citation.context now=place rewrapped=is_rewrapped reason",
        optional="context",
    )

    citation: SavedCitation
    standing: Standing
    place: CurrentPlace | None = None
    reason: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether the notes still contain its words."""
        return self.standing in (Standing.INTACT, Standing.MOVED)

    @property
    def is_rewrapped(self) -> bool:
        """Whether only the white space between the words has changed."""
        now, quote = self.place.text if self.place else "", self.citation.quote
        return self.standing is Standing.MOVED and quote != now and now.split() == quote.split()


@dataclass(frozen=True, slots=True)
class Verification:
    """A saved answer compared with the notes; `warnings` say what could not be checked."""

    JSON = JsonShape("question sound=is_sound citations=checked warnings")

    question: str
    checked: tuple[Checked, ...]
    warnings: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether all citations are sound."""
        return all(checked.is_sound for checked in self.checked)


def record_of(answer: Answer) -> str:
    """What is needed to check an answer, as one line of ASCII JSON without Markdown markup."""
    document = {
        _MARK: DOCUMENT_VERSION,
        "question": answer.question,
        "backend": answer.backend,
        "citations": to_builtins(
            convert(answer.citations, tuple[SavedCitation, ...], from_attributes=True)
        ),
    }
    return _MARKUP.sub(lambda mark: f"\\u{ord(mark[0]):04x}", json.dumps(document))


def is_saved(text: str) -> bool:
    """Whether a note is a saved answer, which only quotes other notes."""
    return _RECORD.search(text) is not None


def defused(text: str) -> str:
    """Neutralise records in a note's text, as an exported answer may contain only its own."""
    return _RECORD.sub(lambda record: record[0].replace(_MARK, f"{_MARK} (quoted)"), text)


def read_saved(file: BinaryIO, name: str) -> SavedAnswer:
    """Read a saved answer, JSON or Markdown; a UsageError says what else the file `name` is."""
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"{name} is not a saved answer: it has more than {MAX_BYTES:,} bytes", hint=_HINT
        )
    try:
        return _answer(_document(data.decode("utf-8-sig")))
    except UnicodeDecodeError as exc:
        problem = f"byte {exc.start:,} is not UTF-8"
    except RecursionError:
        problem = "it is nested too deeply"
    except ValueError as exc:
        problem = str(exc)
    raise UsageError(f"{name} is not a saved answer: {problem}", hint=_HINT)


def _document(text: str) -> object:
    """What is in JSON, or in the record of Markdown."""
    with suppress(ValueError):
        return json.loads(text)
    records = [record.start() for record in _RECORD.finditer(text)]
    if len(records) > 1:
        raise ValueError(f"it holds {len(records)} answers; put each in its own file")
    if not records:
        raise ValueError("it is neither JSON nor Markdown of ragqa ask")
    return json.JSONDecoder().raw_decode(text, records[0])[0]


def quoted(quotes: Iterable[tuple[int, str, str]]) -> SavedAnswer:
    """Quotes that no record describes, each with its number and its place, "" if not known."""
    cited = (SavedCitation(n, place, NOWHERE, NOWHERE, quote) for n, quote, place in quotes)
    return SavedAnswer("", tuple(cited))


def _answer(document: object) -> SavedAnswer:
    if not isinstance(document, dict):
        raise ValueError("it is not an object")  # noqa: TRY004 - what the file says
    version = document.get(_MARK, document.get("version"))
    if version != DOCUMENT_VERSION:
        raise ValueError(f"this ragqa does not know its version, {version!s:.20}")
    answer = convert(document, SavedAnswer)
    if len(answer.citations) > MAX_CITATIONS:
        raise ValueError(f"it has more than {MAX_CITATIONS:,} citations")
    for n, citation in enumerate(answer.citations, start=1):
        if not citation.quote.strip():
            raise ValueError(f"the quote of citation {n} is empty")
    return answer


def quote_places(text: str, quote: str, near: int) -> list[Span]:
    """The few occurrences of a quote nearest to an offset, the nearest first, exact ones before.

    White space within it may differ. The quote must not end inside a word or number: `limit: 5`
    occurs in neither `limit: 50` nor `limit: 5.5`.
    """
    words = quote.split()
    if not words or not all(word in text for word in sorted(words, key=len, reverse=True)):
        return []  # rules out most notes quickly
    pattern = r"\s+".join(map(re.escape, words))
    if re.match(_IN_WORD, words[0]):
        pattern = rf"(?<!{_IN_WORD})(?:(?<!\d[.,])|(?!\d)){pattern}"
    if re.match(_IN_WORD, words[-1][-1]):
        pattern = rf"{pattern}(?!{_IN_WORD})(?:(?![.,]\d)|(?<!\d))"
    spans = (match.span() for match in re.finditer(pattern, text))
    return nsmallest(
        _MAX_PLACES, spans, key=lambda span: (text[slice(*span)] != quote, abs(span[0] - near))
    )
