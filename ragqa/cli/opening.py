"""Load settings, open the index that the command line names, and query it."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ragqa.cli.options import Given, parse_since, parse_tags
from ragqa.errors import UsageError

if TYPE_CHECKING:
    from ragqa.api import Index
    from ragqa.config import Loaded
    from ragqa.config.settings import Value
    from ragqa.render import Linker
    from ragqa.types import Filters

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scope:
    """The options that limit what `ask`, `search`, `why`, `list` and `chat` look through."""

    tags: list[str] | None
    paths: list[str] | None
    since: str | None
    top_k: int | None
    no_refresh: bool
    given: Given


def call_with_question(
    find: Callable[..., T], words: list[str] | None, scope: Scope
) -> "tuple[T, Linker]":
    """Call `find` with the index and the question; also return a linker to the notes.

    :raises UsageError: there is no question, or it is too long.
    """
    text = _question(words)
    return call_on_index(lambda index, **how: find(index, text, **how), scope)


def call_on_index(look: Callable[..., T], scope: Scope) -> "tuple[T, Linker]":
    """Like `call_with_question`, without a question."""
    from ragqa.render import Linker, ProgressLine

    filters = filters_of(scope)
    with open_index(load(scope.given, top_k=scope.top_k)) as index:
        with ProgressLine(opening=first_build_notice(index)) as progress:
            found = look(index, filters=filters, refresh=not scope.no_refresh, progress=progress)
        return found, Linker(index.places.corpus, index.settings.link_format)


def filters_of(scope: Scope) -> "Filters":
    """Return the filters of a scope.

    :raises UsageError: `--since` is not a date.
    """
    from ragqa.types import Filters

    return Filters(parse_tags(scope.tags), tuple(scope.paths or ()), parse_since(scope.since))


def _question(words: list[str] | None) -> str:
    if not words and (sys.stdin is None or sys.stdin.isatty()):
        raise UsageError(
            "no question was given", hint='ragqa ask "when should I fine-tune?", or: ragqa chat'
        )
    if words and words != ["-"]:
        # In a locale without UTF-8, Python passes undecodable bytes as escapes.
        return os.fsencode(" ".join(words)).decode("utf-8", "replace")
    from ragqa.retrieval import MAX_QUESTION_BYTES

    # One byte over the limit shows that it is too long.
    data = sys.stdin.buffer.read(MAX_QUESTION_BYTES + 1) if sys.stdin else b""
    if len(data) > MAX_QUESTION_BYTES:
        raise UsageError(
            f"standard input is longer than the limit of {MAX_QUESTION_BYTES} bytes",
            hint="ask something shorter",
        )
    return data.decode("utf-8", "replace")


def open_index(loaded: "Loaded") -> "Index":
    """Return the index that the settings name; nothing is built yet.

    The user is asked before the first use of a store on another machine.
    """
    from ragqa.api import index_from

    def may_use(host: str) -> bool:
        from ragqa.cli.consenting import store_consented

        return store_consented(host, where=index.kept.where, corpus=index.places.corpus)

    index = index_from(loaded, may_use=may_use)
    return index


def load(given: Given, **flags: "Value | None") -> "Loaded":
    """Load the settings for a command, each with its origin."""
    from ragqa.render import show_logged_warnings

    show_logged_warnings()
    return load_flags({**given.flags, **flags})


def load_flags(flags: "Mapping[str, Value | None]") -> "Loaded":
    """Load settings from flags by name."""
    from ragqa.config import load_settings

    loaded = load_settings(flags)
    print_notices(loaded)
    return loaded


def print_notices(loaded: "Loaded") -> None:
    """Print which notes are used if a setting was ignored, and warn about unknown settings."""
    if loaded.passed_over or loaded.warnings:
        from ragqa.render import print_warnings, say

        if loaded.passed_over:
            say(loaded.passed_over)
        print_warnings(loaded.warnings)


def first_build_notice(index: "Index") -> str:
    """The message before a first build that was not requested; "" if there is an index."""
    if index.kept.is_shared or index.is_built():
        return ""
    return (
        f"No index yet: building one from the notes in {index.places.corpus}, "
        f"to be kept in {index.kept.where}. This happens once."
    )
