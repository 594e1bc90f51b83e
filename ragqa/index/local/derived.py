"""The folders that are made from the database: terms, and in a large index lists of embeddings.

The manifest names their files in the transaction that they belong to, with the checksum of each. So
one that is missing or damaged is found, and made anew without reading any note.
"""

import os
import re
import shutil
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ragqa.errors import NeedsRebuild, NoIndex
from ragqa.index.database import Database, Made
from ragqa.index.disk import naming_file
from ragqa.index.local.terms import TermIndex, write_terms
from ragqa.index.local.vectors import Lists, make_lists, write_lists
from ragqa.safe import private_file, private_folder
from ragqa.types import IndexInfo, Passage

REWRITE_BELOW = 2_000
"""Up to this many passages, the terms are written anew each time, in a quarter of a second."""

MAX_DEAD_SHARE = 0.1
"""Deleted passages count in BM25's statistics; above this share, the terms are written anew."""

EXACT_UP_TO = 25_000
"""Up to this many embeddings, each is compared, and no lists are made."""

MAX_STALE_SHARE = 0.1
"""Once so many embeddings are newer than the lists, or gone, the lists are made anew."""

LISTS = "lists.faiss"
_NAME = re.compile(r"(?:terms|vectors)-(\d{1,15})", re.ASCII)
_AT_ONCE = 2**20


def _check(root: Path, made: Made | None, what: str) -> Made:
    """Compare files with their checksums.

    :raises NeedsRebuild: one is missing or was changed.
    """
    if made is None:
        raise NeedsRebuild(f"the index in {root} does not name its {what}")
    for name, checksum in made.files.items():
        path = root / made.name / name
        with naming_file(path, ValueError):
            if _checksum(path) != checksum:
                raise ValueError("it does not match its checksum")
    return made


def open_terms(database: Database, made: Made | None) -> TermIndex:
    """Open the terms.

    :raises NeedsRebuild: they are missing or damaged.
    """
    made = _check(database.root, made, "terms")
    return TermIndex(database.root / made.name, list(made.files))


def open_lists(database: Database, made: Made | None) -> Lists | None:
    """Open the lists of embeddings; None if the index is too small to have them.

    :raises NeedsRebuild: they are missing or damaged.
    """
    if made is None:
        return None
    _check(database.root, made, "lists")
    # In a large index, reading through a map of the database takes a third of the time.
    database.db.execute("PRAGMA mmap_size = 2000000000")
    return Lists(database.root / made.name / LISTS, upto=made.upto)


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
    :param gone: the numbers of the notes that were removed; `added` of those that came, in order.
    """
    with suppress(NeedsRebuild):
        if not (gone or added):
            return _check(database.root, old, "terms")
        if passages > REWRITE_BELOW:
            old = _check(database.root, old, "terms")
            count = "count(*) FROM passages WHERE note >= ?"
            new = database.number(count, added[0]) if added else 0
            if old.documents + new - passages <= MAX_DEAD_SHARE * passages:
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
        for name in old.files:
            _link(database.root / old.name / name, folder / name)
    written = write_terms(folder, passages, gone=gone)
    return Made(folder.name, _kept(folder), written + (old.documents if old else 0))


def update_lists(database: Database, old: Made | None, info: IndexInfo, model: int) -> Made | None:
    """Write the lists of a transaction that is about to be committed, where they are too old.

    :param model: which embeddings count.
    """
    live = info.passages
    if live > EXACT_UP_TO:
        live = database.number("count(*) FROM embeddings WHERE model = ?", model)
    if live <= EXACT_UP_TO:
        return None
    try:
        lists = open_lists(database, old)
    except NeedsRebuild:
        lists = None
    if lists is not None and old is not None:
        query = "count(*) FROM embeddings WHERE row > ? AND model = ?"
        new = database.number(query, old.upto, model)
        gone = len(lists) - (live - new)
        if new + gone <= MAX_STALE_SHARE * live:
            return old
    rows, matrix = database.matrix()
    made, dense = make_lists(rows, matrix)
    folder = _new_folder(database, "vectors")
    write_lists(folder / LISTS, made)
    return Made(folder.name, _kept(folder), upto=rows[-1], dense=dense)


def sweep(database: Database) -> None:
    """Remove, as far as possible, what the manifest does not name."""
    with suppress(NoIndex, OSError):
        _, manifest = database.read()
        kept = {made.name for made in (manifest.terms, manifest.lists) if made}
        for path in database.root.iterdir():
            if _NAME.fullmatch(path.name) and path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)


def _new_folder(database: Database, what: str) -> Path:
    """Make a folder with a number above that of any there is."""
    matches = (_NAME.fullmatch(path.name) for path in database.root.iterdir())
    number = max((int(match[1]) for match in matches if match), default=0) + 1
    private_folder(folder := database.root / f"{what}-{number}")
    return folder


def _link(source: Path, target: Path) -> None:
    """Have a file in two folders: tantivy never writes into one that is there.

    Where the file system has no links, the file is copied.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copyfile(source, target, follow_symlinks=False)


def _kept(folder: Path) -> dict[str, int]:
    """Make the files in a folder durable and private; gives the checksum of each."""
    checksums = {}
    for path in sorted(folder.iterdir()):
        private_file(path)
        if not path.name.endswith(".lock"):  # tantivy's, which has the modes of the umask
            _sync(path)
            checksums[path.name] = _checksum(path)
    _sync(folder)
    return checksums


def _checksum(path: Path) -> int:
    """The CRC-32 of a file."""
    checksum = 0
    with path.open("rb") as file:
        while data := file.read(_AT_ONCE):
            checksum = zlib.crc32(data, checksum)
    return checksum


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
