"""`ragqa why`: why a note is in an answer, or is not."""

from functools import partial
from typing import Annotated

import typer

from ragqa.cli.opening import Given, Scope, call_with_question
from ragqa.cli.options import (
    AsJson,
    Corpus,
    Debug,
    IndexFolder,
    NoRefresh,
    Paths,
    Since,
    StoreKind,
    StoreUri,
    Tags,
    complete_path,
)

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
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
    tag: Tags = None,
    path: Paths = None,
    since: Since = None,
    no_refresh: NoRefresh = False,
    corpus: Corpus = None,
    index: IndexFolder = None,
    store: StoreKind = None,
    store_uri: StoreUri = None,
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

    scope = Scope(tag, path, since, None, no_refresh, Given(corpus, index, store, store_uri))
    explanation, linker = call_with_question(partial(explain, target=target), question, scope)
    if json:
        render.print_document(explanation_document(explanation))
    else:
        print_explanation(explanation, linker)
    render.print_warnings(explanation.warnings)
    return 0
