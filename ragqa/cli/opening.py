"""Load settings, open the index that the command line names, query it, and ask for consent."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragqa.cli.options import Scope, with_places
from ragqa.errors import UsageError

if TYPE_CHECKING:
    from ragqa.api import Index
    from ragqa.config import Loaded
    from ragqa.config.settings import Value
    from ragqa.llms import Destination
    from ragqa.render import ProgressLine
    from ragqa.render.results import Linker
    from ragqa.types import Filters
    from ragqa.user_data.consent import Use


@dataclass(frozen=True, slots=True)
class Query:
    """An open index, what of it a command looks through, and how its progress is shown."""

    index: "Index"
    filters: "Filters"
    refresh: bool
    progress: "ProgressLine"
    linker: "Linker"

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments for a method of the index."""
        return {"filters": self.filters, "refresh": self.refresh, "progress": self.progress}


@contextmanager
def open_query(
    corpus: list[str] | None,
    index: str | None,
    scope: Scope = Scope(),  # noqa: B008 - it is frozen
    *,
    top_k: int | None = None,
    asks: bool = False,
    yes: bool = False,
) -> Iterator[Query]:
    """Open the index for a query.

    :param asks: whether a question will be embedded; its model is then opened meanwhile.
    :param yes: allow a store on another machine without asking.
    """
    filters, loaded = scope.filters, load(corpus, index, top_k=top_k)
    if asks and ":" not in loaded.settings.embedder:  # not of another kind
        from ragqa.embedders import begin

        begin(loaded.settings.embedder)
    from ragqa.render import ProgressLine
    from ragqa.render.results import Linker

    with (
        open_index(loaded, yes=yes) as opened,
        ProgressLine(opening=partial(first_build_notice, opened)) as progress,
    ):
        linker = Linker(opened.places.corpus, opened.settings.link_format)
        yield Query(opened, filters, not scope.no_refresh, progress, linker)


def finish(
    result: object,
    show: Callable[[], None],
    *,
    json: bool,
    warnings: Sequence[str] = (),
    is_good: object = True,
) -> int:
    """Print a result, as one JSON document or by `show`, and then warnings; return the exit code.

    :param is_good: whether it is what was looked for; an empty list is not.
    """
    from ragqa import render

    if json:
        render.print_document(render.document_of(result))
    else:
        show()
    render.print_warnings(warnings)
    return 0 if is_good else 1


def question_in(words: list[str] | None) -> str:
    """The question from the command line or standard input; raises where there is none."""
    if not words and sys.stdin.isatty():
        raise UsageError(
            "no question was given", hint='ragqa ask "when should I fine-tune?", or: ragqa chat'
        )
    if words and words != ["-"]:
        # In a locale without UTF-8, Python passes undecodable bytes as escapes.
        return os.fsencode(" ".join(words)).decode("utf-8", "replace")
    from ragqa.search.question import MAX_QUESTION_BYTES

    # One byte over the limit shows that it is too long.
    data = sys.stdin.buffer.read(MAX_QUESTION_BYTES + 1)
    if len(data) > MAX_QUESTION_BYTES:
        raise UsageError(
            f"standard input is longer than the limit of {MAX_QUESTION_BYTES} bytes",
            hint="ask something shorter",
        )
    return data.decode("utf-8", "replace")


def load(
    corpus: list[str] | None = None, index: str | None = None, **flags: "Value | None"
) -> "Loaded":
    """Load the settings for a command, and warn about unknown ones."""
    from ragqa.config import load_settings

    folders = None if corpus is None else tuple(corpus)
    loaded = load_settings({"corpus": folders, "index": index, **flags})
    if loaded.warnings:
        from ragqa.render import print_warnings

        print_warnings(loaded.warnings)
    return loaded


def open_index(loaded: "Loaded", *, yes: bool = False) -> "Index":
    """The index that the settings name; nothing is built yet.

    :param yes: allow a store on another machine without asking.
    """
    from ragqa.api import Index
    from ragqa.render import show_logged_warnings

    show_logged_warnings()

    def may_use(host: str) -> bool:
        from ragqa.user_data.consent import Use, is_allowed

        if not (yes or is_interactive()):
            return is_allowed(host, Use.STORE)
        from ragqa.index import SENT
        from ragqa.llms import Destination

        what = f"{SENT}, of the notes in {index.places.corpus}"
        if index.kept.uri.startswith("http://"):
            what += "; this address is http://: anyone on the network path can read it"
        there = Destination(f"The store at {index.kept.where}", host)
        return consented(there, yes=yes, what=what, use=Use.STORE)

    index = Index(loaded, may_use=may_use, update_with=with_places("ragqa index", sys.argv[1:]))
    return index


def write_file(name: str, text: str, *, new: bool = False) -> None:
    """Write a file that the user named, or raise `UsageError`; `new` overwrites none."""
    from ragqa.safe import write_whole

    try:
        write_whole(Path(name).expanduser(), text, new=new)
    except (OSError, ValueError, RuntimeError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise UsageError(f"{name} cannot be written: {reason}", hint="name another file") from exc


def first_build_notice(index: "Index") -> str:
    """The message before a first build that was not requested; "" if there is an index."""
    if index.kept.is_shared or index.is_built():
        return ""
    return (
        f"No index yet: building one from the notes in {index.places.corpus}, "
        f"to be kept in {index.kept.where}. This happens once."
    )


def is_interactive() -> bool:
    """Whether a person types on stdin and sees stderr."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def consented(
    destination: "Destination", *, yes: bool, what: str, use: "Use | None" = None
) -> bool:
    """Whether the user allows sending `what` to a destination, which is remembered for its host.

    :param yes: `--yes` was given, which counts as consent.
    :param use: what the host would be allowed for, by default to answer.
    :raises NotAllowed: the user cannot be asked.
    :raises UsageError: the host is invalid, or the list of hosts may be by somebody else.
    """
    from ragqa import render
    from ragqa.safe import safe_line
    from ragqa.user_data import consent

    use = use or consent.Use.LLM
    if destination.is_local or consent.is_allowed(destination.host, use):
        return True
    if not (yes or is_interactive()):
        hint = "add --yes to this command"
        raise consent.not_allowed(destination.backend, what, destination.where, hint=hint)
    if not yes:
        backend = safe_line(destination.backend)
        render.say(f"{backend} is not on this machine. It would be sent {safe_line(what)}.")
        render.say(f"This would go to: {safe_line(destination.where)}")
        if not render.confirm("Allow this, now and from now on?"):
            return False
    try:
        line = consent.allow(destination.host, use)
        render.say(
            f"Allowed: {line} (to take it back, delete this line in {consent.consent_file()})"
        )
    except UsageError as exc:
        render.print_warnings([f"consent holds for this command only: {exc.message}"])
    return True
