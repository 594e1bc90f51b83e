"""The folder of an index: one lock, one pointer, whole generations.

A generation is a folder that never changes once it has its final name, and `CURRENT` names the one
to read. Whatever interrupts a writer, `CURRENT` names the old or the new generation, both
complete.
"""

import errno
import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ragqa.errors import IndexUnusable, NoIndex
from ragqa.private import private_file, private_folder
from ragqa.stores.disk import REPAIR, new_file, open_existing, step, sync, unusable
from ragqa.stores.local.manifest import (
    DELTA,
    MANIFEST,
    PART,
    TERMS,
    FileRecord,
    Manifest,
    number_of,
    record_files,
)
from ragqa.types import IndexInfo

KEPT_GENERATIONS = 2

_NAME = re.compile(r"gen-(\d{6,18})", re.ASCII)
_DRAFT = re.compile(r"gen-(\d{6,18})\.tmp|CURRENT\.tmp", re.ASCII)
_CURRENT = "CURRENT"
_CURRENT_DRAFT = "CURRENT.tmp"
LOCK = "LOCK"
_MAX_NAME_BYTES = 64

# The file system has no hard links, or not for this file.
_CANNOT_LINK = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS}
)


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
    if not (root / name).is_dir() or (root / name).is_symlink():
        raise IndexUnusable(
            f"the index file {path} names {name}, which does not exist", hint=REPAIR
        )
    return name


def _read_name(path: Path) -> str:
    descriptor = open_existing(path)
    try:
        data = os.read(descriptor, _MAX_NAME_BYTES)
    finally:
        os.close(descriptor)
    return data.decode("ascii", "backslashreplace").removesuffix("\n")


def begin_draft(root: Path, *, delta: bool) -> Path:
    """Create the draft folder of the next generation, with a number never used before.

    :param delta: whether it has a folder for changes beside the base.
    """
    names = _names(root)
    with suppress(OSError):
        names.append(_read_name(root / _CURRENT))
    numbers = [number_of(name) for name in names if _NAME.fullmatch(name.removesuffix(".tmp"))]
    draft = root / f"gen-{max(numbers, default=0) + 1:06d}.tmp"
    step(f"make {draft.name}")
    private_folder(draft)
    for name in (TERMS, DELTA) if delta else (TERMS,):
        step(f"make {name}")
        private_folder(draft / name)
    return draft


def link_files(manifest: Manifest, names: Iterable[str], draft: Path) -> None:
    """Hard-link a generation's files into a draft; copy them if that is impossible.

    :raises IndexUnusable: a copied file was changed after it was written.
    """
    for name in names:
        source, target = manifest.folder / name, draft / name
        step(f"link {name}")
        try:
            os.link(source, target)
        except OSError as exc:
            if exc.errno not in _CANNOT_LINK:
                raise
            step(f"copy {target.name}")
            shutil.copyfile(source, target)
            if FileRecord.of(target).sha256 != manifest.files[name].sha256:
                raise IndexUnusable(
                    f"the index file {source} was changed after it was written", hint=REPAIR
                ) from exc


def publish(draft: Path, info: IndexInfo, base: Manifest | None) -> None:
    """Make a draft durable, then the current generation.

    :param base: the generation from which files are linked into the draft.
    """
    root, linked = draft.parent, base.linked_into(draft) if base else {}
    beside = sorted(_names(draft / TERMS))
    terms = [name for name in beside if not name.endswith(".lock")]
    for lock in set(beside) - set(terms):  # tantivy's, which has the modes of the umask
        private_file(draft / TERMS / lock)
    delta = PART if (draft / DELTA).is_dir() else ()
    below = (*(f"{TERMS}/{name}" for name in terms), *(f"{DELTA}/{name}" for name in delta))
    names = [*PART, *below]
    for name in names:
        if name not in linked:
            private_file(draft / name)
            sync(draft / name)
    manifest = Manifest(draft, info, record_files(draft, names, linked))
    with new_file(draft / MANIFEST) as file:
        file.write(manifest.encoded())
    for folder in (TERMS, DELTA):
        if (draft / folder).is_dir():
            sync(draft / folder)
    sync(draft)
    name = draft.name.removesuffix(".tmp")
    step(f"rename {draft.name}")
    draft.rename(root / name)
    sync(root)
    set_current(root, name)


def set_current(root: Path, name: str) -> None:
    """Make an existing generation the current one."""
    with new_file(root / _CURRENT_DRAFT) as file:
        file.write(f"{name}\n".encode())
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
        return any(map(_DRAFT.fullmatch, _names(root)))
    return False


def sweep(root: Path) -> None:
    """Remove, as far as possible, drafts and old generations.

    If `CURRENT` is missing or damaged, every generation is left for a person to inspect.
    """
    with suppress(OSError):
        names = sorted(_names(root))
        kept = sorted(filter(_NAME.fullmatch, names), key=number_of)
        with suppress(NoIndex, IndexUnusable):
            newest = number_of(current(root))
            kept = [name for name in kept if number_of(name) <= newest][-KEPT_GENERATIONS:]
        for name in names:
            if _DRAFT.fullmatch(name) or (_NAME.fullmatch(name) and name not in kept):
                _remove(root / name)


def _names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def _remove(path: Path) -> None:
    with suppress(OSError):
        step(f"remove {path.name}")
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
