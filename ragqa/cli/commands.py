"""The commands: each parses, calls one function, renders, and returns an exit code."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ragqa.cli.options import (
    AsFormat,
    AsJson,
    Corpus,
    Debug,
    Format,
    IndexFolder,
    NoRefresh,
    Paths,
    Since,
    Tags,
    TopK,
    parse_format,
    parse_since,
    parse_tags,
    with_places,
)
from ragqa.errors import NotesSkipped, UsageError

if TYPE_CHECKING:
    from ragqa.api import Index
    from ragqa.config import Loaded
    from ragqa.render import Linker

T = TypeVar("T")

app = typer.Typer(
    # Plain help is twice as fast as rich's, and the same on every terminal.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Ask your notes, get cited answers. Nothing leaves this machine.",
    epilog='Example: ragqa ask "when should I fine-tune?"',
)


@app.command()
def ask(
    question: Annotated[
        list[str], typer.Argument(metavar="QUESTION", help="The question; - reads standard input.")
    ],
    tag: Tags = None,
    path: Paths = None,
    since: Since = None,
    top_k: TopK = None,
    no_refresh: NoRefresh = False,
    corpus: Corpus = None,
    index: IndexFolder = None,
    format: AsFormat = None,  # noqa: A002 - the option's name
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the figures that the answer was found by.")
    ] = False,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Answer a question from the notes, with citations.

    Builds the index if there is none, and brings it up to date if notes changed. Exits with 1
    where the notes do not seem to hold an answer.

    Example: ragqa ask "when should I fine-tune?" --tag fine-tuning
    """
    from ragqa import render
    from ragqa.api import Index

    wanted = parse_format(format, json=json, explain=explain)
    scope = Scope(tag, path, since, top_k, no_refresh, corpus, index)
    answer, linker = find_in(Index.ask, question, scope)
    if wanted is Format.JSON:
        render.print_document(render.answer_document(answer, explain=explain))
    elif wanted is Format.MARKDOWN:
        from ragqa.render.markdown import answer_markdown

        render.print_as_is(answer_markdown(answer))
    else:
        render.print_answer(answer, linker)
        if explain:
            from ragqa.render.scores import print_scores

            print_scores(answer)
    render.print_warnings(answer.warnings)
    return 0 if answer.answered else 1


@app.command()
def search(
    query: Annotated[
        list[str], typer.Argument(metavar="QUERY", help="What to look for; - reads standard input.")
    ],
    tag: Tags = None,
    path: Paths = None,
    since: Since = None,
    top_k: TopK = None,
    no_refresh: NoRefresh = False,
    corpus: Corpus = None,
    index: IndexFolder = None,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """List the passages nearest to a query, best first.

    Example: ragqa search "vector index memory" --path "rag/*" --top-k 3
    """
    from ragqa import render
    from ragqa.api import Index

    scope = Scope(tag, path, since, top_k, no_refresh, corpus, index)
    result, linker = find_in(Index.search, query, scope)
    if json:
        render.print_document(render.search_document(result))
    else:
        render.print_search(result, linker)
    render.print_warnings(result.warnings)
    return 0 if result.hits else 1


@app.command(name="index")
def build(
    notes: Annotated[
        str | None, typer.Argument(metavar="[CORPUS]", help="The folder of notes.")
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make everything anew, whatever is there.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for another process that is writing the index.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 7 if any note was skipped.")
    ] = False,
    corpus: Corpus = None,
    index: IndexFolder = None,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Build the index, or bring it up to date.

    Example: ragqa index ~/notes
    """
    from ragqa import render

    if notes is not None and corpus is not None:
        raise UsageError("the folder of notes was given twice", hint=f"ragqa index {notes}")
    with _open(notes or corpus, index, None) as opened, render.ProgressLine() as progress:
        report = opened.refresh(rebuild=rebuild, wait=wait, progress=progress)
        folder = opened.places.index
    if json:
        render.print_document(render.report_document(report))
    else:
        render.print_report(report, folder)
    render.print_warnings(report.warnings)
    if strict and report.skipped:
        raise NotesSkipped(
            f"skipped {len(report.skipped)}, the first being {report.skipped[0].path}: "
            f"{report.skipped[0].reason}",
            hint="mend them, or list them in .ragqaignore",
        )
    return 0


@app.command()
def status(
    corpus: Corpus = None,
    index: IndexFolder = None,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Say what is indexed and whether it is fresh.

    Example: ragqa status --json
    """
    from ragqa import render
    from ragqa.api import index_from
    from ragqa.diagnosis import choice_of, status_of

    loaded = _load(corpus, index)
    with index_from(loaded) as opened:
        found, places = status_of(opened), opened.places
    choice = choice_of(loaded)
    if json:
        render.print_document(render.status_document(found, places, choice))
    else:
        render.print_status(found, places, choice)
    return 0


@app.command()
def doctor(
    corpus: Corpus = None,
    index: IndexFolder = None,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Look for what is wrong, and name the command that mends it; say which LLM is set.

    Reads every file of the index and of the notes that may have changed, and sends nothing. Exits
    with 0 where nothing is wrong.

    Example: ragqa doctor
    """
    from ragqa import render
    from ragqa.api import index_from
    from ragqa.diagnosis import choice_of, diagnose, diagnose_llm

    loaded = _load(corpus, index)
    with index_from(loaded) as opened:
        findings = [
            replace(finding, fix=with_places(finding.fix, sys.argv[1:]))
            for finding in (*diagnose(opened), *diagnose_llm(choice_of(loaded)))
        ]
    if json:
        render.print_document(render.findings_document(findings))
    else:
        render.print_findings(findings)
    return max((finding.exit_code for finding in findings), default=0)


@dataclass(frozen=True, slots=True)
class Scope:
    """What `ask`, `search` and `why` look through, as given."""

    tags: list[str] | None
    paths: list[str] | None
    since: str | None
    top_k: int | None
    no_refresh: bool
    corpus: str | None
    index: str | None


def find_in(find: Callable[..., T], words: list[str], scope: Scope) -> "tuple[T, Linker]":
    """Ask, search or the like; the second value links to the notes found."""
    from ragqa.render import Linker, ProgressLine
    from ragqa.types import Filters

    text = _question(words)
    filters = Filters(parse_tags(scope.tags), tuple(scope.paths or ()), parse_since(scope.since))
    with _open(scope.corpus, scope.index, scope.top_k) as opened:
        with ProgressLine(opening=_first_build(opened)) as progress:
            found = find(
                opened, text, filters=filters, refresh=not scope.no_refresh, progress=progress
            )
        return found, Linker(opened.places.corpus, opened.settings.link_format)


def _question(words: list[str]) -> str:
    if words != ["-"]:
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


def _open(corpus: str | None, index: str | None, top_k: int | None) -> "Index":
    from ragqa.api import open_index
    from ragqa.render import show_logged_warnings

    show_logged_warnings()
    return open_index(corpus, index=index, settings=None if top_k is None else {"top_k": top_k})


def _load(corpus: str | None, index: str | None) -> "Loaded":
    from ragqa.config import load_settings
    from ragqa.render import show_logged_warnings

    show_logged_warnings()
    return load_settings({"corpus": corpus, "index": index})


def _first_build(opened: "Index") -> str:
    """What to say before an index is built without having been asked for; "" if there is one."""
    if opened.is_built():
        return ""
    return (
        f"No index yet: building one of the notes in {opened.places.corpus}, "
        f"kept in {opened.places.index}. This happens once."
    )
