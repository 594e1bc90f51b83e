"""The commands that ask or read notes: call the library, render, return a code."""

import shlex
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.completion import complete_path
from ragqa.cli.generation import (
    LLMGiven,
    ask_with,
    exit_code,
    print_answer_warnings,
    request_in,
    writer_for,
)
from ragqa.cli.opening import Query, load, open_query, question_in
from ragqa.cli.options import (
    AsJson,
    Format,
    NoRefresh,
    Places,
    Scope,
    ScopeOptions,
    TopK,
)
from ragqa.errors import UsageError

if TYPE_CHECKING:
    from ragqa.types import Answer

Explain = Annotated[bool, typer.Option("--explain", help="Show the scores behind the answer.")]
ShowPrompt = Annotated[
    bool, typer.Option("--show-prompt", help="Show what would be sent to an LLM; send nothing.")
]


def ask(
    question: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUESTION", help="The question; - or nothing reads standard input."),
    ] = None,
    *,
    scope: Scope,
    top_k: TopK = None,
    given: Places,
    format: Annotated[  # noqa: A002 - the option's name
        Format | None,
        typer.Option(
            metavar="FORMAT", help="text, markdown (ragqa verify can check it later) or json."
        ),
    ] = None,
    explain: Explain = False,
    json: AsJson = False,
    llm: LLMGiven,
    show_prompt: ShowPrompt = False,
) -> int:
    """Answer a question from the notes, with citations.

    Builds the index if there is none, and brings it up to date if notes changed. The answer
    consists of excerpts from the notes, unless an LLM writes it. Exits with 1 if the notes do not
    seem to answer.

    Example: ragqa ask "when should I fine-tune?" --tag fine-tuning
    """
    output = format or (Format.JSON if json else Format.TEXT)
    if (json and output is not Format.JSON) or (explain and output is Format.MARKDOWN):
        other = "--json" if json else "--explain"
        raise UsageError(f"{other} and --format {output} cannot go together")
    text = question_in(question)
    with open_query(scope, given, top_k, asks=True) as query:
        if show_prompt:
            request, where, asked = request_in(query, text, llm)
        else:
            writer = writer_for(query.index.settings, llm)
            answer = ask_with(query, text, writer, streams=output is Format.TEXT)
    if show_prompt:
        from ragqa.render.generation import print_request

        print_request(request, where, asked=asked, json=output is Format.JSON)
        return 0
    _print_answer(answer, query, output, explain=explain)
    print_answer_warnings(answer)
    return exit_code(answer)


def _print_answer(answer: "Answer", query: Query, output: Format, *, explain: bool) -> None:
    """Print an answer; unless it is for a program, keep what was asked."""
    from ragqa import render
    from ragqa.asked import Asked, keep

    if output is Format.JSON:
        from ragqa.render.documents import answer_document

        render.print_document(answer_document(answer, explain=explain))
        return
    asked = Asked.of(answer, query.filters)
    is_kept, warning = keep(asked, query.index.settings, query.index.places.corpus)
    if output is Format.MARKDOWN:
        from ragqa.render.markdown import answer_markdown

        render.print_as_is(answer_markdown(answer))
    else:
        from ragqa.render.results import print_answer

        more = "ragqa more shows them whole" if is_kept else ""
        print_answer(answer, query.linker, more)
        if explain:
            from ragqa.render.scores import print_scores

            print_scores(answer)
    render.print_warnings([warning] * bool(warning))


def more(*, given: Places) -> int:
    """Show the further excerpts of the last question whole; asked again, the next ones.

    The question is asked again of the notes as they are now. Exits with 1 if there are no more.

    Example: ragqa more
    """
    from ragqa import render
    from ragqa.asked import keep, last_asked
    from ragqa.render.results import print_further

    with open_query(ScopeOptions(), given) as query:
        about = query.index.settings, query.index.places.corpus
        ask = partial(query.index.ask, progress=query.progress)
        answer, asked = last_asked(*about).ask_on(ask)
    _, warning = keep(asked, *about)
    print_further(answer, query.linker)
    render.print_warnings([*answer.warnings, *[warning] * bool(warning)])
    return 0 if answer.also else 1


def open_source(
    number: Annotated[
        int, typer.Argument(metavar="N", help="The number of a source or of a further excerpt.")
    ],
    *,
    given: Places,
) -> int:
    """Open a source of the last answer at its line, in $VISUAL or $EDITOR, else in Obsidian.

    Obsidian shows the note from its beginning. PDF and Word files open where they always do.

    Example: ragqa open 1
    """
    from ragqa import editors
    from ragqa.asked import last_asked

    loaded = load(given)
    asked = last_asked(loaded.settings, loaded.places.corpus)
    return 1 if editors.open_source(asked.source(number), loaded.places.corpus) else 0


def search(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY", help="What to look for; - or nothing reads standard input."
        ),
    ] = None,
    *,
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
    given: Places,
    json: AsJson = False,
) -> int:
    """List the passages nearest to a query, best first, or the notes near a note.

    Example: ragqa search "vector index memory" --path "rag/*" --top-k 3
    """
    from ragqa import render

    if related is not None and query:
        raise UsageError("--related takes no query", hint=f"ragqa search {shlex.join(query)}")
    text = question_in(query) if related is None else ""
    with open_query(scope, given, top_k, asks=related is None) as opened:
        if related is not None:
            return _search_related(opened, related, json=json)
        result = opened.index.search(text, **opened.arguments)
    if json:
        from ragqa.render.documents import search_document

        render.print_document(search_document(result))
    else:
        from ragqa.render.results import print_search

        print_search(result, opened.linker)
    render.print_warnings(result.warnings)
    return 0 if result.hits else 1


def _search_related(opened: Query, note: str, *, json: bool) -> int:
    from ragqa import render
    from ragqa.related import related_to
    from ragqa.render.results import print_related

    found = related_to(opened.index, note, **opened.arguments)
    if json:
        from ragqa.render.documents import related_document

        render.print_document(related_document(found))
    else:
        print_related(found, opened.linker)
    render.print_warnings(found.warnings)
    return 0 if found.related else 1


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
    given: Places,
    json: AsJson = False,
) -> int:
    """Explain why a note is in the answer to a question, or why it is not.

    Follows the note through indexing, filters, ranking and the choice of excerpts.

    Example: ragqa why "what is prompt injection?" --target guardrails.md
    """
    from ragqa import render
    from ragqa.addresses import NoTarget
    from ragqa.explaining import explain
    from ragqa.render.explanations import explanation_document, print_explanation

    text = question_in(question)
    with open_query(scope, given, asks=True) as query:
        try:
            explanation = explain(query.index, text, target=target, **query.arguments)
        except NoTarget as exc:
            exc.hint = ", or ".join(f"--target {one}" for one in exc.targets) or exc.hint
            raise
    if json:
        render.print_document(explanation_document(explanation))
    else:
        print_explanation(explanation, query.linker)
    render.print_warnings(explanation.warnings)
    return 0


def list_notes(
    tags: Annotated[
        bool, typer.Option("--tags", help="List the tags, each with its number of notes.")
    ] = False,
    *,
    scope: Scope,
    given: Places,
    json: AsJson = False,
) -> int:
    """List the notes with their dates, titles and tags, or the tags alone.

    Exits with 1 if there are none.

    Example: ragqa list --tag fine-tuning
    """
    from ragqa import render

    with open_query(scope, given) as query:
        found = query.index.notes(**query.arguments)
    if json:
        from ragqa.render.documents import list_document

        render.print_document(list_document(found, tags=tags))
    else:
        from ragqa.render.results import print_list

        print_list(found, tags=tags)
    render.print_warnings(found.warnings)
    return 0 if (found.tags if tags else found.notes) else 1


def get(
    address: Annotated[
        str,
        typer.Argument(
            metavar="NOTE[:LINES|#HEADING]",
            help="The note, by path, file name, title or alias; NOTE:7-9 or NOTE:7:9 names lines, "
            "NOTE#HEADING a section, NOTE#^ID a block; or a place as ask prints it, such as "
            "'x.pdf, p. 3'; or a link such as '[[NOTE#HEADING]]'.",
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
    given: Places,
    json: AsJson = False,
) -> int:
    """Print a note, some of its lines, or the section below a heading.

    Leaves out comments, struck-out text, and secrets in the front matter.

    Example: ragqa get "lora.md#LoRA or full fine-tuning"
    """
    from ragqa import render
    from ragqa.getting import get_part
    from ragqa.render.results import print_part

    with open_query(ScopeOptions(no_refresh=no_refresh), given) as query:
        part = get_part(query.index, address, refresh=query.refresh, progress=query.progress)
    if json:
        from ragqa.render.documents import part_document

        render.print_document(part_document(part))
    else:
        print_part(part, query.linker, numbered=numbers)
    return 0
