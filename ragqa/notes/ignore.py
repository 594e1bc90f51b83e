"""The files to leave out: by ignore files, and by the settings of an Obsidian vault."""

import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ragqa.notes.read import open_below
from ragqa.types.notes import LEAVES_OUT

IGNORE_FILES = (".gitignore", ".ragqaignore")
"""In order: if both match a file, the later one decides."""

MAX_IGNORE_BYTES = 100_000

MAX_WILDCARDS = 4
"""Runs of `*` in one pattern. Each multiplies the time of a match; five have taken 17 s."""

VAULT_FOLDER = ".obsidian"

_LEFT_OUT = (
    ("app.json", "userIgnoreFilters"),
    ("templates.json", "folder"),
)


class Rule(Struct, frozen=True):
    """One pattern of an ignore file, which excludes or re-includes; `text` is its line as written.

    `line` is 1-based, 0 in a file that is not read by lines.
    """

    regex: re.Pattern[str]
    excludes: bool
    file: str
    line: int
    text: str

    @property
    def reason(self) -> str:
        """Why a file that it excludes is left out, in a few words."""
        place = f"line {self.line} of {self.file}" if self.line else self.file
        return f'{place}{LEAVES_OUT}"{self.text.strip()}"'


class Rules(Struct, frozen=True):
    """The rules of one ignore file, relative to `folder`, which is "" or ends in `/`."""

    folder: str
    rules: tuple[Rule, ...]


def excluding_rule(files: Sequence[Rules], path: str, *, is_folder: bool) -> Rule | None:
    """The rule that excludes a file or folder, or None; `files` are in order from the corpus down.

    The last matching pattern of the nearest ignore file decides. The walk never enters an ignored
    folder, so nothing in it can be re-included, as in git.
    """
    for file in reversed(files):
        relative = path[len(file.folder) :] + ("/" if is_folder else "")
        for rule in reversed(file.rules):
            if _matches(rule.regex, relative):
                return rule if rule.excludes else None
    return None


def _matches(pattern: re.Pattern[str], relative: str) -> bool:
    """Whether a pattern matches exactly this file, or folder with a trailing `/`.

    pathspec's patterns also match below a folder that they name; their last group is then the `/`
    after its name. That would be wrong here: `!a/` does not re-include `a/b/`.
    """
    for match in pattern.finditer(relative):
        is_whole = match.end() == len(relative)
        if is_whole if match.lastgroup else not (is_whole and relative.endswith("/")):
            return True
    return False


def read_rules(top: Path, folder: str, name: str) -> tuple[Rules, list[str]]:
    """Read an ignore file; also return its problems, in a few words each."""
    try:
        lines = read_lines(top, folder + name)
    except OSError as exc:
        return Rules(folder, ()), [f"not applied: {exc.strerror or exc}"]
    rules, problems = list[Rule](), list[str]()
    for number, line in enumerate(lines, start=1):
        try:
            rules += [
                Rule(regex, excludes, folder + name, number, line)
                for regex, excludes in _compiled(line)
            ]
        except (ValueError, re.error) as exc:
            problems.append(f"not applied: line {number}, {exc}")
    return Rules(folder, tuple(rules)), problems


def _compiled(line: str) -> list[tuple[re.Pattern[str], bool]]:
    # Imported late: most corpora have no ignore file, and the walk precedes every question.
    from pathspec import GitIgnoreSpec

    if len(re.findall(r"\*+", line)) > MAX_WILDCARDS and not line.startswith("#"):
        raise ValueError(f"more than {MAX_WILDCARDS} wildcards")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # from `re`, on nested brackets
        patterns = GitIgnoreSpec.from_lines([line]).patterns
    return [
        (each.regex, each.include) for each in patterns if each.regex and each.include is not None
    ]


def read_lines(top: Path, path: str) -> list[str]:
    """The lines of a small file below a folder.

    :raises OSError: it cannot be read, or is too large.
    """
    with os.fdopen(open_below(top, path), "rb") as file:
        data = file.read(MAX_IGNORE_BYTES + 1)
    if len(data) > MAX_IGNORE_BYTES:
        raise OSError(f"more than {MAX_IGNORE_BYTES:,} bytes")
    # File names are bytes: a pattern that is not UTF-8 must still match them.
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    return [line.removesuffix("\r") for line in text.split("\n")]


def vault_rules(top: Path, folder: str) -> tuple[Rules, dict[str, str]]:
    """The files that a vault leaves out: "Excluded files" and templates.

    :param folder: the vault, "" or ending in `/`, relative to the corpus.
    :returns: also what is wrong with a settings file, by its path.
    """
    rules, problems = list[Rule](), dict[str, str]()
    for name, key in _LEFT_OUT:
        path = f"{folder}{VAULT_FOLDER}/{name}"
        try:
            value = read_settings(top, path).get(key) or []
            each = [value.strip("/") + "/"] if isinstance(value, str) else value
            filters = msgspec.convert(each, list[str])
        except (OSError, ValueError, msgspec.ValidationError) as exc:
            problems[path] = f"not applied: {exc}"
            continue
        for entry in filters:
            if len(entry) > 1 and entry[0] == entry[-1] == "/":
                problems[path] = (
                    "not applied: its regular expressions; write patterns into .ragqaignore"
                )
            else:
                rules.append(Rule(_beginning(entry), excludes=True, file=path, line=0, text=entry))
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


def _beginning(entry: str) -> re.Pattern[str]:
    """A filter of Obsidian's, which is the beginning of paths, as a pattern."""
    below = "" if entry.endswith("/") else "(?s:.*)"  # a folder left out is not entered
    return re.compile(rf"\A{re.escape(entry)}{below}(?P<end>\Z)")
