"""`ragqa list`: the notes that the index holds, or their tags."""

from typing import Annotated

import typer

from ragqa.cli.opening import Given, Scope, call_on_index
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
)

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(name="list")
def show(
    tags: Annotated[
        bool, typer.Option("--tags", help="List the tags, each with its number of notes.")
    ] = False,
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
    """List the notes with their dates, titles and tags, or the tags alone.

    Exits with 1 if there are none.

    Example: ragqa list --tag fine-tuning
    """
    from ragqa import render
    from ragqa.api import Index
    from ragqa.render import listings

    scope = Scope(tag, path, since, None, no_refresh, Given(corpus, index, store, store_uri))
    found, _ = call_on_index(Index.notes, scope)
    if json:
        render.print_document(listings.list_document(found, tags=tags))
    else:
        listings.print_list(found, tags=tags)
    render.print_warnings(found.warnings)
    return 0 if (found.tags if tags else found.notes) else 1
