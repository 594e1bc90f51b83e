"""`.gitignore` and `.ragqaignore`: files that a corpus excludes, by git's rules."""

import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ragqa.notes.read import open_below

IGNORE_FILES = (".gitignore", ".ragqaignore")
"""In order: if both match a file, the later one decides."""

MAX_IGNORE_BYTES = 100_000

MAX_WILDCARDS = 4
"""Runs of `*` in one pattern. Each multiplies the time of a match; five have taken 17 s."""


@dataclass(frozen=True, slots=True)
class Rule:
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
        return f'{place} leaves it out: "{self.text.strip()}"'


@dataclass(frozen=True, slots=True)
class Rules:
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
            problems.append(f"line {number} is not applied: {exc}")
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
