"""Options that several commands share, each declared once, and what completes them.

Tags and names of files are untrusted, and a shell evaluates what completion prints.
"""

import os
import re
import shlex
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from typer._click.shell_completion import CompletionItem, add_completion_class
from typer._completion_classes import BashComplete, ZshComplete

from ragqa.clock import day_since
from ragqa.errors import RagqaError

if TYPE_CHECKING:
    from ragqa.types import Filters, NoteList

Complete = Callable[[typer.Context, str], list[str]]
"""Gives what can be typed instead of an incomplete word."""

_BARE = re.compile(r"[^\w./+,@%-]")
_NOT_IN_QUOTES = re.compile(r"['\"`$\\!*?[]")


class _Bash(BashComplete):
    """Bash inserts what it is given, behind a quotation mark that the user has typed."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        found = super().get_completions(args, incomplete)
        typed = os.environ["COMP_WORDS"].split("\n")[int(os.environ["COMP_CWORD"]) :]
        if typed and typed[0].startswith(("'", '"')):
            return [one for one in found if not _NOT_IN_QUOTES.search(one.value)]
        for one in found:
            one.value = _BARE.sub(r"\\\g<0>", one.value)
        return found


class _Zsh(ZshComplete):
    """Zsh evaluates what it is given, and quotes what it inserts."""

    def complete(self) -> str:
        found = self.get_completions(*self.get_completion_args())
        if not found or any(one.help for one in found):
            return super().complete()
        words = (f"$'{_BARE.sub(_as_bytes, one.value)}'" for one in found)
        return f"compadd -- {' '.join(words)}"


def _as_bytes(match: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in match[0].encode())


def quote_for_shells() -> None:
    """Have bash and zsh quote what completion inserts; fish does so by itself.

    Only once typer has made the command, since it then puts its own classes in place.
    """
    add_completion_class(_Bash, "bash")
    add_completion_class(_Zsh, "zsh")


def _completing(values: Callable[[typer.Context], Iterable[str]]) -> Complete:
    """Complete by what was typed before; where the settings or the index are wrong, by nothing."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            found = values(ctx)
        except RagqaError:
            return []
        return [one for one in found if one.startswith(incomplete) and one.isprintable()]

    return complete


def _notes(ctx: typer.Context) -> "NoteList":
    """The notes in the index as it is."""
    from ragqa.api import index_from
    from ragqa.config import load_settings

    places = {name: ctx.params.get(name) or None for name in ("corpus", "index")}
    with index_from(load_settings(places)) as index:
        return index.notes(refresh=False)


def _settings(ctx: typer.Context) -> Iterable[str]:
    """The settings, or the values of the one that was named before, if only some are allowed."""
    from ragqa.config import SETTINGS

    if name := ctx.params.get("name"):
        return SETTINGS[name].choices if name in SETTINGS else ()
    return SETTINGS


def _indexes(_: typer.Context) -> Iterable[str]:
    from ragqa.kept import kept_indexes

    return [one.name for one in kept_indexes()]


complete_tag = _completing(lambda ctx: _notes(ctx).tags)
complete_path = _completing(lambda ctx: [note.path for note in _notes(ctx).notes])
complete_setting = _completing(_settings)
complete_index = _completing(_indexes)

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
        help="Only notes whose properties match: 'status = \"done\" and due < 2026-01-01'.",
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
    bool, typer.Option("--strict", help="Leave out sentences that say what their sources lack.")
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
