"""Write docs/reference.md: every command, option, setting and exit code, taken from the code.

python docs/make_reference.py            # write it
python docs/make_reference.py --check    # exit with 1 if it is out of date
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from typer.main import get_command

from ragqa import cli, errors
from ragqa.cli import command_line
from ragqa.config import SETTINGS, Setting

PAGE = Path(__file__).parent / "reference.md"
SHARED_FROM = 4
"""An option that so many commands have with the same words is explained once."""
OPENING = """\
# Reference

[Commands](#commands), [shared options](#shared-options), [settings](#settings) and
[exit codes](#exit-codes), written from the code by `python docs/make_reference.py`.
"""
SETTINGS_OPENING = """\
A setting takes its value from the first of these that has one:

1. an option of the command;
2. an environment variable, `RAGQA_` and the setting's name in capitals, such as `RAGQA_TOP_K`;
3. your own settings file, which `ragqa config set` writes;
4. the default.

`corpus` and `index` have [an order of their own](getting-started.md#your-own-notes).
"""
MEANINGS = {
    0: "answered, or done",
    1: "the notes do not seem to answer, nothing an LLM wrote is supported, a citation changed or "
    "is gone (`verify`), nothing was found (`search`, `list`, `more`), or a measure is below "
    "`--fail-under`",
    2: "the command line or a setting is wrong, or a host is not allowed",
    3: "no notes, or no index",
    4: "the index cannot be read, written or trusted",
    5: "the LLM failed; the answer in the notes' own words is printed",
    6: "another process is writing the index, or a program has locked it",
    7: "notes were skipped (`index --strict`)",
    8: "there is too little memory",
    70: "a bug in ragqa; the message names a file with the traceback",
    130: "interrupted by Ctrl-C",
}
Row = tuple[str, str]


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description="Write docs/reference.md from the code.")
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    made = reference()
    if not check:
        PAGE.write_text(made, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != made:
        sys.stderr.write(f"{PAGE} is out of date: run python docs/make_reference.py\n")
        return 1
    return 0


def reference() -> str:
    """The whole page."""
    commands = list(_commands(get_command(command_line()), "ragqa"))
    counts = Counter(row for _, command in commands for row in _rows(command))
    shared = [row for row, n in counts.items() if n >= SHARED_FROM and row[0].startswith("`--")]
    parts = [OPENING, "## Commands\n"]
    parts += [_section(name, command, shared) for name, command in commands]
    parts += ["## Shared options\n", _list(shared)]
    parts += ["## Settings\n", SETTINGS_OPENING, _settings()]
    parts += ["## Exit codes\n", _exit_codes()]
    return "\n".join(parts)


def exit_codes() -> set[int]:
    """Every exit code that ragqa can give."""
    raised = {
        value.exit_code
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.RagqaError)
    }
    return raised | {0, cli.INTERRUPTED}


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - typer's own classes are private
    """Each command with its full name, a group before what is in it."""
    yield name, command
    for word, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, f"{name} {word}")


def _section(name: str, command: Any, shared: list[Row]) -> str:  # noqa: ANN401 - as above
    text, _, example = (command.help or "").partition("Example: ")
    example = (example or (command.epilog or "").removeprefix("Example: ")).strip()
    rows = list(_rows(command))
    own = [row for row in rows if row not in shared]
    also = [row[0].strip("`").split()[0] for row in rows if row in shared]
    usage = " ".join((name, *_usage(command)))
    lines = [f"### {name}\n", f"{text.strip()}\n", f"Usage: `{usage}`"]
    lines[-1] += f"; for example `{example}`\n" if example not in ("", usage) else "\n"
    if own:
        lines.append(_list(own))
    if also:
        links = ", ".join(f"`{option}`" for option in also)
        lines.append(f"[Shared](#shared-options): {links}.\n")
    return "\n".join(lines)


def _bare(metavar: str) -> str:
    """An argument's name without the brackets around one that may be left out."""
    return re.sub(r"^\[(.*)\](\.\.\.)?$", r"\1\2", metavar)


def _usage(command: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            name = _bare(parameter.metavar)
            yield name if parameter.required else f"[{name}]"
        elif parameter.required:
            yield f"{parameter.opts[0]} {parameter.metavar}"
    if getattr(command, "commands", None):
        yield "COMMAND" if not command.invoke_without_command else "[COMMAND]"


def _rows(command: Any) -> Iterator[Row]:  # noqa: ANN401 - as above
    """Each argument of a command and what it is, then each option and what it does."""
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            yield f"`{_bare(parameter.metavar)}`", parameter.help
    for parameter in command.params:
        if parameter.param_type_name == "option" and not parameter.hidden:
            name = " ".join(filter(None, (parameter.opts[0], parameter.metavar)))
            yield f"`{name}`", parameter.help


def _settings() -> str:
    rows = [
        (f"`{name}`", _default(setting), setting.doc, setting.expects)
        for name, setting in SETTINGS.items()
    ]
    return _table(("setting", "default", "is", "takes"), rows)


def _default(setting: Setting) -> str:
    default = setting.default
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
    return "" if shown == "" else f"`{shown}`"


def _exit_codes() -> str:
    """The table of exit codes.

    :raises KeyError: an error has an exit code that is not explained here.
    """
    rows = [(str(code), MEANINGS[code]) for code in sorted(exit_codes())]
    return _table(("code", "meaning"), rows)


def _list(rows: Sequence[Row]) -> str:
    return "".join(f"- {name}: {' '.join(says.split())}\n" for name, says in rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    cells = [[re.sub(r"\s+", " ", cell).replace("|", "\\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


if __name__ == "__main__":
    sys.exit(main())
