"""The user's cache folder: its place, small JSON files, and file digests cached by stamp.

Everything in it can be recreated. An unwritable cache costs time, never an answer.
"""

import hashlib
import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from ragqa.config.files import cache_folder
from ragqa.safe import write_private

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

logger = logging.getLogger("ragqa")


def read_json(path: Path) -> Json:
    """Read a JSON file; None if it is missing or invalid."""
    try:
        content: Json = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return content


def write_json(path: Path, content: Json) -> None:
    """Write a JSON file atomically, for the user alone.

    :raises OSError: the folder cannot be written.
    """
    write_private(path, json.dumps(content))


def hash_file(path: Path) -> str:
    """The SHA-256 of a file.

    :raises OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(paths: Iterable[Path]) -> dict[Path, str]:
    """The SHA-256 of each file; a file is read only if its size or modification time changed.

    :raises OSError: a file cannot be read.
    """
    store = cache_folder() / "digests.json"
    content = read_json(store)
    known = content if isinstance(content, dict) else {}
    found: dict[Path, str] = {}
    changed = False
    for path in paths:
        stat = path.stat()
        match known.get(str(path)):
            case [stat.st_size, stat.st_mtime_ns, str(digest)]:
                found[path] = digest
            case _:
                found[path] = hash_file(path)
                known[str(path)] = [stat.st_size, stat.st_mtime_ns, found[path]]
                changed = True
    if changed:
        try:
            write_json(store, {path: known[path] for path in known if Path(path).exists()})
        except OSError as exc:
            logger.debug("cannot remember digests in %s: %s", store, exc)
    return found
