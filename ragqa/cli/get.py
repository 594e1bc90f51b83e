"""`ragqa get`: print a note, or the part of it that an address names."""

from functools import partial
from typing import Annotated

import typer

from ragqa.cli.opening import Given, Scope, call_on_index
from ragqa.cli.options import (
    AsJson,
    Corpus,
    Debug,
    IndexFolder,
    NoRefresh,
    StoreKind,
    StoreUri,
    complete_path,
)

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def get(
    address: Annotated[
        str,
        typer.Argument(
            metavar="NOTE[:LINES|#HEADING]",
            help="The note, by path, file name, title or alias; NOTE:7-9 or NOTE:7:9 names lines, "
            "NOTE#HEADING a section.",
            autocompletion=complete_path,
        ),
    ],
    no_refresh: NoRefresh = False,
    corpus: Corpus = None,
    index: IndexFolder = None,
    store: StoreKind = None,
    store_uri: StoreUri = None,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Print a note, some of its lines, or the section below a heading.

    Leaves out what readers of the note do not see: comments, and secrets in its front matter.

    Example: ragqa get "lora.md#LoRA or full fine-tuning"
    """
    from ragqa import render
    from ragqa.getting import get_part
    from ragqa.render import parts

    scope = Scope(None, None, None, None, no_refresh, Given(corpus, index, store, store_uri))
    part, linker = call_on_index(partial(get_part, address=address), scope)
    if json:
        render.print_document(parts.part_document(part))
    else:
        parts.print_part(part, linker)
    return 0
