"""Read a file that only its user may read and change."""

import os
import stat
from pathlib import Path

from ragqa.errors import UsageError


def read_own(path: Path, what: str, *, size: int) -> bytes | None:
    """Read at most `size` bytes of a file; None if it does not exist.

    :param what: the file's purpose, for messages.
    :raises UsageError: it is a link, not a regular file, another user's, or accessible to others.
    """
    fix = f"chmod 600 {path}"
    try:
        # O_NOFOLLOW: a link may point to what others write; O_NONBLOCK: a pipe would hang.
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as exc:
        if path.is_symlink():
            raise UsageError(
                f"the {what} {path} is a symbolic link", hint=f"put the file itself there; {fix}"
            ) from exc
        raise UsageError(f"the {what} {path} cannot be read: {exc.strerror}", hint=fix) from exc
    try:
        state = os.fstat(file)
        if not stat.S_ISREG(state.st_mode):
            raise UsageError(f"the {what} {path} is not a regular file", hint=f"rm {path}")
        if state.st_uid != os.getuid():
            raise UsageError(f"the {what} {path} belongs to another user", hint=f"rm {path}")
        if others := _others_may(state.st_mode):
            raise UsageError(f"other users may {others} the {what} {path}", hint=fix)
        return os.read(file, size)
    finally:
        os.close(file)


def _others_may(mode: int) -> str:
    """What a mode lets users other than the owner do, "" for nothing."""
    all_bits = ((0o044, "read"), (0o022, "change"), (0o011, "run"))
    return " and ".join(verb for bits, verb in all_bits if mode & bits)
