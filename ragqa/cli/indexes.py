"""`ragqa index --list` and `--remove`: the indexes in the user's data folder."""

import os
import re
import shutil
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

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
    """An index in the data folder, as `--json` prints it.

    :param folders: those of its notes.
    :param notes: how many; None if it cannot be read, or is of another version of ragqa.
    :param last_used: the day on which it was last asked or changed.
    """

    name: str
    path: str
    folders: tuple[str, ...]
    notes: int | None
    bytes: int
    last_used: str

    @property
    def about(self) -> str:
        """Its notes, in words."""
        if self.notes is None:
            return "cannot be read, or is of another version of ragqa"
        places = (f"{at}{'' if Path(at).is_dir() else ' (no longer there)'}" for at in self.folders)
        return f"{counted(self.notes, 'note')} in {', '.join(places)}"


def kept_indexes() -> list[KeptIndex]:
    """The indexes in the data folder, by name."""
    with suppress(OSError):
        return [_kept(folder) for folder in sorted(indexes_folder().iterdir()) if _is_index(folder)]
    return []


def list_indexes(*, json: bool) -> int:
    """Print the indexes; 1 if there are none."""
    found = kept_indexes()
    if json:
        render.print_document({"indexes": list(map(asdict, found))})
    elif not found:
        render.say(f"There are no indexes in {indexes_folder()}.")
    else:
        for one in found:
            put_heading(one.name)
            print_row("notes", one.about)
            print_row("size", f"{one.bytes / 1e6:.1f} MB")
            print_row("last used", one.last_used)
    return 0 if found else 1


def remove_index(name: str, *, yes: bool) -> int:
    """Remove an index, and nothing else; asks first unless `yes`; 1 if the user says no.

    :raises UsageError: the data folder has no such index, it holds other files, or nobody can be
        asked.
    :raises WriterBusy: it is being written.
    """
    name = name.rstrip("/").removeprefix(f"{indexes_folder()}/")
    kept = next((one for one in kept_indexes() if one.name == name), None)
    if kept is None:
        raise UsageError(f"there is no index called {name} in {indexes_folder()}", hint=_LIST)
    folder = Path(kept.path)
    if others := sorted(file.name for file in folder.iterdir() if not _PART.fullmatch(file.name)):
        raise UsageError(
            f"{folder} also holds {others[0]}, which is no part of an index; nothing was removed",
            hint="move it elsewhere",
        )
    if not yes:
        if not is_interactive():
            raise UsageError("nothing was removed, since nobody can be asked", hint="add --yes")
        render.say(f"{folder}: {kept.about}, {kept.bytes / 1e6:.1f} MB. The notes stay.")
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
    # The seal is read whenever a question is asked, but not here.
    last = (folder / SEAL if (folder / SEAL).exists() else folder).stat()
    used = datetime.fromtimestamp(max(last.st_atime, last.st_mtime)).astimezone().date()
    size = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
    notes, folders = None, tuple[str, ...]()
    with suppress(NoIndex, IndexUnusable), closing(Database(folder)) as database:
        info, _ = database.read()
        lines = info.corpus.split("\n")
        places = [line.partition("/ ")[2] for line in lines] if len(lines) > 1 else lines
        notes, folders = info.notes, tuple(os.path.normpath(folder / at) for at in places)
    return KeptIndex(folder.name, str(folder), folders, notes, size, used.isoformat())
