"""The indexes in the user's data folder: which there are, and removing one."""

import os
import re
import shutil
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from ragqa.config import indexes_folder
from ragqa.errors import IndexUnusable, NoIndex, UsageError
from ragqa.stores.disk import locked
from ragqa.stores.local.database import DATABASE, SEAL, Database
from ragqa.types import counted

_PART = re.compile(
    r"LOCK|(index|draft)\.sqlite(-\w+)?|seal\.json|salvage|terms-\d+|vectors-\d+\.faiss|\.ragqa-\w+"
)
"""The names in the folder of an index."""


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
    if not indexes_folder().is_dir():
        return []
    return [
        _kept(folder)
        for folder in sorted(indexes_folder().iterdir())
        if not folder.is_symlink() and (folder / DATABASE).is_file()
    ]


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


def removable(name: str) -> KeptIndex:
    """The index of the data folder with this name.

    :raises UsageError: there is none, or its folder holds what is no part of an index.
    """
    kept = next((one for one in kept_indexes() if name in (one.name, one.path)), None)
    if kept is None:
        raise UsageError(
            f"there is no index called {name!r} in {indexes_folder()}", hint="ragqa index --list"
        )
    names = (file.name for file in Path(kept.path).iterdir())
    if other := next((one for one in names if not _PART.fullmatch(one)), ""):
        raise UsageError(
            f"{kept.path} also holds {other}, which is no part of an index; nothing was removed",
            hint="move it elsewhere",
        )
    return kept


def remove(kept: KeptIndex) -> None:
    """Remove the folder of an index.

    :raises WriterBusy: it is being written.
    """
    with locked(Path(kept.path), wait=False):
        shutil.rmtree(kept.path)
