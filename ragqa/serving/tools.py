"""The tools that an assistant may call: what each takes and gives.

To add one, write its arguments and its function, and add a line to `TOOLS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from ragqa.errors import UsageError
from ragqa.explaining import explain
from ragqa.getting import get_part
from ragqa.render.documents import answer_document, search_document
from ragqa.render.explanations import explanation_document
from ragqa.render.verifications import verification_document
from ragqa.serving import wording
from ragqa.serving.arguments import (
    Ask,
    Budgeted,
    Get,
    Quote,
    Search,
    Status,
    Verify,
    Why,
)  # fmt: skip
from ragqa.serving.documents import status
from ragqa.serving.given import check, saved_from
from ragqa.serving.warm import WarmIndex
from ragqa.serving.wording import Result
from ragqa.serving.writing import answer_to
from ragqa.verifying.saved import ANY_NOTE, NOWHERE, SavedAnswer, SavedCitation

A = TypeVar("A", bound=Budgeted)


@dataclass(frozen=True, slots=True)
class Tool(Generic[A]):
    """A tool: what it is for, what it takes, and the function that runs it.

    `gives` names the keys that its structured result always has, each with its JSON type.
    """

    name: str
    about: str
    takes: type[A]
    run: Callable[[WarmIndex, A], Result]
    gives: dict[str, str]

    def call(self, warm: WarmIndex, given: dict[str, Any]) -> Result:
        """Run the tool; both parts of its result are within the budget.

        :raises UsageError: an argument is unknown, missing or of the wrong kind.
        :raises RagqaError: the tool failed.
        """
        read = self._read(given)
        return self.run(warm, read).within(read.max_tokens, self.gives)

    def _read(self, given: dict[str, Any]) -> A:
        try:
            return self.takes.model_validate(given)
        except ValidationError as exc:
            known = ", ".join(self.takes.model_fields) or "no arguments"
            first = exc.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise UsageError(
                f"{self.name}: {where!r}: {first['msg']}", hint=f"{self.name} takes {known}"
            ) from exc


def _ask(warm: WarmIndex, given: Ask) -> Result:
    answer = answer_to(warm, given.question, given.filters)
    document = answer_document(answer)
    del document["timings_ms"]
    document["passages"] = document.pop("passages")  # the first to go where not all fits
    return Result(wording.answer_text(answer, warm.freshness, given.max_tokens), document)


def _search(warm: WarmIndex, given: Search) -> Result:
    found = warm.use(
        lambda index: index.search(
            given.query, filters=given.filters, refresh=False, limit=given.limit
        )
    )
    document = search_document(found)
    del document["timings_ms"]
    return Result(wording.search_text(found, warm.freshness, given.max_tokens), document)


def _get(warm: WarmIndex, given: Get) -> Result:
    part = warm.use(lambda index: get_part(index, given.address, refresh=False))
    return wording.part_result(part, given.max_tokens)


def _verify(warm: WarmIndex, given: Verify) -> Result:
    if bool(given.answer) == bool(given.quotes):
        raise UsageError("verify takes either an answer or quotes", hint="give one of the two")
    checked = check(warm, saved_from(given.answer) if given.answer else _as_saved(given.quotes))
    return Result(
        wording.verification_text(checked, given.max_tokens), verification_document(checked)
    )


def _as_saved(quotes: Sequence[Quote]) -> SavedAnswer:
    for n, one in enumerate(quotes, start=1):
        if not one.quote.strip():
            raise UsageError(f"quote {n} is empty", hint="give the words that the note should have")
    given = enumerate(quotes, start=1)
    return SavedAnswer("", tuple(
        SavedCitation(n, one.path or ANY_NOTE, NOWHERE, NOWHERE, one.quote) for n, one in given
    ))  # fmt: skip


def _why(warm: WarmIndex, given: Why) -> Result:
    found = warm.use(
        lambda index: explain(index, given.question, target=given.address, refresh=False)
    )
    return Result(wording.explanation_text(found, given.max_tokens), explanation_document(found))


def _status(warm: WarmIndex, given: Status) -> Result:
    document = status(warm, {})
    listed = warm.use(lambda index: index.notes(refresh=False))
    text = wording.status_text(document, listed, given.max_tokens)
    return Result(text, document | {"tags": listed.tags})


_TEXT, _LIST = "string", "array"

TOOLS: dict[str, Tool[Any]] = {
    tool.name: tool
    for tool in (
        Tool("ask", "Answer a question from the user's notes with exact quotes, each with its "
             "place: the likeliest first, then others that may answer instead, then passages. "
             "Says so when the notes hold no answer. Prefer it to search for a question.",
             Ask, _ask, {"verdict": _TEXT, "citations": _LIST}),
        Tool("search", "Find the passages of the notes nearest to a query, best first. For "
             "exploring, or when ask finds too little.", Search, _search, {"hits": _LIST}),
        Tool("get", "Read a note, some lines of it, or the section below a heading.", Get, _get,
             {"path": _TEXT, "lines": _LIST, "text": _TEXT}),
        Tool("verify", "Check whether the notes still say what a saved answer or a list of quotes "
             "says they do: each is intact, moved, changed or gone.", Verify, _verify,
             {"sound": "boolean", "citations": _LIST}),
        Tool("why", "Explain why a note is in the answer to a question, or why it is not.", Why,
             _why, {"verdict": _TEXT, "stage": _TEXT}),
        Tool("status", "How many notes there are, on what, and how current the index is.", Status,
             _status, {"fresh": "boolean", "skipped": _LIST}),
    )
}  # fmt: skip


def output_schema_of(tool: Tool[Any]) -> dict[str, Any]:
    """The JSON schema of a tool's structured result."""
    return {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in tool.gives.items()},
        "required": list(tool.gives),
    }
