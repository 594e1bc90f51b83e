"""The files to leave out: by ignore files, and by the settings of an Obsidian vault."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from ragqa.notes.read import open_below
from ragqa.types.notes import LEAVES_OUT

IGNORE_FILES = (".gitignore", ".ragqaignore")
"""In order: if both match a file, the later one decides."""

MAX_IGNORE_BYTES = 100_000

MAX_RULES = 1_000
"""The most rules for a file, from the ignore files above it together."""

VAULT_FOLDER = ".obsidian"

_SIGN = re.compile(
    r"\\(?P<own>.)|(?P<stars>\*+)|(?P<any>\?)|\[(?P<set>[!^]?+\]?+[^]]*+)\]"
    r"|(?P<open>[\\[])|(?P<plain>.)",
    re.DOTALL,
)

_LEFT_OUT = (("app.json", "userIgnoreFilters"), ("templates.json", "folder"))

Problem: TypeAlias = tuple[str, str]
"""The path of a file that has rules, and what is wrong with it, in a few words."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern of an ignore file: line `line`, from 1, as written; 0 in a vault's settings."""

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


def excluding_rule(rules: Sequence[Rule], path: str, *, is_folder: bool) -> Rule | None:
    """The rule that excludes a file or folder, or None; `rules` are in order from the corpus down.

    The last that matches decides. The walk never enters an ignored folder, so nothing in it can be
    re-included, as in git.
    """
    path += "/" * is_folder
    last = next((rule for rule in reversed(rules) if rule.regex.fullmatch(path)), None)
    return last if last and last.excludes else None


def add_rules(rules: list[Rule], top: Path, folder: str, name: str) -> Iterator[Problem]:
    """Add those of an ignore file in a folder ("" or `PATH/`) to the rules; gives its problems."""
    path = folder + name
    try:
        # File names are bytes: a pattern that is not UTF-8 must still match them.
        lines = _read(top, path).decode("utf-8", "surrogateescape").split("\n")
    except OSError as exc:
        yield path, f"not applied: {exc.strerror or exc}"
        return
    for number, ended in enumerate(lines, start=1):
        line = ended.removesuffix("\r")
        text = line.rstrip()
        if text.endswith("\\"):
            text = line[: len(text) + 1]  # the first blank is part of a name
        if text.startswith("#") or not text.strip("/"):
            continue
        if len(rules) >= MAX_RULES:
            yield path, f"not applied: from line {number}, more than {MAX_RULES:,} rules"
            break
        try:
            regex = _compiled(folder, text.removeprefix("!"))
        except (ValueError, re.error) as exc:
            yield path, f"not applied: line {number}, {exc}"
        else:
            rules.append(Rule(regex, not text.startswith("!"), path, number, line))


def _compiled(folder: str, pattern: str) -> re.Pattern[str]:
    """A pattern in a folder as an expression for paths; or a ValueError, or `re.error`.

    What a `*` or `**` skips is never tried again, so a match takes time linear in the path.
    """
    own = pattern.removesuffix("/")
    if not own:
        raise ValueError("it names nothing")
    parts = own.removeprefix("/").split("/")
    if "/" not in own:
        parts.insert(0, "**")
    if parts[-1] == "**":  # what is in the folder, but not the folder itself
        parts.append("*")
    runs = [""]
    for part in parts:
        if part == "**":
            runs.append("")
        else:
            runs[-1] += f"{_part(part)}/"
    whole = re.escape(folder) + _joined(runs, "(?>(?:[^/]+/)*?{})", "(?:.*/)?{}")
    return re.compile(whole if pattern.endswith("/") else f"{whole}?", re.DOTALL)


def _part(text: str) -> str:
    """The expression of what stands between the slashes of a pattern."""
    if not text.strip("*"):
        return "[^/]+" if text else r"(?!)"
    runs = [""]
    for match in _SIGN.finditer(text):
        kind, sign = match.lastgroup, match[match.lastgroup or 0]
        if kind == "stars":
            runs.append("")
        elif kind == "any":
            runs[-1] += "[^/]"
        elif kind == "set":
            none_of = "^/" if sign[0] in "!^" else ""
            inner = re.sub(r"([\\\[\]^&~|])", r"\\\1", sign[bool(none_of) :])
            runs[-1] += f"[{none_of}{inner}]"
        elif kind == "open":
            raise ValueError(f"nothing follows or closes its {sign}")
        else:
            runs[-1] += re.escape(sign)
    return _joined(runs, "(?>[^/]*?{})", "[^/]*{}")


def _joined(runs: Sequence[str], between: str, last: str) -> str:
    """Expressions with wildcards between them; any place is as good, but for the last run."""
    first, *others = runs
    return first + "".join(
        (between if number < len(others) else last).format(run)
        for number, run in enumerate(others, start=1)
    )


def add_vault_rules(rules: list[Rule], top: Path, folder: str) -> Iterator[Problem]:
    """Add those for a vault's "Excluded files" and templates to the rules; gives its problems."""
    for name, key in _LEFT_OUT:
        path = f"{folder}{VAULT_FOLDER}/{name}"
        try:
            filters = _filters(_read(top, path), key)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as exc:
            yield path, f"not applied: {exc}"
            continue
        patterns = [entry for entry in filters if len(entry) > 1 and entry[0] == entry[-1] == "/"]
        if patterns:
            yield path, "not applied: its regular expressions; write patterns into .ragqaignore"
        for entry in filters:
            if entry not in patterns:
                # Obsidian's filters are the beginnings of paths; a folder left out is not entered.
                below = "" if entry.endswith("/") else "(?s:.*)"
                regex = re.compile(re.escape(folder + entry) + below)
                rules.append(Rule(regex, excludes=True, file=path, line=0, text=entry))


def _filters(source: bytes, key: str) -> list[str]:
    """What a settings file of a vault has under a key; a text is a folder; or a ValueError."""
    try:
        value = msgspec.json.decode(source, type=dict[str, Any]).get(key) or []
    except (msgspec.DecodeError, RecursionError) as exc:
        raise ValueError("it is not a JSON object") from exc
    each = [value.strip("/") + "/"] if isinstance(value, str) else value
    filters: list[str] = msgspec.convert(each, Annotated[list[str], Meta(max_length=MAX_RULES)])
    return filters


def _read(top: Path, path: str) -> bytes:
    """A small file below a folder, without a byte order mark; or an OSError."""
    with os.fdopen(open_below(top, path), "rb") as file:
        data = file.read(MAX_IGNORE_BYTES + 1)
    if len(data) > MAX_IGNORE_BYTES:
        raise OSError(f"more than {MAX_IGNORE_BYTES:,} bytes")
    return data.removeprefix(b"\xef\xbb\xbf")
