"""Keep the user safe: the only sanitiser, and files that are whole and closed to others."""

import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from ragqa.errors import UsageError

# C0 except tab and newline, DEL, C1, line and paragraph separators, bidi overrides and isolates,
# invisible operators, deprecated format characters, the byte order mark, interlinear annotation,
# Unicode tags, lone surrogates. Joiners and the marks U+200E and U+200F stay: scripts need them.
_STEERING = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
# A space without width belongs between words of Thai, Lao, Burmese and Khmer.
_ZERO_WIDTH = "\u200b(?<![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]\u200b)"
# A variation selector belongs to the emoji, ideograph, digit or sign before it. After anything
# else it is invisible, and rows of them can carry hidden text that an LLM reads.
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
# All but the emoji, ideographs, digits and signs: the few are compiled in a tenth of the time.
_NOT_VARIED = (
    "\x00-\x22\x24-\x29\x2b-\x2f\x3a-\xa8\xaa-\xad\xaf-\u0fff\u200b-\u200f\ufe00-\ufe0f"
    "\U000e0000-\U0010ffff"
)
_UNSAFE = re.compile(f"[{_STEERING}{_SELECTORS}](?<![^{_NOT_VARIED}][{_SELECTORS}])|{_ZERO_WIDTH}")

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def safe_text(text: str) -> str:
    r"""Escape (`\x1b`) whatever controls a terminal or hides text; keep line breaks and tabs."""
    return _UNSAFE.sub(_visible, text.replace("\r\n", "\n").replace("\r", "\n"))


def safe_line(text: str) -> str:
    r"""`safe_text` for what must stay on one line, such as a path: escapes `\n` and `\t`, too."""
    return _UNSAFE.sub(_visible, text).replace("\n", "\\n").replace("\t", "\\t")


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def write_whole(path: Path, text: str, *, new: bool = False, private: bool = False) -> None:
    """Write a file so that readers see the old one or the new one, never a part.

    :param new: never overwrite an existing file, which raises FileExistsError.
    :param private: let only the user read or write it.
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
        with suppress(OSError):
            draft.unlink()


def private_folder(path: Path) -> None:
    """Make a folder, and those missing above it; one that others may write to is closed to them."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(0o700, exist_ok=True)
    status = path.stat()
    # In a sticky folder, such as /tmp, nobody can replace another's files.
    if status.st_mode & _OTHERS_WRITE and not status.st_mode & stat.S_ISVTX:
        with suppress(PermissionError):  # another user's
            path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS_WRITE)


def open_private(path: Path, access: int = os.O_WRONLY) -> int:
    """Open a file, made if it is missing, no link, and close it to others; gives its descriptor."""
    flags = access | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def private_file(path: Path) -> None:
    """Make an empty file unless it is there, and close it to others."""
    os.close(open_private(path))


def write_private(path: Path, text: str) -> None:
    """Write a file whole, in a folder of its user alone."""
    private_folder(path.parent)
    write_whole(path, text, private=True)


def read_own(path: Path, what: str, *, size: int) -> bytes | None:
    """Read at most `size` bytes of a file; None if it does not exist.

    :param what: the file's purpose, for messages.
    :raises UsageError: it is a link, not a regular file, another user's, or accessible to others.
    """
    fix = f"put a file of your own there; chmod 600 {path}"
    try:
        # O_NOFOLLOW: a link may point to what others write; O_NONBLOCK: a pipe would hang.
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as exc:  # of a link, the system says "Too many levels of symbolic links"
        raise UsageError(f"the {what} {path} cannot be read: {exc.strerror}", hint=fix) from exc
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
            raise UsageError(f"the {what} {path} is not a file of yours", hint=fix)
        if status.st_mode & 0o077:
            raise UsageError(f"other users may use the {what} {path}", hint=f"chmod 600 {path}")
        return os.read(file, size)
    finally:
        os.close(file)


def why_not_private(path: Path) -> str:
    """Why others may have put this file or folder here, in a few words; "" if they cannot have."""
    status = path.lstat()
    if status.st_uid not in (os.getuid(), 0):
        return f"{path} belongs to another user"
    if stat.S_ISLNK(status.st_mode):
        return f"{path} is a symbolic link"
    return f"others may write to {path}" if status.st_mode & _OTHERS_WRITE else ""
