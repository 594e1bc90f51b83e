"""Folders of files that are made from the database, named with their checksums in the manifest."""

import os
import re
import shutil
import zlib
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from ragqa.errors import NeedsRebuild
from ragqa.index.database import Derived
from ragqa.index.disk import naming_file
from ragqa.safe import private_file, private_folder

_NAME = re.compile(r"(?:terms|vectors)-(\d{1,15})", re.ASCII)
_AT_ONCE = 2**20


def checked(root: Path, made: Derived | None, what: str) -> Derived:
    """Compare files with their checksums; or `NeedsRebuild`."""
    if made is None:
        raise NeedsRebuild(f"the index in {root} does not name its {what}")
    for name, checksum in made.files.items():
        path = root / made.name / name
        with naming_file(path, ValueError):
            if _checksum(path) != checksum:
                raise ValueError("it does not match its checksum")
    return made


def new_folder(root: Path, what: str) -> Path:
    """Make a folder with a number above that of any there is."""
    matches = (_NAME.fullmatch(path.name) for path in root.iterdir())
    number = max((int(match[1]) for match in matches if match), default=0) + 1
    private_folder(folder := root / f"{what}-{number}")
    return folder


def link(source: Path, target: Path) -> None:
    """Have a file in two folders: tantivy never writes into one that is there."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # a file system without links
        shutil.copyfile(source, target, follow_symlinks=False)


def kept(folder: Path) -> dict[str, int]:
    """Make the files in a folder durable and private; gives the checksum of each."""
    checksums = {}
    for path in sorted(folder.iterdir()):
        private_file(path)
        if not path.name.endswith(".lock"):  # tantivy's, which has the modes of the umask
            _sync(path)
            checksums[path.name] = _checksum(path)
    _sync(folder)
    return checksums


def sweep(root: Path, names: Collection[str]) -> None:
    """Remove, as far as possible, all such folders but those of these names."""
    with suppress(OSError):
        for path in root.iterdir():
            if _NAME.fullmatch(path.name) and path.name not in names:
                shutil.rmtree(path, ignore_errors=True)


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
