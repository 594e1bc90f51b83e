"""Write a text file whole or not at all."""

import contextlib
import os
from pathlib import Path


def write_whole(path: Path, text: str, *, new: bool = False, private: bool = False) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part.

    :param new: one that is there already stays as it is.
    :param private: nobody but the user may read or write it.
    :raises FileExistsError: with `new`, it is there already.
    :raises OSError: the folder cannot be written; nothing is left behind.
    """
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        if private:
            draft.touch(mode=0o600)
        draft.write_text(text, encoding="utf-8")
        if new:
            path.hardlink_to(draft)
        else:
            draft.replace(path)
    finally:
        # After a replace it is gone; an error of its own must not hide the first.
        with contextlib.suppress(OSError):
            draft.unlink()
