"""The commands that read notes without answering: search, why, list, get, verify."""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.opening import finish, load, open_query, question_in
from ragqa.cli.options import (
    AsJson,
    Folders,
    IndexFolder,
    NoRefresh,
    Scope,
    TopK,
    complete_path,
    expanded,
)
from ragqa.errors import UsageError

if TYPE_CHECKING:
    from ragqa.saved import SavedAnswer


@expanded
def search(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY", help="What to look for; - or nothing reads standard input."
        ),
    ] = None,
    *,
    exact: Annotated[
        bool,
        typer.Option("--exact", help="Only passages that have the query as typed, in any case."),
    ] = False,
    related: Annotated[
        str | None,
        typer.Option(
            metavar="NOTE",
            help="List the notes near this one by links and meaning, instead of passages.",
            autocompletion=complete_path,
        ),
    ] = None,
    scope: Scope,
    top_k: TopK = None,
    corpus: Folders = None,
    index: IndexFolder = None,
    json: AsJson = False,
) -> int:
    """List the passages nearest to a query, best first, or the notes near a note.

    Example: ragqa search "vector index memory" --path "rag/*" --top-k 3
    """
    if related is not None and query:
        raise UsageError("--related takes no query", hint=f"ragqa search {shlex.join(query)}")
    text = question_in(query) if related is None else ""
    with open_query(corpus, index, scope, top_k=top_k, asks=related is None) as opened:
        if related is None:
            result = opened.index.search(text, exact=exact, **opened.arguments)
        else:
            from ragqa.related import related_to

            near = related_to(opened.index, related, **opened.arguments)
    from ragqa.render import results

    if related is not None:
        return finish(
            near,
            lambda: results.print_related(near, opened.linker),
            json=json, warnings=near.warnings, is_good=near.related,
        )  # fmt: skip
    return finish(
        result,
        lambda: results.print_search(result, opened.linker),
        json=json, warnings=result.warnings, is_good=result.hits,
    )  # fmt: skip


@expanded
def why(
    question: Annotated[
        list[str], typer.Argument(metavar="QUESTION", help="The question; - reads standard input.")
    ],
    target: Annotated[
        str,
        typer.Option(
            metavar="NOTE[:LINES|#HEADING]",
            help="The note, or a part of it, as ragqa get takes it.",
            autocompletion=complete_path,
        ),
    ],
    *,
    scope: Scope,
    corpus: Folders = None,
    index: IndexFolder = None,
    json: AsJson = False,
) -> int:
    """Explain why a note is in the answer to a question, or why it is not.

    Example: ragqa why "what is prompt injection?" --target guardrails.md
    """
    from ragqa.lookup import NoTarget
    from ragqa.render.explanations import print_explanation
    from ragqa.why import explain

    text = question_in(question)
    with open_query(corpus, index, scope, asks=True) as query:
        try:
            explanation = explain(query.index, text, target=target, **query.arguments)
        except NoTarget as exc:
            named = (f"--target {shlex.quote(place)}" for place in exc.targets)
            exc.hint = ", or ".join(named) or exc.hint
            raise
    return finish(
        explanation,
        lambda: print_explanation(explanation, query.linker),
        json=json, warnings=explanation.warnings,
    )  # fmt: skip


@expanded
def list_notes(
    tags: Annotated[
        bool, typer.Option("--tags", help="List the tags, each with its number of notes.")
    ] = False,
    *,
    scope: Scope,
    corpus: Folders = None,
    index: IndexFolder = None,
    json: AsJson = False,
) -> int:
    """List the notes with their dates, titles and tags, or the tags alone.

    Exits with 1 if there are none.

    Example: ragqa list --tag fine-tuning
    """
    from ragqa.render import list_document, overviews

    with open_query(corpus, index, scope) as query:
        listed = query.index.notes(**query.arguments)
    return finish(
        list_document(listed, tags=tags),
        lambda: overviews.print_list(listed, tags=tags),
        json=json, warnings=listed.warnings, is_good=listed.tags if tags else listed.notes,
    )  # fmt: skip


def get(
    address: Annotated[
        str,
        typer.Argument(
            metavar="NOTE[:LINES|#HEADING]",
            help="The note, by path, file name, title or alias; NOTE:7-9 names lines, NOTE#HEADING "
            "a section; or a place as ask prints it, such as 'x.pdf, p. 3'.",
            autocompletion=complete_path,
        ),
    ],
    *,
    numbers: Annotated[
        bool | None,
        typer.Option(
            "--numbers/--no-numbers",
            help="Say where it is and number the lines, or print the text alone. "
            "Default: numbers on a terminal.",
        ),
    ] = None,
    no_refresh: NoRefresh = False,
    corpus: Folders = None,
    index: IndexFolder = None,
    json: AsJson = False,
) -> int:
    """Print a note, some of its lines, or the section below a heading.

    Leaves out comments, and secrets in the front matter.

    Example: ragqa get "lora.md#LoRA or full fine-tuning"
    """
    from ragqa.lookup import get_part
    from ragqa.render import results

    with open_query(corpus, index, Scope(no_refresh=no_refresh)) as query:
        part = get_part(query.index, address, refresh=query.refresh, progress=query.progress)
    return finish(part, lambda: results.print_part(part, query.linker, numbered=numbers), json=json)


def verify(
    answer: Annotated[
        list[str],
        typer.Argument(
            metavar="ANSWER",
            help="A file saved from ask, Markdown or JSON; - reads standard input. Or a quote, "
            "after its place if that is known: lora.md:10 'the words'.",
        ),
    ],
    corpus: Folders = None,
    json: AsJson = False,
) -> int:
    """Check whether the notes still say what an answer quotes.

    Each citation is intact, moved (the same words elsewhere), changed (with the difference) or
    gone. Exits with 0 if all are intact or moved, else with 1. Needs no index and writes
    nothing.

    Example: ragqa verify answer.json
    """
    from ragqa import render
    from ragqa.render import explanations
    from ragqa.render.results import Linker
    from ragqa.verify import verify as verify_answer

    loaded, saved = load(corpus), _to_verify(answer)
    with render.ProgressLine() as progress:
        verification = verify_answer(saved, loaded.places.corpus, loaded.settings, progress)
    linker = Linker(loaded.places.corpus, loaded.settings.link_format)
    return finish(
        verification,
        lambda: explanations.print_verification(verification, linker),
        json=json, warnings=verification.warnings, is_good=verification.is_sound,
    )  # fmt: skip


def _to_verify(words: list[str]) -> "SavedAnswer":
    """The answer in a file or on standard input, or a quote, which has white space."""
    from ragqa.saved import quoted, read_saved

    answer, *quote = words
    is_quote = len(answer.split()) > 1 and not os.path.lexists(answer)
    if quote or is_quote:
        place = answer if quote else ""
        return quoted([(1, " ".join(quote) or answer, place)])
    named = "standard input" if answer == "-" else answer
    try:
        with sys.stdin.buffer if answer == "-" else Path(answer).open("rb") as file:
            return read_saved(file, named)
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise UsageError(f"{named} cannot be read: {reason}", hint="ragqa verify --help") from exc
