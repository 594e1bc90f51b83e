"""`ragqa index --list` and `--remove`: the indexes in the user's data folder."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import date, datetime
from pathlib import Path

from msgspec import Struct

from ragqa import render
from ragqa.cli.lines import is_interactive
from ragqa.config import indexes_folder
from ragqa.errors import IndexUnusable, NoIndex, UsageError
from ragqa.render.overviews import print_row
from ragqa.render.screen import put_heading
from ragqa.stores.disk import locked
from ragqa.stores.local.database import DATABASE, OLD_POINTER, SEAL, Database
from ragqa.types import counted

_LIST = "ragqa index --list"
_PART = re.compile(
    r"LOCK|(index|draft)\.sqlite(-\w+)?|seal\.json|salvage|taken-over|terms-\d+|vectors-\d+\.faiss|"
    r"\.ragqa-\w+|CURRENT(\.tmp)?|gen-\d+(\.tmp)?|saved-embeddings(-anew)?"
)
"""The names in the folder of an index, of this format or the one before."""


class KeptIndex(Struct, frozen=True):
    """An index in the data folder.

    :param notes: how many it has; None if it cannot be read, or is of another version of ragqa.
    :param of: the folders of these notes.
    :param used: the day on which it was last asked or changed.
    """

    folder: Path
    notes: int | None
    of: tuple[Path, ...]
    bytes: int
    used: date


def kept_indexes() -> list[KeptIndex]:
    """The indexes in the data folder, by name."""
    with suppress(OSError):
        return [_kept(folder) for folder in sorted(indexes_folder().iterdir()) if _is_index(folder)]
    return []


def list_indexes(*, json: bool) -> int:
    """Print the indexes; 1 if there are none."""
    found = kept_indexes()
    if json:
        render.print_document({"indexes": [_document(one) for one in found]})
    elif not found:
        render.say(f"There are no indexes in {indexes_folder()}.")
    else:
        for one in found:
            put_heading(one.folder.name)
            print_row("notes", _notes(one))
            print_row("size", f"{one.bytes / 1e6:.1f} MB")
            print_row("last used", str(one.used))
    return 0 if found else 1


def remove_index(name: str, *, yes: bool) -> int:
    """Remove an index, and nothing else; asks first unless `yes`; 1 if the user says no.

    :raises UsageError: the data folder has no such index, it holds other files, or nobody can be
        asked.
    :raises WriterBusy: it is being written.
    """
    found = {one.folder.name: one for one in kept_indexes()}
    kept = found.get(name.rstrip("/").removeprefix(f"{indexes_folder()}/"))
    if kept is None:
        raise UsageError(f"there is no index called {name} in {indexes_folder()}", hint=_LIST)
    folder = kept.folder
    if others := sorted(file.name for file in folder.iterdir() if not _PART.fullmatch(file.name)):
        raise UsageError(
            f"{folder} also holds {others[0]}, which is no part of an index; nothing was removed",
            hint="move it elsewhere",
        )
    if not yes:
        if not is_interactive():
            raise UsageError("nothing was removed, since nobody can be asked", hint="add --yes")
        render.say(f"{folder}: {_notes(kept)}, {kept.bytes / 1e6:.1f} MB. The notes stay.")
        if not render.confirm("Remove this index?"):
            return 1
    with locked(folder, wait=False):
        shutil.rmtree(folder)
    render.say(f"Removed {folder}")
    return 0


def _is_index(folder: Path) -> bool:
    is_own = folder.is_dir() and not folder.is_symlink()
    return is_own and any((folder / name).is_file() for name in (DATABASE, OLD_POINTER))


def _kept(folder: Path) -> KeptIndex:
    # Read whenever a question is asked, but not here.
    stamps = [(folder / name).stat() for name in (SEAL, DATABASE) if (folder / name).exists()]
    last = max(stamps[0].st_atime, stamps[0].st_mtime) if stamps else folder.stat().st_mtime
    size = sum(path.lstat().st_size for path in _files(folder))
    notes, of = None, tuple[Path, ...]()
    with suppress(NoIndex, IndexUnusable), closing(Database(folder)) as database:
        info, _ = database.read()
        places = info.corpus.split("\n")
        relative = [line.partition("/ ")[2] for line in places] if len(places) > 1 else places
        notes, of = info.notes, tuple(Path(os.path.normpath(folder / one)) for one in relative)
    return KeptIndex(folder, notes, of, size, datetime.fromtimestamp(last).astimezone().date())


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if not path.is_dir())


def _notes(kept: KeptIndex) -> str:
    if kept.notes is None:
        return "cannot be read, or is of another version of ragqa"
    places = (f"{one}{'' if one.is_dir() else ' (no longer there)'}" for one in kept.of)
    return f"{counted(kept.notes, 'note')} in {', '.join(places)}"


def _document(kept: KeptIndex) -> dict[str, object]:
    return {
        "name": kept.folder.name,
        "path": str(kept.folder),
        "folders": [str(one) for one in kept.of],
        "notes": kept.notes,
        "bytes": kept.bytes,
        "last_used": str(kept.used),
    }
