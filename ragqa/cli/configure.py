"""`ragqa config`: show settings with their origin; change the user's, and fetch their models."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from ragqa.cli.opening import finish, is_interactive, load
from ragqa.cli.options import AsJson, Folders, IndexFolder, complete_setting
from ragqa.errors import NotAllowed, UsageError

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A setting; see ragqa config --all.", autocompletion=complete_setting
    ),
]

app = typer.Typer(
    help="Show settings and their origin; set and unset your own.",
    epilog="Example: ragqa config set corpus ~/notes",
)


@app.callback(invoke_without_command=True)
def show(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Show every setting.")] = False,
    corpus: Folders = None,
    index: IndexFolder = None,
    json: AsJson = False,
) -> int:
    """Show the settings that are set, and those that many people need.

    Example: ragqa config
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from ragqa.render import overviews

    loaded = load(corpus, index)
    return finish(
        overviews.settings_document(loaded),
        lambda: overviews.print_settings(loaded, every=every),
        json=json,
    )


@app.command(name="set")
def set_value(
    name: Name,
    values: Annotated[
        list[str],
        typer.Argument(
            metavar="VALUE...",
            help="Its new value; some take several.",
            autocompletion=complete_setting,
        ),
    ],
    yes: Annotated[
        bool, typer.Option("--yes", help="Fetch a model that is not here without asking.")
    ] = False,
) -> int:
    """Write a setting into your own settings file.

    An embedder or reranker that is not on this machine is fetched once you have agreed.

    Example: ragqa config set corpus ~/notes
    """
    from ragqa import render
    from ragqa.config import SETTINGS, set_user_setting, user_settings_file
    from ragqa.config.settings import shown
    from ragqa.llms import check_kind

    kind = SETTINGS[name].kind if name in SETTINGS else ""
    for value in filter(str.strip, values):
        if kind == "llm" and ":" in value:
            check_kind(value)
        if kind == "model":
            prepare(name, value, yes=yes)
        if kind == "corpus" and not Path(value).expanduser().is_dir():
            raise UsageError(f"there is no folder {value}", hint="name a folder that exists")
    written = set_user_setting(name, values if len(values) > 1 else values[0])
    render.say(f"{name} = {shown(written)} in {user_settings_file()}")
    with suppress(UsageError):  # another setting is wrong; that does not concern this one
        load()
    return 0


@app.command()
def unset(name: Name) -> int:
    """Remove a setting from your own settings file.

    Example: ragqa config unset corpus
    """
    from ragqa import render
    from ragqa.config import unset_user_setting, user_settings_file

    done = "is no longer set" if unset_user_setting(name) else "is not set"
    render.say(f"{name} {done} in {user_settings_file()}")
    return 0


def prepare(kind: str, value: str, *, yes: bool) -> None:
    """See that the model of the setting `kind` can be used; fetch it if the user agrees.

    :raises UsageError: it cannot be used or fetched.
    :raises NotAllowed: the user does not want it to be fetched, or cannot be asked.
    """
    from ragqa import render
    from ragqa.embedders.models import NotHere, fetch, find_model
    from ragqa.rerankers import reranker_for

    def agree(what: str) -> None:
        if not (yes or render.confirm(f"Fetch {what}?")):
            raise NotAllowed(f"nothing was fetched, and the {kind} stays as it was")
        render.say(f"Fetching {what}")

    check = {"embedder": find_model, "reranker": reranker_for}[kind]
    try:
        check(value)
    except NotHere as exc:
        if not (yes or is_interactive()):
            hint = "add --yes to this command to fetch it"
            raise NotAllowed(f"{exc.message}; nothing was fetched", hint=hint) from exc
        fetch(kind, exc.name, agree)
        check(value)
