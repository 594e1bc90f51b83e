"""Options that several commands share, each declared once; groups of them are taken whole."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption
from typer.main import get_params_convertors_ctx_param_name_from_function as parameters_of

from ragqa.cli.completion import complete_folder, complete_path, complete_tag
from ragqa.clock import day_since

if TYPE_CHECKING:
    from ragqa.config.settings import Value
    from ragqa.types import Corpus, Filters

_DEBUG = "Show a traceback when something fails."


class Command(TyperCommand):
    """A command of ragqa.

    A parameter whose parser is a data class stands for the options that are the class's fields, and
    the command is given an object of it. Every command has `--debug`, which `cli.run` reads.
    """

    def __init__(self, *args: Any, params: list[Any], **how: Any) -> None:  # noqa: ANN401 - as typer passes them
        self._groups: dict[str, tuple[Callable[..., object], dict[str, Any]]] = {}
        shown: list[Any] = []
        for parameter in params:
            group = getattr(parameter.type, "func", None)
            if not (isinstance(group, type) and is_dataclass(group)):
                shown.append(parameter)
                continue
            options, convertors, _ = parameters_of(group)
            by_name = {str(one.name): convertors.get(str(one.name)) for one in options}
            self._groups[parameter.name] = group, by_name
            shown += options
        if all(parameter.name != "debug" for parameter in shown):
            debug = ["debug", "--debug"]
            shown.append(
                TyperOption(
                    param_decls=debug, is_flag=True, default=False, expose_value=False, help=_DEBUG
                )
            )
        super().__init__(*args, params=shown, **how)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own classes are private
        """Call the function of the command, with an object for each group of options."""
        for name, (group, options) in self._groups.items():
            given = {option: ctx.params.pop(option) for option in options}
            ctx.params[name] = group(
                **{
                    option: convert(given[option]) if convert else given[option]
                    for option, convert in options.items()
                }
            )
        return super().invoke(ctx)


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
    str | None, typer.Option(metavar="DIR", help="The folder that holds the index.")
]
TopK = Annotated[int | None, typer.Option(metavar="N", help="How many passages to return.")]
NoRefresh = Annotated[
    bool,
    typer.Option("--no-refresh", help="Use the index as it is; do not look for changed notes."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Debug = Annotated[bool, typer.Option("--debug", help=_DEBUG)]


@dataclass(frozen=True, slots=True)
class PlaceOptions:
    """The options for notes and index as given, None if not given."""

    corpus: Folders = None
    index: IndexFolder = None
    store: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Where the index is kept: local or milvus."),
    ] = None
    store_uri: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            help="Where Milvus is: https://HOST:PORT or a file, NAME.db.",
        ),
    ] = None

    @property
    def flags(self) -> "dict[str, Value | None]":
        """The options as settings by name."""
        return {one.name: getattr(self, one.name) for one in fields(PlaceOptions)}


@dataclass(frozen=True, slots=True)
class ScopeOptions:
    """The options that limit what `ask`, `search`, `why`, `list` and `chat` look through."""

    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TAG",
            help="Only notes with this tag or one nested in it; repeat it to require several tags.",
            autocompletion=complete_tag,
        ),
    ] = None
    path: Annotated[
        list[str] | None,
        typer.Option(
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
        str,
        typer.Option(
            metavar="DATE",
            help="Only notes dated on or after YYYY[-MM[-DD]]; undated ones are left out.",
        ),
    ] = ""
    where: Annotated[
        str,
        typer.Option(
            metavar="FILTER",
            help="Only notes whose properties match: 'status = \"done\" and due < 2026-01-01'.",
        ),
    ] = ""
    no_refresh: NoRefresh = False

    def filters(self, corpus: "Corpus") -> "Filters":
        """The filters that the options name, in this corpus.

        :raises UsageError: `--since` is not a date, or `--in` no folder of the corpus.
        """
        from ragqa.config.folders import globs_in
        from ragqa.types import Filters

        paths = globs_in(corpus, self.within or (), self.path or ())
        return Filters(tuple(self.tag or ()), paths, day_since(self.since), self.where)


Places = Annotated[PlaceOptions, typer.Option(parser=PlaceOptions)]
Scope = Annotated[ScopeOptions, typer.Option(parser=ScopeOptions)]


def add_consent_commands(
    app: typer.Typer, family: str, *, host: str, allows: str, forgets: str, example: str
) -> None:
    """Add `allow` and `forget` to a family of commands; `host` is the help of their argument."""
    named = typer.Argument(metavar="HOST", help=host)

    @app.command(cls=Command, help=f"{allows}\n\nExample: ragqa {family} allow {example}")
    def allow(host: Annotated[str, named]) -> int:
        from ragqa.cli.consenting import allow_host
        from ragqa.consent import Use

        allow_host(host, Use[family.upper()])
        return 0

    @app.command(cls=Command, help=f"{forgets}\n\nExample: ragqa {family} forget {example}")
    def forget(host: Annotated[str, named]) -> int:
        from ragqa.cli.consenting import forget_host
        from ragqa.consent import Use

        forget_host(host, Use[family.upper()])
        return 0


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
