"""The `ragqa` command: errors become one sentence and an exit code."""

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer
from typer._click.exceptions import ClickException
from typer.main import get_command

from ragqa import __version__
from ragqa.cli.options import with_places
from ragqa.errors import INSTEAD, OutOfMemory, RagqaError, UsageError, out_of_memory

COMMANDS = {
    "ask": "ask.ask",
    "search": "reading.search",
    "index": "build.build_index",
    "status": "build.status",
    "why": "reading.why",
    "list": "reading.list_notes",
    "get": "reading.get",
    "more": "ask.more",
    "open": "ask.open_source",
    "chat": "chat.chat",
    "eval": "build.evaluate",
    "verify": "reading.verify",
    "mcp": "serve.mcp",
    "serve": "serve.serve",
    "config": "configure.app",
}
"""Where each command, or family of commands, is declared below `ragqa.cli`."""

INTERRUPTED = 130
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    """Run one command and return its exit code; only a bug in ragqa leaves a traceback.

    A folder of notes may come before the command, and a question may stand in its place:
    `ragqa --corpus DIR "who decides?"`. `--debug` is obeyed anywhere, by errors in parsing, too.
    """
    _ensure_streams()
    debug, args = "--debug" in args, [arg for arg in args if arg != "--debug"]
    if args[:1] == ["--corpus"]:
        args = [*args[2:3], *args[:2], *args[3:]]
    word = args[0] if args else ""  # Chinese has no spaces
    if not word.startswith("-") and (len(word.split()) > 1 or word.endswith(("?", "\uff1f"))):
        args = ["ask", *args]
    try:
        command = get_command(command_line(args))
        code = command(args, prog_name="ragqa", standalone_mode=False)
    except ClickException as exc:
        return _report_usage(exc, word)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as exc:  # noqa: BLE001 - the last line of defence: a bug is reported in one line
        # A library written in C that is interrupted while it loads raises an error of its own.
        if not isinstance(exc.__cause__ or exc.__context__, KeyboardInterrupt):
            return _report(exc, args, debug=debug)
        code = INTERRUPTED
    if code == INTERRUPTED:
        from ragqa import render

        render.say("Interrupted; nothing half-written is left.")
    return code if isinstance(code, int) else 0


def _report(exc: Exception, args: list[str], *, debug: bool) -> int:
    """Print an error and what mends it, and return its exit code."""
    error = out_of_memory(exc) or exc
    if isinstance(error, OutOfMemory):  # what prints in style may not be loaded
        sys.stderr.write(f"error: {error.message}\ntry: {error.hint}\n")
        return error.exit_code
    from ragqa import render

    if isinstance(error, OSError) and error.errno in _FULL:
        render.discard_output()
        full = f"the output cannot be written: {error.strerror}"
        error = UsageError(full, hint="free some space, or write elsewhere")
    elif debug:
        render.say(_traceback())
    if not isinstance(error, RagqaError):
        error = _bug(error)
    error.hint = with_places(error.hint, args)
    render.print_error(error)
    return error.exit_code


def _bug(exc: Exception) -> RagqaError:
    """Save the traceback of a bug to a file, and say where."""
    import tempfile

    with tempfile.NamedTemporaryFile(
        "w", prefix="ragqa-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
    ) as file:
        file.write(_traceback())
    return RagqaError(
        f"this is a bug in ragqa: {type(exc).__name__}: {exc}",
        hint=f"report it with the traceback in {file.name}",
    )


def _traceback() -> str:
    from ragqa.llms.servers import without_keys

    return without_keys(traceback.format_exc())


def _show_version(value: bool) -> None:
    if value:
        sys.stdout.write(f"ragqa {__version__}\n")
        raise typer.Exit


def command_line(args: Sequence[str] = ()) -> typer.Typer:
    """The application with the command that `args` begin with, else with all, which is slower."""
    app = typer.Typer(
        # Plain help is twice as fast as rich's, and looks the same on every terminal.
        rich_markup_mode=None,
        no_args_is_help=True,
        epilog='Example: ragqa ask "when should I fine-tune?"',
    )
    app.callback()(_options)
    for name in args[:1] if args and args[0] in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(".")
        command = getattr(import_module(f"ragqa.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show a traceback when something fails; for any command."),
    ] = False,
) -> None:
    """Ask your notes, get cited answers. Nothing leaves this machine unasked."""


def _report_usage(exc: ClickException, word: str) -> int:
    """Print what is wrong with the command line; for a group without a command, print its help.

    :param word: the first word of the command line.
    """
    from ragqa import render

    context = getattr(exc, "ctx", None)
    if context is not None and exc.format_message() == context.get_help():
        render.say(context.get_help())
    else:
        command = context.command_path if context is not None else "ragqa"
        hint = INSTEAD.get(f"{command} {getattr(exc, 'option_name', word)}", f"{command} --help")
        if command == "ragqa" and word not in COMMANDS and hint == "ragqa --help":
            hint += '; a question stands in quotes: ragqa "what did we decide?"'
        render.print_error(RagqaError(exc.format_message(), hint=hint))
    return exc.exit_code


def _ensure_streams() -> None:
    """Replace a closed stream (`>&-`), which is None in Python, by the null device."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - open until exit
