"""Read a note from disk unchanged, without leaving the corpus or blocking, and parse it."""

import hashlib
import os
import stat
from pathlib import Path
from time import time_ns

from msgspec import structs

from ragqa.notes.formats import NO_EXTRA, Document, Format, Unfit, format_of, is_installed
from ragqa.types import Corpus, Note, NoteState, Skipped, Stamp, in_words

SETTLED_AFTER_NS = 2_000_000_000
"""Modification times can be this coarse (FAT), so two changes within it can look like one."""

ATTEMPTS = 3

_STATEMENT_WORDS = 3

NOT_A_FILE = "not a regular file"

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO would wait for a writer forever.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NotRegular(OSError):
    """The path is a folder, FIFO, socket or device, not a file."""


def read_note(corpus: Corpus, path: str, *, max_note_bytes: int) -> Note | Skipped:
    """Read and parse one note that the walk found."""
    read = read_text(corpus, path, max_note_bytes=max_note_bytes)
    return read if isinstance(read, Skipped) else parse_note(path, read)


def read_text(corpus: Corpus, path: str, *, max_note_bytes: int) -> Document | Skipped:
    """Read the text of one note, without parsing it.

    That of an empty file is its name if this may state something: "We use Signal for the family".
    """
    form, refused = format_of(path), None
    try:
        for _ in range(ATTEMPTS):
            read = _read_bytes(corpus, path, form, max_note_bytes)
            if read is not None:
                data, state = read
                refused = structs.replace(state, sha256=form.mark)
                document = _document(form, data, state.sha256)
                if not form.version and not document.text.strip():
                    document = structs.replace(document, text=_title_alone(path))
                return structs.replace(document, state=state)
    except Unfit as exc:
        return Skipped(path, str(exc), refused)
    except NotRegular:
        return Skipped(path, NOT_A_FILE)
    except FileNotFoundError:
        return Skipped(path, "deleted before it was read")
    except OSError as exc:
        return Skipped(path, f"cannot be read: {exc.strerror or exc}")
    return Skipped(path, "changed while it was read")


def _title_alone(path: str) -> str:
    """The name of an empty file as words; "" for one of few words, such as "Anna" or a date."""
    name = in_words(path)
    return name if sum(map(str.isalpha, name.split())) >= _STATEMENT_WORDS else ""


def digest_of(corpus: Corpus, path: str, *, max_note_bytes: int) -> str:
    """The digest of a note, as `read_text` gives it; "" if it cannot be read."""
    form = format_of(path)
    try:
        read = _read_bytes(corpus, path, form, max_note_bytes)
    except (Unfit, OSError):
        return ""
    return read[1].sha256 if read else ""


def read_bytes(corpus: Corpus, path: str, *, max_note_bytes: int) -> bytes:
    """The bytes of a file; none if it cannot be read, or changes meanwhile."""
    try:
        read = _read_bytes(corpus, path, format_of(path), max_note_bytes)
    except (Unfit, OSError):
        return b""
    return read[0] if read else b""


def _document(form: Format, data: bytes, digest: str) -> Document:
    if not form.version:
        return form.convert_here(data)
    if form.needs and not is_installed():
        raise Unfit(NO_EXTRA)
    from ragqa.notes.extraction import kept

    return kept(digest, form, data)


def _read_bytes(
    corpus: Corpus, path: str, form: Format, max_note_bytes: int
) -> tuple[bytes, NoteState] | None:
    """A file's bytes and its state; None if it changed meanwhile."""
    max_bytes = form.max_bytes or max_note_bytes
    with os.fdopen(open_below(*corpus.inside(path)), "rb") as file:
        first, now = os.fstat(file.fileno()), time_ns()
        data = file.read(max_bytes + 1)
        last = os.fstat(file.fileno())
    before, after = (Stamp(status.st_size, status.st_mtime_ns) for status in (first, last))
    if len(data) > max_bytes:
        raise Unfit(too_large(after.size, max_bytes, form))
    if before != after or len(data) != before.size:
        return None
    digest = hashlib.sha256(data).hexdigest() + form.mark
    return data, NoteState(before, digest, abs(now - before.mtime_ns) > SETTLED_AFTER_NS)


def too_large(size: int, max_bytes: int, form: Format) -> str:
    """Why a file of this size is skipped."""
    limit = f"a file of the format {form.name} may have" if form.max_bytes else "max_note_bytes"
    return f"too large: {size:,} bytes, more than {limit} ({max_bytes:,})"


def open_below(top: Path, path: str) -> int:
    """Open a regular file below a folder for reading; the caller closes the descriptor.

    No component of the path may be a symbolic link or `..`, even if one is created while this
    runs: each is opened relative to its parent.

    :raises NotRegular: it is not a regular file.
    :raises OSError: it cannot be opened.
    """
    *folders, name = path.split("/")
    if not {"", ".", ".."}.isdisjoint({*folders, name}):
        raise NotRegular(f"not a path below the folder: {path!r}")
    parent = os.open(top, _FOLDER_FLAGS)
    try:
        for folder in folders:
            child = os.open(folder, _FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=parent)
            os.close(parent)
            parent = child
        descriptor = os.open(name, _FILE_FLAGS, dir_fd=parent)
    except ValueError as exc:  # one from an index or a question set may be no path at all
        raise NotRegular(f"not a path: {path!r}") from exc
    finally:
        os.close(parent)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegular(f"not a regular file: {path!r}")
    return descriptor


def parse_note(path: str, read: Document | str) -> Note:
    """Parse a note; any text is a note.

    :param read: its document, or only the text of that if what else it says does not matter.
    """
    # Late: a question to an up-to-date index needs no parser.
    from ragqa.notes.written import note_of

    return note_of(path, Document(read) if isinstance(read, str) else read)
