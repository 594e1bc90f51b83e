"""What servers do with notes: each operation is declared once, with what it takes.

MCP makes its schema from the declaration, and requests of MCP and HTTP are read by it; the
docstring tells a model what it is for. To add an operation, write its class and name it in
`Operation`.
"""

import io
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, TypeVar, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, ValidationError, convert, structs
from msgspec.json import schema_components

from ragqa.clock import today
from ragqa.errors import Hint, UsageError
from ragqa.lookup import get_part
from ragqa.related import related_to
from ragqa.render import Document, document_of, list_document
from ragqa.saved import quoted, read_saved
from ragqa.serving import wording
from ragqa.serving.warm import WarmIndex
from ragqa.serving.wording import PartSaid, Said
from ragqa.serving.writing import answer_to, chosen
from ragqa.status import choice_of, status_of
from ragqa.text.dates import day_named
from ragqa.types import Filters, no_progress
from ragqa.verify import verify
from ragqa.why import explain

_TEXT, _LIST = "string", "array"
_MOST_SKIPPED = 10

Served: TypeAlias = tuple[Document, Callable[[], Said | PartSaid]]
"""The result of an operation as JSON, and what puts it into words."""

S = TypeVar("S", bound=Struct)


def _of(description: str, most: int | None = None, least: int = 1) -> Meta:
    """What an argument is, and the limits of a number."""
    return Meta(description=description, ge=most and least, le=most)


class Sized(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every operation takes.

    :cvar gives: the keys that the operation's document always has, each with its JSON type.
    """

    gives: ClassVar[dict[str, str]]

    max_tokens: Annotated[int, _of(
        "About as many tokens of text: whole hits, one at least. The data is of what is shown.",
        20_000, 50,
    )] = 2_000  # fmt: skip


class Filtered(Sized, frozen=True, kw_only=True):
    """What an operation takes that looks through notes."""

    tags: Annotated[tuple[str, ...], _of("Only notes with all of these tags.")] = ()
    paths: Annotated[
        tuple[str, ...], _of("Only notes in these folders or matching these globs.")
    ] = ()
    since: Annotated[
        str, _of("Only what is dated then or later: 2025-03-31, 2025-03, last month.")
    ] = ""
    until: Annotated[str, _of("Only what is dated then or earlier, written as since is.")] = ""
    where: Annotated[
        tuple[str, ...], _of("Only notes with all of these properties, such as status=done.")
    ] = ()

    @property
    def filters(self) -> Filters:
        """The filters as the index takes them.

        :raises UsageError: a day is none, or there is too much to filter by.
        """
        since = day_named("since", self.since, today())
        until = day_named("until", self.until, today())
        return Filters(self.tags, self.paths, since, self.where, until)


class Ask(Filtered, frozen=True, kw_only=True):
    """Answer a question from the user's notes with exact quotes, each with its place: the likeliest
    first, then others that may answer instead, then passages. Says so when the notes hold no
    answer. Prefer it to search for a question.
    """  # noqa: D205 - a model reads it

    gives = {"verdict": _TEXT, "citations": _LIST}
    question: Annotated[str, _of("A question in plain words.")]
    llm: str = ""

    def serve(self, warm: WarmIndex) -> Served:
        answer = answer_to(warm, self.question, self.filters, chosen(warm, self.llm))
        return document_of(answer), lambda: wording.answer_said(answer, warm.freshness)


class Search(Filtered, frozen=True, kw_only=True):
    """Find the passages of the notes nearest to a query, best first. For exploring, or when ask
    finds too little.
    """  # noqa: D205 - a model reads it

    gives = {"hits": _LIST}
    query: Annotated[str, _of("What to look for, in words of the notes.")]
    limit: Annotated[int, _of("How many passages.", 100)] | UnsetType = UNSET

    def serve(self, warm: WarmIndex) -> Served:
        query, limit, filters = self.query, self.limit or None, self.filters
        result = warm.use(
            lambda index: index.search(query, filters=filters, limit=limit, refresh=False)
        )
        return document_of(result), lambda: wording.search_said(result, warm.freshness)


class Get(Sized, frozen=True, kw_only=True):
    """Read a note, some lines of it, or the section below a heading."""

    gives = {"path": _TEXT, "lines": _LIST, "text": _TEXT}
    address: Annotated[
        str,
        _of(
            "NOTE, NOTE:LINE, NOTE:FIRST-LAST (lines), NOTE#HEADING, or a place as the "
            "tools print it, such as 'x.pdf, p. 3'; the note by path, file name, title or alias."
        ),
    ]

    def serve(self, warm: WarmIndex) -> Served:
        part = warm.use(lambda index: get_part(index, self.address, refresh=False))
        return document_of(part), lambda: wording.PartSaid(part)


class Related(Filtered, frozen=True, kw_only=True):
    """Find the notes near a note by links and by meaning, nearest first, each with the reasons."""

    gives = {"note": _TEXT, "related": _LIST}
    address: Annotated[str, _of("The note, or a place in it, as `get` takes it.")]
    limit: Annotated[int, _of("How many notes.", 50)] = 5

    def serve(self, warm: WarmIndex) -> Served:
        address, limit, filters = self.address, self.limit, self.filters
        result = warm.use(
            lambda index: related_to(index, address, filters=filters, limit=limit, refresh=False)
        )
        return document_of(result), lambda: wording.related_said(result)


class List(Filtered, frozen=True, kw_only=True):
    """List the notes with their dates, titles and tags, or the tags with their numbers of notes."""

    gives = {"total": "integer", "notes": _LIST, "tags": _LIST}
    what: Annotated[Literal["notes", "tags"], _of("What to list.")] = "notes"
    limit: Annotated[int, _of("How many notes or tags.", 1_000)] = 200

    def serve(self, warm: WarmIndex) -> Served:
        listed = warm.use(lambda index: index.notes(filters=self.filters, refresh=False))
        document = {"notes": [], "tags": [], **list_document(listed, tags=self.what == "tags")}
        document["total"] = len(document[self.what])
        return document, lambda: wording.list_said(listed, self.what, self.limit)


class Quote(Struct, frozen=True, forbid_unknown_fields=True):
    """A quote to verify."""

    quote: str
    path: Annotated[str, _of("The note that it is from, or the place, if known.")] = ""


class Verify(Sized, frozen=True, kw_only=True):
    """Check whether the notes still say what a saved answer or a list of quotes says they do: each
    is intact, moved, changed or gone.
    """  # noqa: D205 - a model reads it

    gives = {"sound": "boolean", "citations": _LIST}
    answer: Annotated[str, _of("A saved answer, as JSON or Markdown.")] = ""
    quotes: Annotated[tuple[Quote, ...], Meta(description="Quotes from notes.", max_length=50)] = ()

    def serve(self, warm: WarmIndex) -> Served:
        if bool(self.answer) == bool(self.quotes):
            raise UsageError(
                "verify takes either an answer or quotes", hint=Hint("give one of the two")
            )
        quotes = [(n, one.quote, one.path) for n, one in enumerate(self.quotes, start=1)]
        for n, quote, _ in quotes:
            if not quote.strip():
                hint = Hint("give the words that the note should have")
                raise UsageError(f"quote {n} is empty", hint=hint)
        answer = io.BytesIO(self.answer.encode("utf-8", "replace"))
        saved = read_saved(answer, "the answer") if self.answer else quoted(quotes)
        loaded = warm.loaded
        verification = verify(saved, loaded.places.corpus, loaded.settings, no_progress)
        return document_of(verification), lambda: wording.verification_said(verification)


class Why(Sized, frozen=True, kw_only=True):
    """Explain why a note is in the answer to a question, or why it is not."""

    gives = {"verdict": _TEXT, "stage": _TEXT}
    question: str
    address: Annotated[str, _of("The note, or a part of it, as `get` takes it.")]

    def serve(self, warm: WarmIndex) -> Served:
        explanation = warm.use(
            lambda index: explain(index, self.question, target=self.address, refresh=False)
        )
        return document_of(explanation), lambda: wording.explanation_said(explanation)


class Status(Sized, frozen=True, kw_only=True):
    """How many notes there are, on what, and how current the index is."""

    gives = {"fresh": "boolean", "skipped": _LIST}

    def serve(self, warm: WarmIndex) -> Served:
        state = warm.use(lambda index: status_of(index, choice_of(warm.loaded)))
        document = document_of(state) | {"server": {"state": warm.freshness.line}}

        def say() -> Said:
            said = wording.status_said(document, warm.use(lambda index: index.notes(refresh=False)))
            document.update(left_out=[], skipped=document["skipped"][:_MOST_SKIPPED])
            return said

        return document, say


Operation: TypeAlias = Ask | Search | Get | Related | List | Verify | Why | Status
OPERATIONS: dict[str, type[Operation]] = {
    kind.__name__.lower(): kind for kind in get_args(Operation)
}


def schema_of(kind: type[Struct]) -> dict[str, Any]:
    """The JSON schema of what an operation takes."""
    _, parts = schema_components([kind], ref_template="#/$defs/{name}")
    schema: dict[str, Any] = parts.pop(kind.__name__)
    return schema | ({"$defs": parts} if parts else {})


def read(kind: type[S], given: Mapping[str, Any], name: str, names: Mapping[str, str]) -> S:
    """A request as it was given.

    :param name: what the operation is called where it was given.
    :param names: the names that fields have there, if others; "" for one that is not taken there.
    :raises UsageError: it gives something else than the operation takes.
    """
    fields = {names.get(field.name, field.encode_name): field for field in structs.fields(kind)}
    fields.pop("", None)
    values, needed_first = {}, sorted(fields, key=lambda key: not fields[key].required)
    takes = Hint(f"{name} takes {', '.join(needed_first) or 'nothing'}")
    if unknown := given.keys() - fields.keys():
        raise UsageError(f"{name} does not take {min(unknown)[:40]!r}", hint=takes)
    for key, field in fields.items():
        if key in given:
            try:
                values[field.name] = convert(given[key], field.type, strict=False)
            except ValidationError as exc:
                wanted = _wanted(schema_of(kind)["properties"][field.encode_name])
                raise UsageError(f"{name} takes {key} as {wanted}") from exc
        elif field.required:
            raise UsageError(f"{name} needs {key}", hint=takes)
    return kind(**values)


def _wanted(about: Mapping[str, Any]) -> str:
    """What an argument should be, in words, by its schema."""
    least, most = about.get("minimum"), about.get("maximum")
    kinds = {
        "integer": f"a whole number from {least} to {most}" if most else "a whole number",
        _LIST: "a list of texts",
    }
    if "maxItems" in about:
        return f"a list of at most {about['maxItems']} objects with quote and path"
    return " or ".join(about.get("enum", ())) or kinds.get(about["type"], "text")
