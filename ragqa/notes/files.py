"""Open files of a corpus without escaping from it or blocking, whatever it contains."""

import os
import stat
from pathlib import Path

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO would wait for a writer forever.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NotRegular(OSError):
    """The path is a folder, FIFO, socket or device, not a file."""


def open_inside(corpus: Path, path: str) -> int:
    """Open a regular file below the corpus for reading; the caller closes the descriptor.

    No component below the corpus may be a symbolic link or `..`, even if one is created while
    this runs: each is opened relative to its parent.

    :raises NotRegular: it is not a regular file.
    :raises OSError: it cannot be opened.
    """
    *folders, name = path.split("/")
    if not {"", ".", ".."}.isdisjoint({*folders, name}) or not _can_be_a_path(path):
        raise NotRegular(f"not a path below the corpus: {path!r}")
    parent = os.open(corpus, _FOLDER_FLAGS)
    try:
        for folder in folders:
            child = os.open(folder, _FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=parent)
            os.close(parent)
            parent = child
        descriptor = os.open(name, _FILE_FLAGS, dir_fd=parent)
    finally:
        os.close(parent)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegular(f"not a regular file: {path!r}")
    return descriptor


def _can_be_a_path(text: str) -> bool:
    """Whether a text is a valid path; one from an index or a question set may not be."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
