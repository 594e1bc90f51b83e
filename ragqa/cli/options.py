"""The options that several commands share, each declared once, in groups that commands take whole.

Completion of tags and paths comes from the index.
"""

import functools
import inspect
import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragqa.clock import day_since
from ragqa.errors import RagqaError

if TYPE_CHECKING:
    from ragqa.config import Loaded
    from ragqa.config.setting import Value
    from ragqa.types import Corpus, Filters, NoteList

Command = Callable[..., int]
"""A command: it takes its options and returns the exit code."""

# A shell evaluates what completion prints, and tags and file names are untrusted.
_HARMLESS = re.compile(r"[\w./ +@,=-]+")


def _complete(
    ctx: typer.Context, values: "Callable[[Loaded], Iterable[str]]", incomplete: str
) -> list[str]:
    """Complete by the settings for what was typed before; where those are wrong, return nothing."""
    from ragqa.config import load_settings

    places = [field.name for field in fields(PlaceOptions)]
    try:
        found = values(load_settings({name: ctx.params.get(name) or None for name in places}))
        return [one for one in found if one.startswith(incomplete) and _HARMLESS.fullmatch(one)]
    except RagqaError:
        return []


def _notes(loaded: "Loaded") -> "NoteList":
    """The notes in the index as it is."""
    from ragqa.api import index_from

    with index_from(loaded) as index:
        return index.notes(refresh=False)


def complete_tag(ctx: typer.Context, incomplete: str) -> list[str]:
    """The tags in the index that start with `incomplete`."""
    return _complete(ctx, lambda loaded: _notes(loaded).tags, incomplete)


def complete_path(ctx: typer.Context, incomplete: str) -> list[str]:
    """The paths in the index that start with `incomplete`."""
    return _complete(ctx, lambda loaded: (note.path for note in _notes(loaded).notes), incomplete)


def complete_folder(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of the folders of notes that start with `incomplete`."""
    return _complete(ctx, lambda at: (one.name for one in at.places.corpus.folders), incomplete)


class Format(StrEnum):
    """How an answer is printed."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


Folders = Annotated[
    list[str] | None,
    typer.Option("--corpus", metavar="DIR", help="A folder of notes; repeat it to use several."),
]
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
AsFormat = Annotated[
    Format | None,
    typer.Option(
        metavar="FORMAT", help="text, markdown (ragqa verify can check it later) or json."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")]


@dataclass(frozen=True, slots=True)
class PlaceOptions:
    """The options for notes and index as given, None if not given."""

    corpus: Folders = None
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

    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            metavar="TAG",
            help="Only notes with this tag or one nested in it; repeat it to require several tags.",
            autocompletion=complete_tag,
        ),
    ] = None
    path: Annotated[
        list[str] | None,
        typer.Option(
            "--path",
            metavar="GLOB",
            help="Only notes in this folder or matching this pattern; repeat it to allow several.",
            autocompletion=complete_path,
        ),
    ] = None
    within: Annotated[
        list[str] | None,
        typer.Option(
            "--in",
            metavar="NAME",
            help="Only notes in this folder, if there are several; repeat it to allow several.",
            autocompletion=complete_folder,
        ),
    ] = None
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="DATE",
            help="Only notes dated on or after YYYY[-MM[-DD]]; undated ones are left out.",
        ),
    ] = None
    where: Annotated[
        str,
        typer.Option(
            "--where",
            metavar="FILTER",
            help="Only notes with such properties: 'status = \"done\" and due < 2026-01-01'.",
        ),
    ] = ""
    top_k: Annotated[
        int | None, typer.Option("--top-k", metavar="N", help="How many passages to return.")
    ] = None
    no_refresh: Annotated[
        bool,
        typer.Option("--no-refresh", help="Use the index as it is; do not look for changed notes."),
    ] = False
    given: PlaceOptions = PlaceOptions()

    def filters(self, corpus: "Corpus") -> "Filters":
        """The filters that the options name, in this corpus.

        :raises UsageError: `--since` is not a date, or `--in` no folder of the corpus.
        """
        from ragqa.config.setting import globs_in
        from ragqa.types import Filters

        paths = globs_in(corpus, self.within or (), self.path or ())
        return Filters(tuple(self.tag or ()), paths, day_since(self.since or ""), self.where)


def grouped_options(*without: str) -> Callable[[Command], Command]:
    """Make a typer command of a function: each options dataclass is replaced by its fields.

    Every command also gets `--debug`, which `cli.run` reads; one that declares it is given it.

    :param without: fields that the command does not offer; they keep their defaults.
    """

    def flatten(command: Command) -> Command:
        taken = inspect.signature(command).parameters.values()

        @functools.wraps(command)
        def call(**values: Any) -> int:  # noqa: ANN401 - whatever typer parsed
            return command(**{parameter.name: _value(parameter, values) for parameter in taken})

        by_name = inspect.Parameter.KEYWORD_ONLY
        debug = inspect.Parameter("debug", by_name, default=False, annotation=Debug)
        others = [one for one in taken if one.name != "debug"]
        shown = [each for one in (*others, debug) for each in _flattened(one, without)]
        call.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
        call.__annotations__ = {one.name: one.annotation for one in shown}
        return call

    return flatten


def _fields(parameter: inspect.Parameter) -> Collection[inspect.Parameter]:
    """The fields of an options dataclass as parameters; none if it is an option by itself."""
    group: Callable[..., object] = parameter.annotation
    return inspect.signature(group).parameters.values() if is_dataclass(group) else ()


def _flattened(
    parameter: inspect.Parameter, without: tuple[str, ...]
) -> Iterator[inspect.Parameter]:
    fields = _fields(parameter)
    if not fields:
        yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
    for field in fields:
        if field.name not in without:
            yield from _flattened(field, without)


def _value(parameter: inspect.Parameter, values: dict[str, Any]) -> Any:  # noqa: ANN401 - as typer parsed it
    """The value of a command's parameter; an options dataclass is made from its fields' values."""
    fields = _fields(parameter)
    if not fields:
        return values.get(parameter.name, parameter.default)
    return parameter.annotation(**{field.name: _value(field, values) for field in fields})


def with_places(hint: str, args: list[str]) -> str:
    """Add the notes and index of the failed command to a command in its hint."""
    options = {f"--{field.name.replace('_', '-')}" for field in fields(PlaceOptions)}
    places: list[tuple[str, str]] = []
    rest = iter(args)
    positional = []
    for arg in rest:
        name, given, value = arg.partition("=")
        if name in options:
            places.append((name, value if given else next(rest, "")))
        elif not arg.startswith("-"):
            positional.append(arg)
    if positional[:1] == ["index"] and positional[1:]:
        places += [("--corpus", folder) for folder in positional[1:]]
    command = re.search(r"ragqa (?:index(?: --(?:rebuild|wait))?|doctor --repair)$", hint)
    pairs = [word for place in sorted(places, key=itemgetter(0)) for word in place]
    return f"{hint} {shlex.join(pairs)}" if command and pairs else hint
