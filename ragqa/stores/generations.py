"""The folder of an index: one lock, one pointer, whole generations.

A generation is a folder that never changes once it has its final name, and `CURRENT` names the one
to read. Whatever interrupts a writer, `CURRENT` names the old or the new generation, both
complete. `step` announces every disk action, so that tests can kill or fail it there.
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

# An index holds the notes' text, which may be private; and whoever can read a lock can hold it.
PRIVATE = 0o700

# The file system has no hard links, or not for this file.
_CANNOT_LINK = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS}
)


def _no_hook(name: str) -> None:
    """Do nothing."""


_hook: Callable[[str], None] = _no_hook


def step(name: str) -> None:
    """Announce the next disk action; does nothing unless a test is watching."""
    _hook(name)


@contextmanager
def stepping(hook: Callable[[str], None]) -> Iterator[None]:
    """Call `hook` with the name of each step; `step` raises what it raises."""
    global _hook
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before


def current(root: Path) -> str:
    """The name of the current generation.

    :raises NoIndex: nothing has been committed yet.
    :raises IndexUnusable: `CURRENT` does not name an existing generation.
    """
    path = root / _CURRENT
    try:
        name = _read_name(path)
    except FileNotFoundError as exc:
        newest = next(iter(all_generations(root)), "")
        # A first build killed just before the end leaves only generation 1.
        if newest and number_of(newest) > 1:
            raise IndexUnusable(
                f"the index file {path} is missing, which names the generation to read",
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
        raise IndexUnusable(
            f"the index file {path} names {name}, which does not exist", hint=REPAIR
        )
    return name


def number_of(name: str) -> int:
    """The number in the name of a generation or its draft."""
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
    """Create the draft folder of the next generation, with a number never used before."""
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
    """Yield a function that writes to a new file; sync the file at the end."""
    step(f"write {path.name}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o666), "wb", buffering=0) as file:
        yield partial(write_all, file)
        step(f"sync {path.name}")
        os.fsync(file.fileno())


def write_all(file: RawIOBase, data: bytes) -> None:
    """Write all data to an unbuffered file, or raise."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def sync(path: Path) -> None:
    """Sync a file, or a folder's entries, to the disk."""
    step(f"sync {path.name}")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def link_files(folder: Path, manifest: Manifest, names: Iterable[str], draft: Path) -> None:
    """Hard-link a generation's files into a draft; copy them if that is impossible.

    :raises IndexUnusable: a copied file was changed after it was written.
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
    """The files of a draft, by their names in the manifest, in order."""
    terms = sorted(name for name in _names(draft / TERMS) if not name.endswith(".lock"))
    delta = PART if (draft / DELTA).is_dir() else ()
    return [*PART, *(f"{TERMS}/{name}" for name in terms), *(f"{DELTA}/{name}" for name in delta)]


def publish(draft: Path, manifest: Manifest) -> None:
    """Make a draft, whose files are already synced, the current generation."""
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
    set_current(root, name)


def set_current(root: Path, name: str) -> None:
    """Make an existing generation the current one."""
    with new_file(root / _CURRENT_DRAFT) as write:
        write(f"{name}\n".encode())
    step("replace CURRENT")
    (root / _CURRENT_DRAFT).replace(root / _CURRENT)
    sync(root)


def all_generations(root: Path) -> list[str]:
    """The names of all generations, sound or not, newest first."""
    try:
        names = [each.name for each in root.iterdir() if each.is_dir() and not each.is_symlink()]
    except FileNotFoundError:
        return []
    return sorted(filter(_NAME.fullmatch, names), key=number_of, reverse=True)


def has_leftovers(root: Path) -> bool:
    """Whether an interrupted writer left a draft."""
    with suppress(OSError):
        return any(map(_is_draft, _names(root)))
    return False


def sweep(root: Path) -> None:
    """Remove, as far as possible, drafts and old generations.

    If `CURRENT` is missing or damaged, every generation is left for a person to inspect.
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
