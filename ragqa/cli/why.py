"""`ragqa why`: why a note is in an answer, or is not."""

from typing import Annotated

import typer

from ragqa.cli.opening import open_query, question_in
from ragqa.cli.options import AsJson, Debug, Scope, complete_path, grouped_options

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
@grouped_options("top_k")
def why(
    question: Annotated[
        list[str], typer.Argument(metavar="QUESTION", help="The question; - reads standard input.")
    ],
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="NOTE[:LINES|#HEADING]",
            help="The note, by path, file name, title or alias; NOTE:7-9 names lines of it.",
            autocompletion=complete_path,
        ),
    ],
    *,
    scope: Scope,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Explain why a note is in the answer to a question, or why it is not.

    Follows the note through indexing, filters, ranking and the choice of excerpts, and tries
    words that would have found it.

    Example: ragqa why "what is prompt injection?" --target guardrails.md
    """
    from ragqa import render
    from ragqa.explaining import explain
    from ragqa.render.explanations import explanation_document, print_explanation

    text = question_in(question)
    with open_query(scope) as query:
        explanation = explain(
            query.index,
            text,
            target=target,
            filters=query.filters,
            refresh=query.refresh,
            progress=query.progress,
        )
    if json:
        render.print_document(explanation_document(explanation))
    else:
        print_explanation(explanation, query.linker)
    render.print_warnings(explanation.warnings)
    return 0
