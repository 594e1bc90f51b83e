"""`ragqa mcp` and `ragqa serve`: other doors to the same answers."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGTERM, default_int_handler, signal
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.ask import llm_named
from ragqa.cli.opening import consented, is_interactive, load
from ragqa.cli.options import LLM, Folders, IndexFolder
from ragqa.errors import UsageError, install_command

if TYPE_CHECKING:
    from ragqa.config import Loaded
    from ragqa.serving.guard import Guard


NewToken = Annotated[
    bool, typer.Option("--new-token", help="Make a new token for programs; the old one ends.")
]


def mcp(
    http: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=0,
            max=65_535,
            help="Serve on this port of 127.0.0.1 instead of stdin and stdout; 0 picks one.",
        ),
    ] = None,
    new_token: NewToken = False,
    corpus: Folders = None,
    index: IndexFolder = None,
) -> int:
    """Serve the notes to an assistant that speaks MCP.

    The assistant starts it: docs/mcp.md has the configuration.

    Example: ragqa mcp --corpus notes
    """
    from ragqa import render

    loaded = _loaded(corpus, index)
    with _importing("mcp"):
        from ragqa.serving.guard import Guard, listen, program_token, serve
        from ragqa.serving.mcp import http_app, run_on_stdio
        from ragqa.serving.warm import WarmIndex
    # Ctrl-C is how a server is ended.
    with WarmIndex(loaded) as warm, suppress(KeyboardInterrupt):
        if http is None:
            run_on_stdio(warm)
        else:
            token, socket = program_token(new=new_token), listen(http)
            guard = Guard(http_app(warm), port=socket.getsockname()[1], token=token)
            header = f"Authorization: Bearer {token()}"
            render.say(f"Serving MCP at {guard.address}/mcp with the header {header}")
            serve(guard, socket)
    return 0


def serve(
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65_535, help="The port; 0 picks one.")
    ] = 7247,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Print the address; do not open the browser.")
    ] = False,
    llm: LLM = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Allow the LLM's host from now on, without asking.")
    ] = False,
    new_token: NewToken = False,
    corpus: Folders = None,
    index: IndexFolder = None,
) -> int:
    """Open the notes in the browser: ask, read the cited notes beside the answer, browse.

    Listens on this machine only, at an address that works once; docs/serve.md says how to open it
    on a phone. The same server answers programs with a token. Ctrl-C ends it.

    Example: ragqa serve --corpus notes
    """
    loaded = _loaded(corpus, index)
    with _importing("serve"):
        from ragqa.generation import what_is_sent
        from ragqa.serving.guard import Guard, listen, program_token
        from ragqa.serving.guard import serve as serve_app
        from ragqa.serving.warm import WarmIndex
        from ragqa.serving.web import web_app
        from ragqa.serving.writing import server_writer
    writer = server_writer(loaded.settings, llm_named(loaded.settings, llm))
    if writer is not None and (yes or is_interactive()):
        consented(writer.llm.destination, yes=yes, what=what_is_sent(loaded.settings))
    token, socket = program_token(new=new_token), listen(port)
    signal(SIGTERM, default_int_handler)  # else the temporary folder would stay
    private, ended = TemporaryDirectory(prefix="ragqa-"), suppress(KeyboardInterrupt)
    with private as folder, WarmIndex(loaded, writer) as warm, ended:
        guard = Guard(web_app(warm), port=socket.getsockname()[1], token=token)
        _show_address(guard, token(), None if no_open else Path(folder, "open.html"))
        serve_app(guard, socket)
    return 0


def _loaded(corpus: list[str] | None, index: str | None) -> "Loaded":
    """The settings of a server, whose notes are known."""
    from ragqa import render

    render.show_logged_warnings()
    loaded = load(corpus, index)
    loaded.places  # noqa: B018 - raises where there are none, before anything is served
    return loaded


def _show_address(guard: "Guard", token: str, page: Path | None) -> None:
    import webbrowser

    from ragqa import render
    from ragqa.safe import write_whole
    from ragqa.serving.guard import START

    once = f"{guard.address}{START}?ticket={guard.ticket}"
    render.say(f"Your notes are at {once}")
    render.say("It works once; start ragqa serve again for another.")
    render.say(f"Programs send: Authorization: Bearer {token}")
    if page is not None:
        # All users see the command line of a browser, so it is given a page that leads there. The
        # browser may run in this terminal until it is closed.
        leads = f'<!doctype html><meta http-equiv="refresh" content="0; url={once}">'
        write_whole(page, leads, private=True)
        Thread(target=webbrowser.open, args=(page.as_uri(),), daemon=True).start()


@contextmanager
def _importing(extra: str) -> Iterator[None]:
    """Say which extra to install where a package is missing; what is imported is no garbage."""
    gc.disable()
    try:
        yield
    except ModuleNotFoundError as exc:
        if (exc.name or "").startswith("ragqa"):
            raise
        raise UsageError(
            f"this needs the package {exc.name}, which is not installed",
            hint=install_command(extra),
        ) from exc
    finally:
        gc.enable()
