"""Options that several commands share, each declared once, and what completes them.

Tags and names of files are untrusted, and a shell evaluates what completion prints.
"""

import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragqa.errors import RagqaError

if TYPE_CHECKING:
    from ragqa.types import Filters, NoteList

_NEEDS_QUOTES = re.compile(r"[^\w./+,@%-]")


def _completing(
    values: Callable[[typer.Context], Iterable[str]],
) -> Callable[[typer.Context, str], list[str]]:
    """Complete a word from values; one that a shell might split or evaluate is left out."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            known = values(ctx)
        except RagqaError:
            return []
        return [
            word for word in known if word.startswith(incomplete) and not _NEEDS_QUOTES.search(word)
        ]

    return complete


def _notes(ctx: typer.Context) -> "NoteList":
    """The notes in the index as it is."""
    from ragqa.api import Index
    from ragqa.config import load_settings

    places = {name: ctx.params.get(name) or None for name in ("corpus", "index")}
    with Index(load_settings(places)) as index:
        return index.notes(refresh=False)


def _settings(ctx: typer.Context) -> Iterable[str]:
    """The settings, or the values of the one that was named before, if only some are allowed."""
    from ragqa.config import SETTINGS

    if name := ctx.params.get("name"):
        return SETTINGS[name].choices if name in SETTINGS else ()
    return SETTINGS


complete_tag = _completing(lambda ctx: _notes(ctx).tags)
complete_path = _completing(lambda ctx: [note.path for note in _notes(ctx).notes])
complete_setting = _completing(_settings)

Folders = Annotated[
    list[str] | None,
    typer.Option("--corpus", metavar="DIR", help="A folder of notes; repeat it to use several."),
]
IndexFolder = Annotated[
    str | None, typer.Option("--index", metavar="DIR", help="The folder that holds the index.")
]
TopK = Annotated[int | None, typer.Option(metavar="N", help="How many passages to return.")]
NoRefresh = Annotated[
    bool,
    typer.Option("--no-refresh", help="Use the index as it is; do not look for changed notes."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
LLM = Annotated[
    str | None,
    typer.Option(
        metavar="KIND:MODEL",
        help="The LLM that writes the answer, such as ollama:llama3.2, or none.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Writing:
    """Which LLM writes an answer, and how."""

    llm: LLM = None
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Allow the hosts that this needs from now on, without asking."),
    ] = False
    strict: Annotated[
        bool, typer.Option("--strict", help="Leave out sentences that say what their sources lack.")
    ] = False
    force: Annotated[
        bool, typer.Option("--force", help="Ask the LLM even if the notes do not seem to answer.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which notes a command looks through, and whether changed ones are read first."""

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
    since: Annotated[
        str,
        typer.Option(
            metavar="DATE",
            help="Only what is dated then or later, such as 2025-03 or 'last month'; "
            "no undated notes.",
        ),
    ] = ""
    until: Annotated[
        str,
        typer.Option(metavar="DATE", help="Only what is dated then or earlier; no undated notes."),
    ] = ""
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Only notes with this property, such as status=done; repeat it for several.",
        ),
    ] = None
    no_refresh: NoRefresh = False

    @property
    def filters(self) -> "Filters":
        """The filters that the options name; raises if `--since` or `--until` is no date."""
        from ragqa.clock import today
        from ragqa.text.dates import day_named
        from ragqa.types import Filters

        days = day_named("since", self.since, today()), day_named("until", self.until, today())
        tags, paths, where = (tuple(given or ()) for given in (self.tag, self.path, self.where))
        return Filters(tags, paths, days[0], where, days[1])


def expanded(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command each option of the sets that it takes: of a `Scope`, of a `Writing`."""
    taken = signature(command).parameters
    sets = {
        name: kind for name in taken for kind in (Scope, Writing) if taken[name].annotation is kind
    }

    @wraps(command)
    def with_sets(**given: Any) -> int:  # noqa: ANN401 - passed on
        for name, kind in sets.items():
            options = signature(kind).parameters
            given[name] = kind(**{option: given.pop(option) for option in options})
        return command(**given)

    every = list[Parameter]()
    for name, own in taken.items():
        every += signature(sets[name]).parameters.values() if name in sets else [own]
    with_sets.__signature__ = Signature(every)  # type: ignore[attr-defined]
    with_sets.__annotations__ = {each.name: each.annotation for each in every}
    return with_sets


def with_places(hint: str, args: list[str]) -> str:
    """Add the notes and index of the failed command to a command in its hint."""
    if not re.search(r"ragqa index(?: --(?:rebuild|wait))?$", hint):
        return hint
    places: dict[str, list[str]] = {"--corpus": [], "--index": []}
    words, rest = list[str](), iter(args)
    for arg in rest:
        name, given, value = arg.partition("=")
        if name in places:
            places[name].append(value if given else next(rest, ""))
        elif not arg.startswith("-"):
            words.append(arg)
    if words[:1] == ["index"]:
        places["--corpus"] += words[1:]
    pairs = ((name, value) for name in places for value in places[name])
    return " ".join([hint, *(shlex.join(pair) for pair in pairs)])
