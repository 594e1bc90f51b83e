"""The documents of the HTTP API, from what was asked and the warm index.

What is asked are the values of a request by name; those in `LISTS` are lists of strings.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ragqa.diagnosis import choice_of, status_of
from ragqa.errors import UsageError
from ragqa.generation import Writer
from ragqa.getting import get_part
from ragqa.render.documents import (
    answer_document,
    part_document,
    search_document,
    sentence_document,
    status_document,
)
from ragqa.render.verifications import verification_document
from ragqa.serving.events import Emit
from ragqa.serving.given import check, filters_from, saved_from
from ragqa.serving.linked import Links
from ragqa.serving.warm import WarmIndex
from ragqa.serving.wording import freshness_line
from ragqa.serving.writing import answer_to, chosen
from ragqa.types import Filters

LISTS = frozenset({"tag", "path"})
MOST_COMPLETED = 50

Asked = Mapping[str, Any]
Shown = dict[str, Any]


def ask(warm: WarmIndex, asked: Asked) -> Shown:
    """The document of an answer, as `ragqa ask --json` prints it."""
    question, filters = text_in(asked, "question"), filters_of(asked)
    return answer_document(answer_to(warm, question, filters, chosen(warm, asked.get("llm"))))


def ask_in_events(warm: WarmIndex, asked: Asked, writer: Writer | None, emit: Emit) -> None:
    """The same in events.

    `excerpts` has the answer in the notes' own words, `sentence` each sentence that the LLM wrote
    once it is checked, and `answer` the document of `ask`. Without an LLM there is only the last.
    """
    question, filters = text_in(asked, "question"), filters_of(asked)
    writer = writer and replace(
        writer,
        keep=lambda answer: emit("excerpts", answer_document(answer)),
        on_sentence=lambda sentence: emit("sentence", sentence_document(sentence)),
    )
    emit("answer", answer_document(answer_to(warm, question, filters, writer)))


def search(warm: WarmIndex, asked: Asked) -> Shown:
    """The document of a search, as `ragqa search --json` prints it."""
    query, filters, limit = text_in(asked, "query"), filters_of(asked), number_in(asked, "limit")
    return search_document(
        warm.use(lambda index: index.search(query, filters=filters, limit=limit, refresh=False))
    )


def get(warm: WarmIndex, asked: Asked) -> Shown:
    """The document of a note or a part of it, as `ragqa get --json` prints it."""
    address = text_in(asked, "address")
    return part_document(warm.use(lambda index: get_part(index, address, refresh=False)))


def verify(warm: WarmIndex, asked: Asked) -> Shown:
    """The document of a check, as `ragqa verify --json` prints it."""
    return verification_document(check(warm, saved_from(text_in(asked, "answer"))))


def status(warm: WarmIndex, asked: Asked) -> Shown:
    """The document of the index, as `ragqa status --json` prints it, and how current it is kept."""
    del asked
    found, kept = warm.use(status_of), warm.freshness
    return status_document(found, warm.loaded.places, choice_of(warm.loaded)) | {
        "server": {
            "state": freshness_line(kept),
            "updated": kept.updated and kept.updated.isoformat(timespec="seconds"),
            "updating": kept.running and str(kept.running),
            "problem": kept.problem or None,
        }
    }


def complete(warm: WarmIndex, asked: Asked) -> Shown:
    """Tags and folders that begin as given, for the filters."""
    start = str(asked.get("start", "")).casefold()
    links = warm.use(Links.of)
    return {
        name: [one for one in values if one.casefold().startswith(start)][:MOST_COMPLETED]
        for name, values in (("tags", links.tags), ("paths", links.folders))
    }


def filters_of(asked: Asked) -> Filters:
    """The filters of a request.

    :raises UsageError: one of them is malformed.
    """
    since, where = (str(asked.get(name, "")).strip() for name in ("since", "where"))
    return filters_from(_texts(asked, "tag"), _texts(asked, "path"), since, where)


def text_in(asked: Asked, name: str) -> str:
    """A text that was asked for.

    :raises UsageError: it is missing.
    """
    value = asked.get(name)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{name} is missing", hint=f"give {name} as text")
    return value


def _texts(asked: Asked, name: str) -> tuple[str, ...]:
    value = asked.get(name, [])
    values: Iterable[object] = value if isinstance(value, list) else [value]
    return tuple(str(one) for one in values if one)


def number_in(asked: Asked, name: str) -> int | None:
    """A number that was asked for, None without one.

    :raises UsageError: it is not a number.
    """
    value = asked.get(name)
    if value in (None, ""):
        return None
    text = str(value)
    if not text.isdecimal() or len(text) > 9:
        raise UsageError(f"{name} is not a number: {text[:40]!r}")
    return int(text)
