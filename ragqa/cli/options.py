"""Options that several commands share, and completion of tags and paths from the index."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import date
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from ragqa.errors import RagqaError, UsageError

if TYPE_CHECKING:
    from ragqa.config.settings import Value
    from ragqa.types import NoteList

# A shell evaluates what completion prints, and tags and file names are untrusted.
_HARMLESS = re.compile(r"[\w./ +@,=-]+")


def _complete(
    ctx: typer.Context, values: Callable[["NoteList"], Iterable[str]], incomplete: str
) -> list[str]:
    """Complete from the index; without one, return nothing."""
    from ragqa.api import index_from
    from ragqa.config import load_settings

    try:
        places = ("corpus", "index", "store", "store_uri")
        loaded = load_settings({name: ctx.params.get(name) for name in places})
        with index_from(loaded) as index:
            found = values(index.notes(refresh=False))
            return [one for one in found if one.startswith(incomplete) and _HARMLESS.fullmatch(one)]
    except RagqaError:
        return []


def complete_tag(ctx: typer.Context, incomplete: str) -> list[str]:
    """The tags in the index that start with `incomplete`."""
    return _complete(ctx, lambda found: found.tags, incomplete)


def complete_path(ctx: typer.Context, incomplete: str) -> list[str]:
    """The paths in the index that start with `incomplete`."""
    return _complete(ctx, lambda found: (note.path for note in found.notes), incomplete)


Corpus = Annotated[str | None, typer.Option("--corpus", metavar="DIR", help="The folder of notes.")]
IndexFolder = Annotated[
    str | None, typer.Option("--index", metavar="DIR", help="The folder that holds the index.")
]


StoreKind = Annotated[
    str | None,
    typer.Option("--store", metavar="KIND", help="Where the index is kept: local or milvus."),
]
StoreUri = Annotated[
    str | None,
    typer.Option(
        "--store-uri", metavar="URI", help="Where Milvus is: https://HOST:PORT or a file, NAME.db."
    ),
]


class Format(StrEnum):
    """How an answer is printed."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def complete_format(incomplete: str) -> list[str]:
    """The formats that start with `incomplete`."""
    return [name for name in Format if name.startswith(incomplete)]


AsFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="text, markdown (ragqa verify can check it later) or json.",
        autocompletion=complete_format,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")]
TopK = Annotated[
    int | None, typer.Option("--top-k", metavar="N", help="How many passages to return.")
]
NoRefresh = Annotated[
    bool,
    typer.Option("--no-refresh", help="Use the index as it is; do not look for changed notes."),
]
Tags = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="TAG",
        help="Only notes with this tag or one nested in it; repeat it to require several tags.",
        autocompletion=complete_tag,
    ),
]
Paths = Annotated[
    list[str] | None,
    typer.Option(
        "--path",
        metavar="GLOB",
        help="Only notes in this folder or matching this pattern; repeat it to allow several.",
        autocompletion=complete_path,
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="DATE",
        help="Only notes dated on or after YYYY[-MM[-DD]]; undated ones are left out.",
    ),
]


@dataclass(frozen=True, slots=True)
class Given:
    """The options for notes and index as given, None if not given."""

    corpus: Corpus = None
    index: IndexFolder = None
    store: StoreKind = None
    store_uri: StoreUri = None

    @property
    def flags(self) -> "dict[str, Value | None]":
        """The options as settings by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Scope:
    """The options that limit what `ask`, `search`, `why`, `list` and `chat` look through."""

    tag: Tags = None
    path: Paths = None
    since: Since = None
    top_k: TopK = None
    no_refresh: NoRefresh = False
    given: Given = Given()


def grouped_options(*without: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Replace each dataclass parameter of a command by its fields, as options of their own.

    :param without: fields that the command does not offer.
    """

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        hints = get_type_hints(command, include_extras=True)
        parameters = signature(command).parameters.values()

        @wraps(command)
        def called(**given: Any) -> int:  # noqa: ANN401 - whatever the options hold
            made = {one.name: _taken(one.name, hints[one.name], given) for one in parameters}
            return command(**made)

        own = [part for one in parameters for part in _spread(one, hints[one.name], without)]
        called.__annotations__ = {one.name: one.annotation for one in own} | {"return": int}
        called.__signature__ = Signature(own)  # type: ignore[attr-defined] # `signature` reads it
        return called

    return decorate


def _spread(parameter: Parameter, hint: Any, without: Iterable[str]) -> Iterator[Parameter]:  # noqa: ANN401 - any annotation
    if not is_dataclass(hint):
        yield parameter.replace(annotation=hint)
        return
    hints = get_type_hints(hint, include_extras=True)
    for field in fields(hint):
        if field.name not in without:
            part = Parameter(field.name, parameter.kind, default=field.default)
            yield from _spread(part, hints[field.name], without)


def _taken(name: str, hint: Any, given: dict[str, Any]) -> Any:  # noqa: ANN401 - any annotation
    """The value of a parameter, or its dataclass made of the options given."""
    if not is_dataclass(hint):
        return given[name]
    hints = get_type_hints(hint)
    parts = {
        one: _taken(one, part, given)
        for one, part in hints.items()
        if one in given or is_dataclass(part)
    }
    return hint(**parts)  # type: ignore[operator] # it is a class


def parse_since(text: str | None) -> str:
    """Return an ISO date from `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; "" for None.

    :raises UsageError: the text is none of these.
    """
    if text is None:
        return ""
    padded = text + "-01-01"[len(text) - len("2025") :] if len(text) in (4, 7) else text
    try:
        return date.fromisoformat(padded).isoformat()
    except ValueError as exc:
        raise UsageError(
            f"--since takes a date like 2025-03-31, 2025-03 or 2025, not {text!r}",
            hint="ragqa ask --since 2025-03 QUESTION",
        ) from exc


def parse_format(chosen: str | None, *, json: bool, explain: bool) -> Format:
    """Return the output format from `--format` and `--json`.

    :param explain: whether scores are requested, which Markdown cannot show.
    :raises UsageError: the format is unknown, or the options contradict each other.
    """
    if chosen is not None and chosen not in list(Format):
        raise UsageError(
            f"--format takes text, markdown or json, not {chosen!r}",
            hint="ragqa ask --format markdown QUESTION",
        )
    if json and chosen not in (None, Format.JSON):
        raise UsageError(
            f"--json and --format {chosen} cannot go together", hint=f"ragqa ask --format {chosen}"
        )
    if explain and chosen == Format.MARKDOWN:
        raise UsageError(
            "--explain and --format markdown cannot go together: only text and json show scores",
            hint="ragqa ask --explain --json QUESTION",
        )
    return Format.JSON if json else Format(chosen or Format.TEXT)


_PLACES = ("--corpus", "--index", "--store", "--store-uri")


def with_places(hint: str, args: list[str]) -> str:
    """Add the notes and index of the failed command to a command in its hint."""
    places: dict[str, str] = {}
    rest = iter(args)
    positional = []
    for arg in rest:
        name, given, value = arg.partition("=")
        if name in _PLACES:
            places[name] = value if given else next(rest, "")
        elif not arg.startswith("-"):
            positional.append(arg)
    if positional[:1] == ["index"] and positional[1:]:
        places["--corpus"] = positional[1]
    command = re.search(
        r"ragqa (?:index(?: --(?:rebuild|wait))?|doctor --repair|calibrate(?: --reset)?)$", hint
    )
    pairs = [word for name in sorted(places) for word in (name, places[name])]
    return f"{hint} {shlex.join(pairs)}" if command and pairs else hint
