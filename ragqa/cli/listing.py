"""`ragqa list`: the notes that the index holds, or their tags."""

from typing import Annotated

import typer

from ragqa.cli.opening import open_query
from ragqa.cli.options import AsJson, Debug, Scope, grouped_options

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(name="list")
@grouped_options("top_k")
def show(
    tags: Annotated[
        bool, typer.Option("--tags", help="List the tags, each with its number of notes.")
    ] = False,
    *,
    scope: Scope,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """List the notes with their dates, titles and tags, or the tags alone.

    Exits with 1 if there are none.

    Example: ragqa list --tag fine-tuning
    """
    from ragqa import render
    from ragqa.render import listings

    with open_query(scope) as query:
        found = query.index.notes(
            filters=query.filters, refresh=query.refresh, progress=query.progress
        )
    if json:
        render.print_document(listings.list_document(found, tags=tags))
    else:
        listings.print_list(found, tags=tags)
    render.print_warnings(found.warnings)
    return 0 if (found.tags if tags else found.notes) else 1
