"""What the settings of an Obsidian vault say: the files to leave out, and the daily notes."""

import re
from pathlib import Path
from typing import Any

import msgspec

from ragqa.notes.ignore import Rule, Rules, read_lines

FOLDER = ".obsidian"

_LEFT_OUT = (
    ("app.json", "userIgnoreFilters"),
    ("templates.json", "folder"),
    ("plugins/templater-obsidian/data.json", "templates_folder"),
)
# The settings come with the notes, so an expression may repeat only one character or class, once:
# its time then grows with the square of a path's length at most.
_ONE = r"(?:\\\W|\\[dDwWsSb]|\[\^?(?:\\.|[^\]\\\[])+\]|[^\\()\[\]{}|*+?])"
_SAFE = re.compile(rf"{_ONE}*+(?:[*+?]{_ONE}*+)?")
_MAX_CHARS = 200
_SHOWN = 3


def vault_rules(top: Path, folder: str) -> tuple[Rules, dict[str, str]]:
    """The files that a vault leaves out: "Excluded files", templates, Templater's templates.

    :param folder: the vault, "" or ending in `/`, relative to the corpus.
    :returns: also what is wrong with a settings file, by its path.
    """
    rules, problems = list[Rule](), dict[str, str]()
    for name, key in _LEFT_OUT:
        path = f"{folder}{FOLDER}/{name}"
        try:
            value = read_settings(top, path).get(key) or []
            each = [value.strip("/") + "/"] if isinstance(value, str) else value
            filters = msgspec.convert(each, list[str])
        except (OSError, ValueError, msgspec.ValidationError) as exc:
            problems[path] = f"not applied: {exc}"
            continue
        wrong = []
        for one in filters:
            try:
                rules.append(Rule(_compiled(one), excludes=True, file=path, line=0, text=one))
            except ValueError as exc:
                wrong.append(str(exc))
        if wrong:
            more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
            problems[path] = f"not applied: {'; '.join(wrong[:_SHOWN])}{more}"
    return Rules(folder, tuple(rules)), problems


def read_settings(top: Path, path: str) -> dict[str, Any]:
    """Read a settings file of a vault; empty if there is none.

    :raises OSError: it cannot be read.
    :raises ValueError: it is not a JSON object.
    """
    try:
        source = "\n".join(read_lines(top, path)).encode("utf-8", "surrogateescape")
        return msgspec.json.decode(source, type=dict[str, Any])
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (msgspec.DecodeError, RecursionError) as exc:
        raise ValueError("it is not a JSON object") from exc


def _compiled(one: str) -> re.Pattern[str]:
    """A filter of Obsidian's: the beginning of paths, or an expression between slashes.

    :raises ValueError: the expression is not valid, or not safe.
    """
    if len(one) > 1 and one[0] == one[-1] == "/":
        if len(one) > _MAX_CHARS or not _SAFE.fullmatch(one[1:-1]):
            raise ValueError(f"the expression {one[:40]} has a group, or more than one of * + ?")
        try:
            return re.compile(rf"(?:{one[1:-1]})(?s:.*)(?P<end>\Z)")
        except re.error as exc:
            raise ValueError(f"the expression {one[:40]} is not valid: {exc}") from exc
    below = "" if one.endswith("/") else "(?s:.*)"  # a folder left out is not entered
    return re.compile(rf"\A{re.escape(one)}{below}(?P<end>\Z)")
