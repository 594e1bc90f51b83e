"""Completion of tags, paths, folders, settings and their values, quoted for each shell.

Tags and names of files are untrusted, and a shell evaluates what completion prints.
"""

import os
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer
from typer._click.shell_completion import CompletionItem, add_completion_class
from typer._completion_classes import BashComplete, ZshComplete

from ragqa.errors import RagqaError

if TYPE_CHECKING:
    from ragqa.config import Loaded
    from ragqa.types import NoteList

_PLACES = ("corpus", "index", "store", "store_uri")
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


def _complete(
    ctx: typer.Context, values: "Callable[[Loaded], Iterable[str]]", incomplete: str
) -> list[str]:
    """Complete by the settings for what was typed before; where those are wrong, return nothing."""
    from ragqa.config import load_settings

    try:
        found = values(load_settings({name: ctx.params.get(name) or None for name in _PLACES}))
        return [one for one in found if one.startswith(incomplete) and one.isprintable()]
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


def complete_setting(incomplete: str) -> list[str]:
    """The settings that start with `incomplete`."""
    from ragqa.config import SETTINGS

    return [name for name in SETTINGS if name.startswith(incomplete)]


def complete_value(ctx: typer.Context, incomplete: str) -> list[str]:
    """The values of the setting named before that start with `incomplete`; none for most."""
    from ragqa.config import SETTINGS

    setting = SETTINGS.get(ctx.params.get("name") or "")
    return [one for one in setting.choices if one.startswith(incomplete)] if setting else []


def complete_index(incomplete: str) -> list[str]:
    """The indexes in the data folder that start with `incomplete`."""
    from ragqa.cli.indexes import kept_indexes

    names = [one.folder.name for one in kept_indexes()]
    return [name for name in names if name.startswith(incomplete) and name.isprintable()]


def complete_folder(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of the folders of notes that start with `incomplete`."""
    return _complete(ctx, lambda at: (one.name for one in at.places.corpus.folders), incomplete)
