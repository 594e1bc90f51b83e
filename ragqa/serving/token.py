"""The token that programs send: made once, and kept where only the user can read it."""

import logging
import os
import re
import secrets
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

import platformdirs

from ragqa.safe import write_private

logger = logging.getLogger("ragqa")

KEPT_AT = Path(platformdirs.user_data_dir("ragqa")) / "serve-token"

_TOKEN = re.compile(r"[\w-]{43}", re.ASCII)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def kept_token(*, new: bool = False, path: Path = KEPT_AT) -> str:
    """The user's token; it is the same at every start, so that programs can keep it.

    One that others could have read or written is replaced.

    :param new: make another; the old one no longer works.
    :param path: the file.
    """
    token = "" if new else _read(path)
    if not token:
        token = secrets.token_urlsafe(32)
        try:
            write_private(path, token)
        except OSError as exc:
            logger.warning("the token works until the server ends: %s: %s", path, exc.strerror)
    return token


def current(token: str, path: Path = KEPT_AT) -> Callable[[], str]:
    """What gives the token that counts now, "" for none: a new one ends the one before.

    :param token: as of `kept_token`, and `path`; it stays the same if it could not be kept.
    """
    return partial(_read, path) if _read(path) == token else lambda: token


def _read(path: Path) -> str:
    """The token in a file; "" if there is none that only the user can have read and written."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            is_private = status.st_uid == os.getuid() and not status.st_mode & _OTHERS
            text = file.read(100).decode("ascii", "replace") if is_private else ""
    except OSError:
        return ""
    return text if _TOKEN.fullmatch(text) else ""
