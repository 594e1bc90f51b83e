"""The folders that are made from the database: terms, and in a large index lists of embeddings.

The manifest names their files in the transaction that they belong to, with each file's size, time
and digest. So one that is missing or damaged is found, and made anew without reading any note.
"""

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from ragqa.errors import IndexNotReadable, IndexUnusable, NoIndex
from ragqa.safe import private_file, private_folder
from ragqa.stores.disk import unusable
from ragqa.stores.local.database import Database, FileSeal, Made, Manifest
from ragqa.stores.local.terms import TermIndex, dead_passages, write_terms
from ragqa.stores.local.vectors import FaissIndex, Lists, grow_lists, make_lists, write_lists
from ragqa.types import IndexInfo, Passage

REWRITE_BELOW = 2_000
"""Up to this many passages, the terms are written anew each time, in a quarter of a second."""

MAX_DEAD_SHARE = 0.1
"""Deleted passages count in BM25's statistics; above this share, the terms are written anew."""

EXACT_UP_TO = 25_000
"""Up to this many embeddings, each is compared, and no lists are made."""

MAX_NEW = 2_000
"""Up to this many embeddings may be newer than the lists: they are compared one by one."""

MAX_NEW_SHARE = 0.01
"""In a large index, up to this share of the embeddings may be newer."""

MAX_GROWTH = 1.5
"""Cells are trained anew once there are so many times the embeddings that they were trained on."""

SALVAGE = "salvage"
LEFTOVERS = (SALVAGE, "draft.sqlite", "seal.json")
"""What a repair that was killed may leave, and former versions of ragqa."""

LISTS = "lists.faiss"
_NAME = re.compile(r"(?:terms|vectors)-(\d{1,15})(?:\.faiss)?", re.ASCII)
_FILE = re.compile(r"\.?\w[\w.-]*", re.ASCII)


class Damaged(Exception):
    """A file is not as it was written; the message says which and how."""


@contextmanager
def _as_damage() -> Iterator[None]:
    """A file that cannot be used is damaged, whatever its seal says."""
    try:
        yield
    except IndexNotReadable:
        raise
    except IndexUnusable as exc:
        raise Damaged(exc.message) from exc


def _checked(root: Path, made: Made | None, what: str, *, thorough: bool = False) -> Made:
    """Compare files with their seals: the size and time, and where these differ the digest.

    :param made: names only files that ragqa makes, or it is damaged itself.
    :raises Damaged: one is missing or was changed.
    """
    if not made or not all(map(_FILE.fullmatch, (made.name, *made.files))):
        raise Damaged(f"what the index says of its {what} makes no sense")
    folder = root / made.name
    if folder.is_symlink():
        raise Damaged(f"the index folder {folder} is a link")
    for name, seal in made.files.items():
        path = folder / name
        try:
            status = os.lstat(path)
            if not stat.S_ISREG(status.st_mode):
                raise Damaged(f"the index file {path} is not a regular file")
            if status.st_size != seal.size:
                has = f"has {status.st_size} bytes instead of {seal.size}"
                raise Damaged(f"the index file {path} {has}")
            touched = status.st_mtime_ns != seal.mtime_ns
            if (touched or thorough) and _seal(path).sha256 != seal.sha256:
                raise Damaged(f"the index file {path} was changed after it was written")
        except FileNotFoundError as exc:
            raise Damaged(f"the index file {path} is missing") from exc
        except OSError as exc:
            refused = unusable(path, exc)
            if isinstance(refused, IndexNotReadable):
                raise refused from exc
            raise Damaged(refused.message) from exc
    return made


def open_terms(
    database: Database, made: Made | None, passages: int, *, thorough: bool = False
) -> TermIndex:
    """Open the terms.

    :param passages: how many they must hold.
    :raises Damaged: they are missing or damaged.
    """
    made = _checked(database.root, made, "terms", thorough=thorough)
    folder = database.root / made.name
    with _as_damage():
        index = TermIndex(folder, list(made.files))
    if len(index) != passages:
        raise Damaged(f"the terms in {folder} hold {len(index)} passages instead of {passages}")
    return index


def open_lists(
    database: Database, made: Made | None, dimension: int, *, thorough: bool = False
) -> Lists | None:
    """Open the lists of embeddings; None if the index is too small to have them.

    :raises Damaged: they are missing or damaged.
    """
    if made is None:
        return None
    _checked(database.root, made, "lists", thorough=thorough)
    # In a large index, reading through a map of the database takes a third of the time.
    database.db.execute("PRAGMA mmap_size = 2000000000")
    with _as_damage():
        return Lists(database.root / made.name / LISTS, dimension=dimension, upto=made.upto)


def update_terms(
    database: Database,
    old: Made | None,
    passages: int,
    *,
    gone: Sequence[int],
    added: Sequence[int],
) -> Made:
    """Write the terms of a transaction that is about to be committed.

    If neither notes nor terms have changed, the old ones stay.

    :param passages: how many passages there are now.
    :param gone: the numbers of the notes that were removed; `added` of those that came.
    """
    with suppress(Damaged), _as_damage():
        if old and not (gone or added):
            open_terms(database, old, passages, thorough=True)
            return old
        if passages > REWRITE_BELOW:
            old = _checked(database.root, old, "terms")
            dead = dead_passages(database.root / old.name) + len(gone)
            if dead <= MAX_DEAD_SHARE * passages:
                return _write_terms(database, database.passages("note", added), old, gone)
    return _write_terms(database, database.passages())


def _write_terms(
    database: Database,
    passages: Iterable[tuple[int, Passage]],
    old: Made | None = None,
    gone: Sequence[int] = (),
) -> Made:
    """Write the terms of all passages, or add these to the old ones, whose files stay."""
    folder = _new_folder(database, "terms")
    if old:
        for name, seal in old.files.items():
            _link(database.root / old.name / name, folder / name, seal)
    write_terms(folder, passages, gone=gone)
    return Made(folder.name, _sealed(folder, old))


def update_lists(
    database: Database, old: Made | None, info: IndexInfo, model: int, *, thorough: bool
) -> Made | None:
    """Write the lists of a transaction that is about to be committed, where they are too old.

    :param model: which embeddings count.
    """
    live = info.passages
    if live > EXACT_UP_TO:
        live = database.number("count(*) FROM embeddings WHERE model = ?", model)
    if live <= EXACT_UP_TO:
        return None
    try:
        lists = open_lists(database, old, info.embedder.dimension, thorough=thorough)
    except Damaged:
        lists = None
    if lists is None or old is None:
        return _make_lists(database)
    new = database.number("count(*) FROM embeddings WHERE row > ? AND model = ?", old.upto, model)
    dead = len(lists) - (live - new)
    if dead > MAX_DEAD_SHARE * live or live > MAX_GROWTH * old.trained_on:
        return _make_lists(database)
    if new > max(MAX_NEW, MAX_NEW_SHARE * live):
        rows, matrix = database.matrix(old.upto)
        grown = grow_lists(database.root / old.name / LISTS, rows, matrix)
        return _write(database, grown, rows[-1], old)
    return old


def _make_lists(database: Database) -> Made:
    """Write the lists of all embeddings."""
    rows, matrix = database.matrix()
    lists, dense = make_lists(rows, matrix)
    return _write(database, lists, rows[-1], Made("", {}, dense=dense, trained_on=len(rows)))


def _write(database: Database, lists: FaissIndex, upto: int, like: Made) -> Made:
    folder = _new_folder(database, "vectors")
    write_lists(folder / LISTS, lists)
    return msgspec.structs.replace(like, name=folder.name, files=_sealed(folder), upto=upto)


def faults_of(database: Database, info: IndexInfo, manifest: Manifest) -> dict[str, str]:
    """Read all that is made from a sound database; gives a reason for each damaged part."""
    faults = {}
    try:
        open_terms(database, manifest.terms, info.passages, thorough=True)
    except Damaged as exc:
        faults["the terms"] = str(exc)
    try:
        open_lists(database, manifest.lists, info.embedder.dimension, thorough=True)
    except Damaged as exc:
        faults["the lists of embeddings"] = str(exc)
    return faults


def sweep(database: Database) -> None:
    """Remove, as far as possible, what the manifest does not name."""
    kept: set[str] = set()
    with suppress(NoIndex):
        _, manifest = database.read()
        kept = {made.name for made in (manifest.terms, manifest.lists) if made}
    with suppress(OSError):
        for path in database.root.iterdir():
            if path.name in LEFTOVERS or (_NAME.fullmatch(path.name) and path.name not in kept):
                discard(path)


def discard(path: Path) -> None:
    """Remove a file, or a folder with all in it, if possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _new_folder(database: Database, what: str) -> Path:
    """Make a folder with a number above that of any there is."""
    matches = (_NAME.fullmatch(path.name) for path in database.root.iterdir())
    number = max((int(match[1]) for match in matches if match), default=0) + 1
    private_folder(folder := database.root / f"{what}-{number}")
    return folder


def _link(source: Path, target: Path, seal: FileSeal) -> None:
    """Have a file in two folders: tantivy never writes into one that is there.

    Where the file system has no links, the file is copied.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copyfile(source, target, follow_symlinks=False)
        os.utime(target, ns=(seal.mtime_ns, seal.mtime_ns))
        _sync(target)


def _sealed(folder: Path, old: Made | None = None) -> dict[str, FileSeal]:
    """Make the files in a folder durable and private, and record them."""
    seals = {}
    for name in sorted(path.name for path in folder.iterdir()):
        path = folder / name
        known = old.files.get(name) if old else None
        if known and path.stat().st_mtime_ns == known.mtime_ns:
            seals[name] = known
            continue
        private_file(path)
        if name.endswith(".lock"):  # tantivy's, which has the modes of the umask
            continue
        _sync(path)
        seals[name] = _seal(path)
    _sync(folder)
    return seals


def _seal(path: Path) -> FileSeal:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        status = os.fstat(file.fileno())
    return FileSeal(status.st_size, status.st_mtime_ns, sha256)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
