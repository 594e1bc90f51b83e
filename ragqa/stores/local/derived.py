"""The files that are made from the database: terms, and in a large index lists of embeddings.

The database names them in the transaction that they belong to, with each file's size, time and
digest. So one that is missing or damaged is found, and made anew without reading any note.
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

from ragqa.errors import IndexNotReadable, IndexUnusable
from ragqa.safe import private_file, private_folder
from ragqa.stores.disk import unusable
from ragqa.stores.local.database import Database
from ragqa.stores.local.terms import TermIndex, dead_passages, write_terms
from ragqa.stores.local.vectors import FaissIndex, Lists, grow_lists, make_lists, write_lists
from ragqa.stores.rows import MALFORMED
from ragqa.types import DenseInfo, IndexInfo, Passage

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

DRAFT = "draft.sqlite"
SALVAGE = "salvage"
LEFTOVERS = (DRAFT, SALVAGE)
"""What a writer or a repair that was killed may leave."""

_TERMS, _LISTS = "the terms", "the lists of embeddings"
_NAME = re.compile(r"(?:terms|vectors)-(\d{1,15})(?:\.faiss)?", re.ASCII)
_FILE = re.compile(r"\.?\w[\w.-]*", re.ASCII)


class FileSeal(msgspec.Struct, frozen=True):
    """A file as it was written."""

    size: int
    mtime_ns: int
    sha256: str


class Made(msgspec.Struct, frozen=True):
    """What was made: a folder of files, or a file.

    :param upto: for lists, the row of the last embedding in them.
    :param trained_on: for lists, the number of embeddings that their cells were trained on.
    """

    name: str
    files: dict[str, FileSeal]
    upto: int = 0
    trained_on: int = 0
    dense: DenseInfo = DenseInfo()


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


def _read(database: Database, name: str) -> Made:
    """What the database says of "terms" or "lists".

    :raises Damaged: nothing, or nothing that makes sense.
    """
    try:
        made = msgspec.json.decode(database.meta(name), type=Made)
        for file in (made.name, *made.files):
            if not _FILE.fullmatch(file):
                raise ValueError(f"it names the file {file!r}")
    except MALFORMED as exc:
        raise Damaged(f"what the index says of its {name} makes no sense: {exc}") from exc
    return made


def _record(database: Database, name: str, made: Made) -> None:
    database.set_meta(name, msgspec.json.encode(made).decode())


def _check(root: Path, made: Made, *, thorough: bool = False) -> None:
    """Compare files with their seals: the size and time, and where these differ the digest.

    :raises Damaged: one is missing or was changed.
    """
    folder = root / made.name if len(made.files) != 1 or made.name not in made.files else root
    if folder != root and folder.is_symlink():
        raise Damaged(f"the index folder {folder} is a link")
    for name, seal in made.files.items():
        path = folder / name
        try:
            status = os.lstat(path)
            if not stat.S_ISREG(status.st_mode):
                raise Damaged(f"the index file {path} is not a regular file")
            if status.st_size != seal.size:
                what = f"has {status.st_size} bytes instead of {seal.size}"
                raise Damaged(f"the index file {path} {what}")
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


def open_terms(database: Database, passages: int, *, thorough: bool = False) -> TermIndex:
    """Open the terms.

    :param passages: how many they must hold.
    :raises Damaged: they are missing or damaged.
    """
    made = _read(database, "terms")
    _check(database.root, made, thorough=thorough)
    folder = database.root / made.name
    with _as_damage():
        index = TermIndex(folder, list(made.files))
    if len(index) != passages:
        raise Damaged(f"the terms in {folder} hold {len(index)} passages instead of {passages}")
    return index


def open_lists(database: Database, dimension: int, *, thorough: bool = False) -> Lists | None:
    """Open the lists of embeddings; None if the index is too small to have them.

    :raises Damaged: they are missing or damaged.
    """
    with suppress(ValueError):
        if not database.meta("lists"):
            return None
    made = _read(database, "lists")
    _check(database.root, made, thorough=thorough)
    path = database.root / made.name
    # In a large index, reading through a map of the database takes a third of the time.
    database.db.execute("PRAGMA mmap_size = 2000000000")
    with _as_damage():
        return Lists(path, dimension=dimension, upto=made.upto)


def update_terms(
    database: Database, passages: int, *, gone: Sequence[int], added: Sequence[int]
) -> None:
    """Write the terms of a transaction that is about to be committed.

    :param passages: how many passages there are now.
    :param gone: the numbers of the notes that were removed; `added` of those that came.
    """
    try:
        old = _read(database, "terms")
        _check(database.root, old)
        if not (gone or added):
            return
    except Damaged:
        old = None
    if old is not None and passages > REWRITE_BELOW:
        with suppress(Damaged), _as_damage():  # by a disk that left size and time as they were
            dead = dead_passages(database.root / old.name) + len(gone)
            if dead <= MAX_DEAD_SHARE * passages:
                passages_added = database.passages("note", added)
                _write_terms(database, passages_added, old=old, gone=gone)
                return
    _write_terms(database, database.passages())


def _write_terms(
    database: Database,
    passages: Iterable[tuple[int, Passage]],
    *,
    old: Made | None = None,
    gone: Sequence[int] = (),
) -> None:
    """Write the terms of all passages, or add these to the old ones, whose files stay."""
    folder = database.root / f"terms-{_free_number(database)}"
    private_folder(folder)
    if old:
        for name, seal in old.files.items():
            _link(database.root / old.name / name, folder / name, seal)
    write_terms(folder, passages, gone=gone)
    _record(database, "terms", Made(folder.name, _sealed(folder, old)))


def update_lists(database: Database, info: IndexInfo, build: int) -> DenseInfo:
    """Write the lists of a transaction that is about to be committed, where they are too old.

    :param build: the number of the build that is being written.
    """
    live = info.passages
    if live > EXACT_UP_TO:
        live = database.number("count(*) FROM embeddings WHERE build = ?", build)
    if live <= EXACT_UP_TO:
        database.set_meta("lists", "")
        return DenseInfo()
    try:
        lists = open_lists(database, info.embedder.dimension)
        old, total = _read(database, "lists"), len(lists or ())
    except Damaged:
        return _make_lists(database)
    new = database.number("count(*) FROM embeddings WHERE row > ?", old.upto)
    dead = total - (live - new)
    if dead > MAX_DEAD_SHARE * live or live > MAX_GROWTH * old.trained_on:
        return _make_lists(database)
    if new > max(MAX_NEW, MAX_NEW_SHARE * live):
        rows, matrix = database.matrix(old.upto)
        _write(database, grow_lists(database.root / old.name, rows, matrix), rows[-1], old)
    return old.dense


def _make_lists(database: Database) -> DenseInfo:
    """Write the lists of all embeddings."""
    rows, matrix = database.matrix()
    lists, dense = make_lists(rows, matrix)
    _write(database, lists, rows[-1], Made("", {}, dense=dense, trained_on=len(rows)))
    return dense


def _write(database: Database, lists: FaissIndex, upto: int, like: Made) -> None:
    path = database.root / f"vectors-{_free_number(database)}.faiss"
    write_lists(path, lists)
    made = msgspec.structs.replace(like, name=path.name, files={path.name: _seal(path)}, upto=upto)
    _record(database, "lists", made)


def faults_of(database: Database, info: IndexInfo) -> dict[str, str]:
    """Read all that is made from a sound database; gives why each part that is damaged is."""
    faults = {}
    try:
        open_terms(database, info.passages, thorough=True)
    except Damaged as exc:
        faults[_TERMS] = str(exc)
    try:
        open_lists(database, info.embedder.dimension, thorough=True)
    except Damaged as exc:
        faults[_LISTS] = str(exc)
    return faults


def mend(database: Database) -> list[str]:
    """Make anew, in a transaction of its own, what is damaged; says what was, and why."""
    info, _ = database.read()
    with database.writing():
        database.db.execute("BEGIN IMMEDIATE")
        faults = faults_of(database, info)
        if _TERMS in faults:
            _write_terms(database, database.passages())
        if _LISTS in faults:
            _make_lists(database)
        database.db.execute("COMMIT")
    return [f"rebuilt {part}, since {why}" for part, why in faults.items()]


def sweep(database: Database) -> None:
    """Remove, as far as possible, what the database does not name."""
    kept = set()
    for name in ("terms", "lists"):
        with suppress(Damaged):
            kept.add(_read(database, name).name)
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


def _free_number(database: Database) -> int:
    """A number above that of any file there is."""
    found = (_NAME.fullmatch(path.name) for path in database.root.iterdir())
    return max((int(name[1]) for name in found if name), default=0) + 1


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
