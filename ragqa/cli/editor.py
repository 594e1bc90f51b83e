"""Open a source in the user's editor: no shell sees its name, no program takes it for an option."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from ragqa.config.settings import OPTIONAL_FORMATS
from ragqa.corpus import Corpus
from ragqa.errors import UsageError
from ragqa.lookup import headings_at
from ragqa.notes.ignore import VAULT_FOLDER

_PLUS = ("vi", "vim", "nvim", "gvim", "nano", "emacs", "emacsclient", "micro", "kak")
_COLON = ("hx", "helix", "subl", "zed")
_GOTO = ("code", "code-insiders", "codium", "cursor")
"""Editors by how they take a line: as +LINE, as FILE:LINE, or as FILE:LINE after --goto."""

_NOT_IN_LINK = re.compile(r"[#^|:%\[\]\\\s]+")
"""What Obsidian leaves out of a link to a heading."""

_OFFICE = (".pdf", ".docx", ".odt", ".rtf", ".pptx", ".xlsx", ".ods", ".epub")
"""Files that no editor can show."""


def open_at(source: tuple[str, int], corpus: Corpus) -> int:
    """Open a note at a line, and wait for an editor in this terminal; return its exit code."""
    if not corpus.file(source[0]).is_file():
        raise UsageError(f"{source[0]} is no longer there", hint="ragqa index")
    command = _command(source, corpus)
    try:
        return subprocess.run(command, check=False).returncode  # noqa: S603 - the user's program
    except OSError as exc:
        raise UsageError(
            f"{command[0]} cannot be started: {exc.strerror}", hint="export EDITOR=nano"
        ) from exc


def _command(source: tuple[str, int], corpus: Corpus) -> Sequence[str]:
    file, line = corpus.file(source[0]), source[1]
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    if file.suffix.casefold() in _OFFICE:
        return [opener, str(file)]
    given = os.environ.get("VISUAL", "").strip() or os.environ.get("EDITOR", "")
    try:
        words = shlex.split(given)
    except ValueError as exc:
        raise UsageError(
            f"the editor {given!r} has an open quote", hint="export EDITOR=nano"
        ) from exc
    if any(words):
        return [*words, *_at(Path(words[0]).name, str(file), line)]
    for vault in file.parents:
        if (vault / VAULT_FOLDER).is_dir():
            return [opener, _in_obsidian(file, vault, headings_at(corpus, *source))]
    raise UsageError(
        "neither VISUAL nor EDITOR names an editor, and these notes are no Obsidian vault",
        hint="export EDITOR=nano",
    )


def _in_obsidian(file: Path, vault: Path, headings: Sequence[str]) -> str:
    """The address of a heading of a note in a vault, or of the note."""
    if not headings or file.suffix.casefold() != ".md":
        return f"obsidian://open?path={quote(os.fsencode(file), safe='')}"
    below = "".join(f"#{_NOT_IN_LINK.sub(' ', heading).strip()}" for heading in headings)
    place = os.fsencode(file.relative_to(vault).with_suffix("")) + below.encode("utf-8", "replace")
    name = quote(os.fsencode(vault.name), safe="")
    return f"obsidian://open?vault={name}&file={quote(place, safe='')}"


def _at(editor: str, file: str, line: int) -> Sequence[str]:
    """The arguments for a line of a file; the file alone if its lines are not those of the note."""
    if file.casefold().endswith(tuple(f".{suffix}" for suffix in OPTIONAL_FORMATS)):
        return [file]
    if editor in _GOTO:
        return ["--goto", f"{file}:{line}"]
    if editor in _COLON:
        return [f"{file}:{line}"]
    return [f"+{line}", file] if editor in _PLUS else [file]
