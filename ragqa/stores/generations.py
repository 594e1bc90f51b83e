"""The folder of an index: one lock, one pointer, whole generations.

A generation is a folder that never changes once it has its name, and `CURRENT` names the one to
read. Whatever interrupts a writer, `CURRENT` names either the old generation or the new one, both
complete. Every action on the disk is announced by `step`, where tests kill or fail it.
"""

import errno
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import RawIOBase
from pathlib import Path

from ragqa.errors import IndexUnusable, NoIndex
from ragqa.stores.failures import REPAIR, unusable
from ragqa.stores.manifest import (
    DELTA,
    MANIFEST,
    PART,
    TERMS,
    FileRecord,
    Manifest,
    encode,
    record_of,
)

KEPT_GENERATIONS = 2

_NAME = re.compile(r"gen-(\d{6,18})", re.ASCII)
_DRAFT = re.compile(r"gen-(\d{6,18})\.tmp", re.ASCII)
_CURRENT = "CURRENT"
_CURRENT_DRAFT = "CURRENT.tmp"
LOCK = "LOCK"
_MAX_NAME_BYTES = 64
_SMALL_BYTES = 2**20

# An index holds the notes' text, and they may be for the user alone; a lock that others may read
# they may hold, too.
PRIVATE = 0o700

# Where the file system has no hard links, or not for this file.
_CANNOT_LINK = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS}
)


def _go_on(name: str) -> None:
    """Let every step happen."""


_hook: Callable[[str], None] = _go_on


def step(name: str) -> None:
    """Announce the next action on the disk; does nothing unless a test is watching."""
    _hook(name)


@contextmanager
def stepping(hook: Callable[[str], None]) -> Iterator[None]:
    """Call `hook` with the name of each step; what it raises, the step raises."""
    global _hook
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before


def current(root: Path) -> str:
    """Read the name of the generation to read.

    :raises NoIndex: nothing was committed here yet.
    :raises IndexUnusable: `CURRENT` is not the name of a generation that is here.
    """
    path = root / _CURRENT
    try:
        name = _read_name(path)
    except FileNotFoundError as exc:
        newest = next(iter(all_generations(root)), "")
        # A first build that was killed just before the end leaves the first one, and no more.
        if newest and number_of(newest) > 1:
            raise IndexUnusable(
                f"the index file {path} is missing, which says which generation is to be read",
                hint=REPAIR,
            ) from exc
        raise NoIndex(f"there is no index in {root} yet", hint="ragqa index") from exc
    except OSError as exc:
        raise unusable(path, exc) from exc
    if not _NAME.fullmatch(name):
        raise IndexUnusable(
            f"the index file {path} does not name a generation, it says {name!r}", hint=REPAIR
        )
    try:
        found = stat.S_ISDIR(os.lstat(root / name).st_mode)
    except OSError:
        found = False
    if not found:
        raise IndexUnusable(f"the index file {path} names {name}, which is not there", hint=REPAIR)
    return name


def number_of(name: str) -> int:
    """The number in the name of a generation or of its draft."""
    return int(_without_tmp(name).partition("-")[2])


def _without_tmp(name: str) -> str:
    return name.removesuffix(".tmp")


def _read_name(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        data = os.read(descriptor, _MAX_NAME_BYTES)
    finally:
        os.close(descriptor)
    return data.decode("ascii", "backslashreplace").removesuffix("\n")


def begin_draft(root: Path) -> Path:
    """Make the folder in which the next generation is built, with a number never used before."""
    names = _names(root)
    with suppress(OSError):
        names.append(_read_name(root / _CURRENT))
    numbers = [number_of(name) for name in names if _NAME.fullmatch(_without_tmp(name))]
    draft = root / f"gen-{max(numbers, default=0) + 1:06d}.tmp"
    step(f"make {draft.name}")
    draft.mkdir(PRIVATE)
    step(f"make {TERMS}")
    (draft / TERMS).mkdir()
    return draft


@contextmanager
def new_file(path: Path) -> Iterator[Callable[[bytes], None]]:
    """Give what writes to a new file, and see the file to the disk in the end."""
    step(f"write {path.name}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o666), "wb", buffering=0) as file:
        yield partial(write_all, file)
        step(f"sync {path.name}")
        os.fsync(file.fileno())


def write_all(file: RawIOBase, data: bytes) -> None:
    """Write all of it to an unbuffered file, or raise."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def sync(path: Path) -> None:
    """See a file, or the names in a folder, to the disk."""
    step(f"sync {path.name}")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def carry(folder: Path, manifest: Manifest, names: Iterable[str], draft: Path) -> None:
    """Give files of a generation, which will not change, a second name in a draft.

    Where that cannot be they are copied.

    :raises IndexUnusable: one that was copied is not as it was written.
    """
    for name in names:
        step(f"link {name}")
        try:
            os.link(folder / name, draft / name)
        except OSError as exc:
            if exc.errno not in _CANNOT_LINK:
                raise
            _copy(folder / name, draft / name, manifest.files[name])


def _copy(source: Path, target: Path, record: FileRecord) -> None:
    step(f"copy {target.name}")
    shutil.copyfile(source, target)
    if record_of(target).sha256 != record.sha256:
        raise IndexUnusable(
            f"the index file {source} was changed after it was written", hint=REPAIR
        )


def draft_files(draft: Path) -> list[str]:
    """The files of a draft by their names in the manifest, in order."""
    terms = sorted(name for name in _names(draft / TERMS) if not name.endswith(".lock"))
    delta = PART if (draft / DELTA).is_dir() else ()
    return [*PART, *(f"{TERMS}/{name}" for name in terms), *(f"{DELTA}/{name}" for name in delta)]


def publish(draft: Path, manifest: Manifest) -> None:
    """Make a draft, whose files are on the disk already, the generation to read."""
    root = draft.parent
    with new_file(draft / MANIFEST) as write:
        write(encode(manifest))
    for folder in (TERMS, DELTA):
        if (draft / folder).is_dir():
            sync(draft / folder)
    sync(draft)
    name = _without_tmp(draft.name)
    step(f"rename {draft.name}")
    draft.rename(root / name)
    sync(root)
    point_to(root, name)


def point_to(root: Path, name: str) -> None:
    """Make a generation that is there the one to read."""
    with new_file(root / _CURRENT_DRAFT) as write:
        write(f"{name}\n".encode())
    step("replace CURRENT")
    (root / _CURRENT_DRAFT).replace(root / _CURRENT)
    sync(root)


def all_generations(root: Path) -> list[str]:
    """The names of the generations that are there, sound or not, newest first."""
    try:
        names = [each.name for each in root.iterdir() if each.is_dir() and not each.is_symlink()]
    except FileNotFoundError:
        return []
    return sorted(filter(_NAME.fullmatch, names), key=number_of, reverse=True)


def has_leftovers(root: Path) -> bool:
    """Whether a writer that was interrupted left something that nobody needs."""
    with suppress(OSError):
        return any(map(_is_draft, _names(root)))
    return False


def sweep(root: Path) -> None:
    """Remove, as far as it can be, what no reader needs: drafts and old generations.

    Where `CURRENT` is missing or damaged every generation is left for a person to look at.
    """
    with suppress(OSError):
        names = _names(root)
        kept = _kept(root, names)
        for name in sorted(names):
            if _is_draft(name) or (_NAME.fullmatch(name) and name not in kept):
                _remove(root / name)


def _is_draft(name: str) -> bool:
    return name == _CURRENT_DRAFT or bool(_DRAFT.fullmatch(name))


def _kept(root: Path, names: Iterable[str]) -> set[str]:
    generations = sorted(filter(_NAME.fullmatch, names), key=number_of)
    try:
        newest = number_of(current(root))
    except (NoIndex, IndexUnusable):
        return set(generations)
    older = [name for name in generations if number_of(name) <= newest]
    return set(older[-KEPT_GENERATIONS:])


def _names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def _remove(path: Path) -> None:
    with suppress(OSError):
        step(f"remove {path.name}")
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
