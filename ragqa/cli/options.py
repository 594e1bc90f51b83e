"""Options that several commands share, each declared once."""

import re
import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.completion import complete_path, complete_tag
from ragqa.clock import day_since

if TYPE_CHECKING:
    from ragqa.types import Filters

Folders = Annotated[
    list[str] | None,
    typer.Option("--corpus", metavar="DIR", help="A folder of notes; repeat it to use several."),
]
IndexFolder = Annotated[
    str | None, typer.Option("--index", metavar="DIR", help="The folder that holds the index.")
]
TopK = Annotated[int | None, typer.Option(metavar="N", help="How many passages to return.")]
Tags = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="TAG",
        help="Only notes with this tag or one nested in it; repeat it to require several tags.",
        autocompletion=complete_tag,
    ),
]
Globs = Annotated[
    list[str] | None,
    typer.Option(
        "--path",
        metavar="GLOB",
        help="Only notes in this folder or matching this pattern; repeat it to allow several.",
        autocompletion=complete_path,
    ),
]
Since = Annotated[
    str,
    typer.Option(
        metavar="DATE",
        help="Only notes dated on or after YYYY[-MM[-DD]]; undated ones are left out.",
    ),
]
Where = Annotated[
    str,
    typer.Option(
        metavar="FILTER",
        help="Only notes with such properties: 'status = \"done\" and due < 2026-01-01'.",
    ),
]
NoRefresh = Annotated[
    bool,
    typer.Option("--no-refresh", help="Use the index as it is; do not look for changed notes."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
LLM = Annotated[
    str | None,
    typer.Option(
        metavar="KIND:MODEL",
        help="The LLM that writes the answer (see ragqa llm list), or none.",
    ),
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Allow the LLM's host from now on, without asking.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Leave out sentences that their sources do not support.")
]
Force = Annotated[
    bool, typer.Option("--force", help="Ask the LLM even if the notes do not seem to answer.")
]


def filters_of(tag: list[str] | None, path: list[str] | None, since: str, where: str) -> "Filters":
    """The filters that the options name.

    :raises UsageError: `--since` is not a date.
    """
    from ragqa.types import Filters

    return Filters(tuple(tag or ()), tuple(path or ()), day_since(since), where)


def with_places(hint: str, args: list[str]) -> str:
    """Add the notes and index of the failed command to a command in its hint."""
    if not re.search(r"ragqa (?:index(?: --(?:rebuild|wait))?|doctor --repair)$", hint):
        return hint
    places: list[tuple[str, str]] = []
    positional = []
    rest = iter(args)
    for arg in rest:
        name, given, value = arg.partition("=")
        if name in ("--corpus", "--index"):
            places.append((name, value if given else next(rest, "")))
        elif not arg.startswith("-"):
            positional.append(arg)
    if positional[:1] == ["index"]:
        places += [("--corpus", folder) for folder in positional[1:]]
    pairs = [word for place in sorted(places, key=lambda place: place[0]) for word in place]
    return " ".join([hint, shlex.join(pairs)]) if pairs else hint
