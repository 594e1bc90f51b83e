"""`ragqa config`: show every setting with its origin; change the user's settings."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.completion import complete_setting, complete_value
from ragqa.cli.opening import load_flags, print_notices
from ragqa.cli.options import AsJson, Command, Debug, Folders, IndexFolder, PlaceOptions
from ragqa.errors import UsageError

if TYPE_CHECKING:
    from ragqa.corpus import Corpus

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A setting; see ragqa config.", autocompletion=complete_setting
    ),
]

app = typer.Typer(
    help="Show every setting and its origin; set and unset your own.",
    epilog="Example: ragqa config set corpus ~/notes",
)


@app.callback(invoke_without_command=True)
def show(
    ctx: typer.Context,
    corpus: Folders = None,
    index: IndexFolder = None,
    json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Show every setting, its value and where it comes from.

    Example: ragqa config
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = corpus
        return 0
    from ragqa import render
    from ragqa.render import overviews

    loaded = load_flags(PlaceOptions(corpus, index).flags)
    if json:
        render.print_document(overviews.settings_document(loaded))
    else:
        overviews.print_settings(loaded)
    return 0


def _corpus_in(ctx: typer.Context, corpus: list[str] | None) -> "Corpus | None":
    """The notes named after or before the command, as in `ragqa config --corpus DIR set`."""
    from ragqa.config.folders import corpus_given

    paths = corpus or ctx.obj
    return corpus_given(paths) if paths else None


def _written_to(corpus: "Corpus | None") -> str:
    from ragqa.config import user_settings_file

    return f"{f'for {corpus} ' if corpus else ''}in {user_settings_file()}"


@app.command(name="set", cls=Command)
def set_value(
    ctx: typer.Context,
    name: Name,
    values: Annotated[
        list[str],
        typer.Argument(
            metavar="VALUE...",
            help="Its new value; some take several.",
            autocompletion=complete_value,
        ),
    ],
    corpus: Folders = None,
) -> int:
    """Write a setting into your own settings file.

    With --corpus, only formats can be set, and is for that folder alone.

    Example: ragqa config set corpus ~/notes
    """
    from ragqa import render
    from ragqa.config import load_settings, set_user_setting
    from ragqa.config.folders import corpus_given
    from ragqa.config.settings import shown
    from ragqa.llms import check_kind
    from ragqa.readers import reader_for

    for value in values:
        if name == "llm" and ":" in value:
            check_kind(value)
        if name == "reader" and value.strip():
            reader_for(value)
    if name == "corpus" and any(values):
        corpus_given(values)
    given, notes = values if len(values) > 1 else values[0], _corpus_in(ctx, corpus)
    written = set_user_setting(name, given, notes)
    render.say(f"{name} = {shown(written)} {_written_to(notes)}")
    with suppress(UsageError):  # another setting is wrong; that does not concern this one
        print_notices(load_settings({}))
    return 0


@app.command(cls=Command)
def get(ctx: typer.Context, name: Name, corpus: Folders = None) -> int:
    """Print the current value of a setting, and nothing else.

    Example: ragqa config get corpus
    """
    from ragqa import render
    from ragqa.config.settings import setting_named, shown
    from ragqa.render import overviews
    from ragqa.safe import safe_line

    setting_named(name, "the command")
    value = overviews.values_of(load_flags(PlaceOptions(corpus or ctx.obj).flags))[name]
    render.print_as_is(f"{safe_line(str(shown(value)))}\n")
    return 0


@app.command(cls=Command)
def unset(ctx: typer.Context, name: Name, corpus: Folders = None) -> int:
    """Remove a setting from your own settings file.

    Example: ragqa config unset corpus
    """
    from ragqa import render
    from ragqa.config import unset_user_setting

    notes = _corpus_in(ctx, corpus)
    done = "is no longer set" if unset_user_setting(name, notes) else "is not set"
    render.say(f"{name} {done} {_written_to(notes)}")
    return 0
