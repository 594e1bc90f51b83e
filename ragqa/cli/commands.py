"""The main commands. Each parses options, calls the library, renders, and returns an exit code."""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.generation import (
    LLMOptions,
    ask_with,
    exit_code,
    print_answer_warnings,
    request_in,
    writer_for,
)
from ragqa.cli.opening import load, open_index, open_query, question_in
from ragqa.cli.options import (
    AsFormat,
    AsJson,
    Debug,
    Format,
    Given,
    Scope,
    grouped_options,
    parse_format,
    with_places,
)
from ragqa.cli.spreading import WorkersOption, YesWorkers, use_workers
from ragqa.errors import NotesSkipped, UsageError

if TYPE_CHECKING:
    from ragqa.diagnosis import Finding
    from ragqa.render import Linker
    from ragqa.types import Answer

app = typer.Typer(
    # Plain help is twice as fast as rich's, and looks the same on every terminal.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Ask your notes, get cited answers. Nothing leaves this machine unasked.",
    epilog='Example: ragqa ask "when should I fine-tune?"',
)


@app.command()
@grouped_options()
def ask(
    question: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUESTION", help="The question; - or nothing reads standard input."),
    ] = None,
    *,
    scope: Scope,
    format: AsFormat = None,  # noqa: A002 - the option's name
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the scores behind the answer.")
    ] = False,
    json: AsJson = False,
    llm: LLMOptions,
    show_prompt: Annotated[
        bool,
        typer.Option("--show-prompt", help="Show what would be sent to an LLM; send nothing."),
    ] = False,
    debug: Debug = False,
) -> int:
    """Answer a question from the notes, with citations.

    Builds the index if there is none, and brings it up to date if notes changed. The answer
    consists of excerpts from the notes, unless an LLM writes it. Exits with 1 if the notes do not
    seem to answer.

    Example: ragqa ask "when should I fine-tune?" --tag fine-tuning
    """
    output = parse_format(format, json=json, explain=explain)
    text = question_in(question)
    with open_query(scope) as query:
        if show_prompt:
            request, where, asked = request_in(query, text, llm)
        else:
            writer = writer_for(query.index.settings, llm)
            answer = ask_with(query, text, writer, streams=output is Format.TEXT)
    if show_prompt:
        from ragqa.render.generation import print_request

        print_request(request, where, asked=asked, json=output is Format.JSON)
        return 0
    _print_answer(answer, query.linker, output, explain=explain)
    print_answer_warnings(answer)
    return exit_code(answer)


def _print_answer(answer: "Answer", linker: "Linker", output: Format, *, explain: bool) -> None:
    from ragqa import render

    if output is Format.JSON:
        render.print_document(render.answer_document(answer, explain=explain))
    elif output is Format.MARKDOWN:
        from ragqa.render.markdown import answer_markdown

        render.print_as_is(answer_markdown(answer))
    else:
        render.print_answer(answer, linker)
        if explain:
            from ragqa.render.scores import print_scores

            print_scores(answer)


@app.command()
@grouped_options()
def search(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY", help="What to look for; - or nothing reads standard input."
        ),
    ] = None,
    *,
    scope: Scope,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """List the passages nearest to a query, best first.

    Example: ragqa search "vector index memory" --path "rag/*" --top-k 3
    """
    from ragqa import render

    text = question_in(query)
    with open_query(scope) as opened:
        result = opened.index.search(
            text, filters=opened.filters, refresh=opened.refresh, progress=opened.progress
        )
    if json:
        render.print_document(render.search_document(result))
    else:
        render.print_search(result, opened.linker)
    render.print_warnings(result.warnings)
    return 0 if result.hits else 1


@app.command(name="index")
@grouped_options()
def build(
    notes: Annotated[
        str | None, typer.Argument(metavar="[CORPUS]", help="The folder of notes.")
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build everything from scratch.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for another process that is writing the index.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 7 if any note was skipped.")
    ] = False,
    workers: WorkersOption = None,
    yes: YesWorkers = False,
    *,
    given: Given,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Build the index, or bring it up to date.

    Example: ragqa index ~/notes
    """
    from ragqa import render
    from ragqa.readers import prepare

    if notes is not None and given.corpus is not None:
        raise UsageError("the folder of notes was given twice", hint=f"ragqa index {notes}")
    loaded = load(replace(given, corpus=notes or given.corpus))
    with open_index(loaded) as opened_index, render.ProgressLine() as progress:
        use_workers(opened_index, workers, yes=yes)
        if wait and (building := opened_index.building()):
            render.say(f"Waiting for another process that is writing the index {building}.")
        report = opened_index.refresh(rebuild=rebuild, wait=wait, progress=progress)
        where = opened_index.kept.where
    try:
        prepare(loaded.settings.reader)
    except UsageError as exc:  # the index is complete without the reader
        report = replace(report, warnings=(*report.warnings, f"{exc.message}; {exc.hint}"))
    if json:
        render.print_document(render.report_document(report))
    else:
        render.print_report(report, where)
    render.print_warnings(report.warnings)
    if strict and report.skipped:
        raise NotesSkipped(
            f"notes skipped: {len(report.skipped)}; the first is {report.skipped[0].path}: "
            f"{report.skipped[0].reason}",
            hint="fix them, or list them in .ragqaignore",
        )
    return 0


@app.command()
@grouped_options()
def status(
    *,
    given: Given,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Show what is indexed and whether it is up to date.

    Example: ragqa status --json
    """
    from ragqa import render
    from ragqa.diagnosis import choice_of, status_of
    from ragqa.render import overviews

    loaded = load(given)
    with open_index(loaded) as opened_index:
        found = status_of(opened_index)
    choice = choice_of(loaded)
    if json:
        render.print_document(overviews.status_document(found, loaded.places, choice))
    else:
        overviews.print_status(found, loaded.places, choice)
    return 0


@app.command()
@grouped_options()
def doctor(
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Compare everything the index holds, and recompute some embeddings."
        ),
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Rebuild what is damaged, and nothing else.")
    ] = False,
    *,
    given: Given,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Find what is wrong and name the command that fixes it; show which LLM is set.

    Reads the whole index and the notes that may have changed, and asks no LLM. Exits with 0 if
    nothing is wrong, or if the repair fixed everything.

    Example: ragqa doctor --deep
    """
    from ragqa import render
    from ragqa.api import index_from
    from ragqa.diagnosis import choice_of, diagnose, diagnose_llm
    from ragqa.diagnosis import repair as repair_index
    from ragqa.render import overviews

    loaded = load(given)
    done: list[str] | None = None
    failed: list[Finding] = []
    with index_from(loaded) as opened_index, render.ProgressLine() as progress:
        if repair:
            done, failed = repair_index(opened_index, progress=progress)
        found = failed or diagnose(opened_index, deep=deep or bool(done), progress=progress)
        findings = [
            replace(finding, fix=with_places(finding.fix, sys.argv[1:]))
            for finding in (*found, *diagnose_llm(choice_of(loaded)))
        ]
    if json:
        render.print_document(overviews.findings_document(findings, done))
    else:
        if done or (done is not None and not failed):
            overviews.print_repair(done)
        overviews.print_findings(findings)
    return max((finding.exit_code for finding in findings), default=0)
