"""Folders and files of ragqa's own, for their user alone, whatever the umask lets others do."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from ragqa.atomic_write import write_whole

_FOLDER = stat.S_IRWXU
_FILE = stat.S_IRUSR | stat.S_IWUSR
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def private_folder(path: Path) -> None:
    """Make a folder, and the missing ones above it; one that others may write to is closed to them.

    :raises OSError: it cannot be made.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(_FOLDER, exist_ok=True)
    status = path.stat()
    # In a sticky folder, such as /tmp, nobody can replace another's files.
    if status.st_mode & _OTHERS_WRITE and not status.st_mode & stat.S_ISVTX:
        with suppress(PermissionError):  # another user's
            path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS_WRITE)


def private_file(path: Path) -> None:
    """Make an empty file unless it is there, and close it to others.

    :raises OSError: it is a link, or cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, _FILE)
    try:
        os.fchmod(descriptor, _FILE)
    finally:
        os.close(descriptor)


def write_private(path: Path, text: str) -> None:
    """Write a file whole, in a folder of its user alone.

    :raises OSError: it cannot be written.
    """
    private_folder(path.parent)
    write_whole(path, text, private=True)


def why_not_private(path: Path) -> str:
    """Why others may have put this file or folder here, in a few words; "" if they cannot have.

    :raises OSError: there is none.
    """
    status = path.lstat()
    if status.st_uid not in (os.getuid(), 0):
        return f"{path} belongs to another user"
    if stat.S_ISLNK(status.st_mode):
        return f"{path} is a symbolic link"
    return f"others may write to {path}" if status.st_mode & _OTHERS_WRITE else ""
