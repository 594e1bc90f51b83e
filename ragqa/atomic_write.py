"""Write a text file whole or not at all."""

import contextlib
import os
from pathlib import Path


def write_whole(path: Path, text: str, *, new: bool = False, private: bool = False) -> None:
    """Write a file so that readers see the old one or the new one, never a part.

    :param new: never overwrite an existing file.
    :param private: let only the user read or write it.
    :raises FileExistsError: `new` is set and the file exists.
    :raises OSError: the folder cannot be written; nothing is left behind.
    """
    # Others may be able to write to the folder, so use an unguessable name and follow no link.
    draft = path.with_name(f".ragqa-{os.urandom(8).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(draft, flags, 0o600 if private else 0o666)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        if new:
            path.hardlink_to(draft)
        else:
            draft.replace(path)
    finally:
        # Gone after a replace; a second error must not hide the first.
        with contextlib.suppress(OSError):
            draft.unlink()
