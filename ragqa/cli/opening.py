"""From what was typed to an opened index, and what is found in it."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeVar

from ragqa.cli.options import parse_since, parse_tags
from ragqa.errors import UsageError

if TYPE_CHECKING:
    from ragqa.api import Index
    from ragqa.config import Loaded
    from ragqa.config.settings import Value
    from ragqa.render import Linker
    from ragqa.types import Filters

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Given:
    """Where notes and index are, as given; None where it was not."""

    corpus: str | None
    index: str | None
    store: str | None
    store_uri: str | None

    @property
    def flags(self) -> "dict[str, Value | None]":
        """The same as settings by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Scope:
    """What `ask`, `search`, `why` and `chat` look through, as given."""

    tags: list[str] | None
    paths: list[str] | None
    since: str | None
    top_k: int | None
    no_refresh: bool
    given: Given


def find_in(find: Callable[..., T], words: list[str] | None, scope: Scope) -> "tuple[T, Linker]":
    """Ask, search or the like; the second value links to the notes found.

    :raises UsageError: there is no question, or it is too long.
    """
    text = _question(words)
    return look_in(lambda index, **how: find(index, text, **how), scope)


def look_in(look: Callable[..., T], scope: Scope) -> "tuple[T, Linker]":
    """The same without a question."""
    from ragqa.render import Linker, ProgressLine

    filters = filters_of(scope)
    with opened(load(scope.given, top_k=scope.top_k)) as index:
        with ProgressLine(opening=first_build(index)) as progress:
            found = look(index, filters=filters, refresh=not scope.no_refresh, progress=progress)
        return found, Linker(index.places.corpus, index.settings.link_format)


def filters_of(scope: Scope) -> "Filters":
    """Which notes count.

    :raises UsageError: the date is none.
    """
    from ragqa.types import Filters

    return Filters(parse_tags(scope.tags), tuple(scope.paths or ()), parse_since(scope.since))


def _question(words: list[str] | None) -> str:
    if not words and (sys.stdin is None or sys.stdin.isatty()):
        raise UsageError(
            "there is no question", hint='ragqa ask "when should I fine-tune?", or: ragqa chat'
        )
    if words and words != ["-"]:
        # In a locale without UTF-8 Python hands over what it could not decode as escapes.
        return os.fsencode(" ".join(words)).decode("utf-8", "replace")
    from ragqa.retrieval import MAX_QUESTION_BYTES

    # One byte more than is allowed is enough to see that it is too long.
    data = sys.stdin.buffer.read(MAX_QUESTION_BYTES + 1) if sys.stdin else b""
    if len(data) > MAX_QUESTION_BYTES:
        raise UsageError(
            f"standard input holds more than the {MAX_QUESTION_BYTES} bytes that are read",
            hint="ask something shorter",
        )
    return data.decode("utf-8", "replace")


def opened(loaded: "Loaded") -> "Index":
    """The index that these settings name; nothing is built yet.

    The user is asked before a store elsewhere is used that they did not allow.
    """
    from ragqa.api import index_from

    def may_use(host: str) -> bool:
        from ragqa.cli.consenting import store_consented

        return store_consented(host, where=index.kept.where, corpus=index.places.corpus)

    index = index_from(loaded, may_use=may_use)
    return index


def load(given: Given, **flags: "Value | None") -> "Loaded":
    """The settings that hold for the command, and where each came from."""
    from ragqa.render import show_logged_warnings

    show_logged_warnings()
    return load_flags({**given.flags, **flags})


def load_flags(flags: "Mapping[str, Value | None]") -> "Loaded":
    """The same for options that are not those of most commands."""
    from ragqa.config import load_settings

    loaded = load_settings(flags)
    tell_of(loaded)
    return loaded


def tell_of(loaded: "Loaded") -> None:
    """Say which notes are used where a setting was passed over, and which settings are unknown."""
    if loaded.passed_over or loaded.warnings:
        from ragqa.render import print_warnings, say

        if loaded.passed_over:
            say(loaded.passed_over)
        print_warnings(loaded.warnings)


def first_build(index: "Index") -> str:
    """What to say before an index is built without having been asked for; "" if there is one."""
    if index.kept.is_shared or index.is_built():
        return ""
    return (
        f"No index yet: building one of the notes in {index.places.corpus}, "
        f"kept in {index.kept.where}. This happens once."
    )
