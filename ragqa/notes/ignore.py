"""`.gitignore` and `.ragqaignore`: what a corpus asks to leave out, by git's rules."""

import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ragqa.notes.files import open_inside

IGNORE_FILES = (".gitignore", ".ragqaignore")
"""In order: where both speak of a file, the later one has the last word."""

MAX_IGNORE_BYTES = 100_000

MAX_WILDCARDS = 4
"""Runs of `*` in one pattern. Each more multiplies the time of a match; five have taken 17 s."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern of an ignore file: whether it leaves out or takes back in, and where it says so.

    `text` is its line as written.
    """

    regex: re.Pattern[str]
    leaves_out: bool
    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one ignore file; they count from `folder`, which is "" or ends in `/`."""

    folder: str
    rules: tuple[Rule, ...]


def rule_against(files: Sequence[Rules], path: str, *, is_folder: bool) -> Rule | None:
    """The rule that leaves out a file or folder; `files` are in order from the corpus downward.

    The last pattern that matches in the nearest ignore file decides. What lies below an ignored
    folder is never asked about, so nothing in it can be taken back in, as in git.
    """
    for file in reversed(files):
        relative = path[len(file.folder) :] + ("/" if is_folder else "")
        for rule in reversed(file.rules):
            if _matches(rule.regex, relative):
                return rule if rule.leaves_out else None
    return None


def _matches(pattern: re.Pattern[str], relative: str) -> bool:
    """Whether a pattern means this very file or folder, the latter with a `/` at its end.

    pathspec's patterns also match below a folder that they name, up to a group that is the `/`
    behind its name. Here that would be wrong: `!a/` does not take `a/b/` back in.
    """
    for match in pattern.finditer(relative):
        is_whole = match.end() == len(relative)
        if is_whole if match.lastgroup else not (is_whole and relative.endswith("/")):
            return True
    return False


def read_rules(corpus: Path, folder: str, name: str) -> tuple[Rules, list[str]]:
    """Read an ignore file; also give what is wrong with it, in a few words each."""
    try:
        lines = _read_lines(corpus, folder + name)
    except OSError as exc:
        return Rules(folder, ()), [f"not heeded: {exc.strerror or exc}"]
    rules, problems = list[Rule](), list[str]()
    for number, line in enumerate(lines, start=1):
        try:
            rules += [
                Rule(regex, leaves_out, folder + name, number, line)
                for regex, leaves_out in _compiled(line)
            ]
        except (ValueError, re.error) as exc:
            problems.append(f"line {number} is not heeded: {exc}")
    return Rules(folder, tuple(rules)), problems


def _compiled(line: str) -> list[tuple[re.Pattern[str], bool]]:
    # Most corpora have no ignore file, and the walk precedes every question.
    from pathspec import GitIgnoreSpec

    if len(re.findall(r"\*+", line)) > MAX_WILDCARDS and not line.startswith("#"):
        raise ValueError(f"more than {MAX_WILDCARDS} wildcards")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of `re`, on brackets in brackets
        patterns = GitIgnoreSpec.from_lines([line]).patterns
    return [
        (each.regex, each.include) for each in patterns if each.regex and each.include is not None
    ]


def _read_lines(corpus: Path, path: str) -> list[str]:
    with os.fdopen(open_inside(corpus, path), "rb") as file:
        data = file.read(MAX_IGNORE_BYTES + 1)
    if len(data) > MAX_IGNORE_BYTES:
        raise OSError(f"more than {MAX_IGNORE_BYTES:,} bytes")
    # File names are bytes: what is not UTF-8 must still match them.
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    return [line.removesuffix("\r") for line in text.split("\n")]
