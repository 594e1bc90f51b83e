"""The manifest of a generation: its description and a digest of each file."""

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

import ragqa
from ragqa.errors import IndexNotReadable, IndexUnusable
from ragqa.stores.decoding import MALFORMED, check_info, check_seal, digest_of, info_json
from ragqa.stores.disk import REPAIR, naming_file, open_existing, unusable
from ragqa.types import IndexInfo, Progress

FORMAT = 5
"""The format version, incremented whenever the meaning of a generation's files changes."""

MANIFEST = "manifest.json"
CATALOGUE = "catalogue.sqlite"
VECTORS = "vectors.faiss"
ROWS = "rows.npy"
TERMS = "terms"
DELTA = "delta"

PART = (CATALOGUE, VECTORS, ROWS)
"""The files for notes, passages and embeddings; `delta/` has the same ones."""

MAX_MANIFEST_BYTES = 64 * 2**20

_A = TypeVar("_A")
_B = TypeVar("_B")
_FILE_NAME = re.compile(
    r"(?:delta/)?(?:catalogue\.sqlite|vectors\.faiss|rows\.npy)|terms/\.?\w[\w.-]*", re.ASCII
)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file of a generation as it was written."""

    size: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "FileRecord":
        """Read a whole file to make its record."""
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            status = os.fstat(file.fileno())
        return cls(size=status.st_size, mtime_ns=status.st_mtime_ns, sha256=sha256)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of the generation in a folder before its files are opened."""

    folder: Path
    info: IndexInfo
    files: Mapping[str, FileRecord]

    @property
    def size(self) -> int:
        """The size of all files in bytes."""
        return sum(record.size for record in self.files.values())

    @property
    def delta(self) -> Path | None:
        """The folder of the delta; None if no changes are kept beside the base."""
        return self.folder / DELTA if f"{DELTA}/{CATALOGUE}" in self.files else None

    @property
    def catalogue(self) -> tuple[Path, Path | None]:
        """The file of the catalogue; if there is a delta, its file and the one it applies to."""
        base = self.folder / CATALOGUE
        return (self.delta / CATALOGUE, base) if self.delta else (base, None)

    @property
    def term_files(self) -> list[str]:
        """The names of the files below `terms/`."""
        return [name.partition("/")[2] for name in self.files if name.startswith(f"{TERMS}/")]

    def linked_into(self, draft: Path) -> dict[str, FileRecord]:
        """The records of the files that are linked into a draft."""
        return {
            name: record
            for name, record in self.files.items()
            if _is_same(draft / name, self.folder / name)
        }

    def encoded(self) -> bytes:
        """The manifest as JSON, with a digest of its own content."""
        content = {
            "format": FORMAT,
            "ragqa": ragqa.__version__,
            "info": info_json(self.info),
            "files": {name: asdict(record) for name, record in self.files.items()},
        }
        sealed = {**content, "digest": digest_of(content)}
        return json.dumps(sealed, indent=1, allow_nan=False).encode()


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except FileNotFoundError:
        return False


def number_of(name: str) -> int:
    """The number in the name of a generation or its draft."""
    return int(name.removesuffix(".tmp").partition("-")[2])


def record_files(
    folder: Path, names: Sequence[str], linked: Mapping[str, FileRecord]
) -> dict[str, FileRecord]:
    """Read the files of a newly written generation for its manifest.

    :param linked: the records of files linked from another generation. They are kept, so that
        damage to such a file shows in this generation, too.
    """
    new = [name for name in names if name not in linked]
    read = _in_parallel(FileRecord.of, [folder / name for name in new])
    records = {**dict(zip(new, read, strict=True)), **linked}
    return {name: records[name] for name in names}


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a generation and check its digest.

    :raises IndexUnusable: it is missing, damaged, in another format or another generation's.
    """
    path = folder / MANIFEST
    with naming_file(path):
        data = _read_regular(path)
    try:
        content = msgspec.convert(json.loads(data), dict[str, object])
        check_seal(content, f"in {folder}", FORMAT)
        info = msgspec.convert(content["info"], IndexInfo)
        check_info(info)
        files = msgspec.convert(content["files"], dict[str, FileRecord])
        _check_names(files)
    except MALFORMED as exc:
        raise IndexUnusable(f"the index file {path} is damaged: {exc}", hint=REPAIR) from exc
    if info.generation != number_of(folder.name):
        raise IndexUnusable(
            f"the index file {path} belongs to generation {info.generation}", hint=REPAIR
        )
    return Manifest(folder, info, files)


def check_files(manifest: Manifest, *, thorough: Container[str] = ()) -> None:
    """Check the files of a generation against its manifest.

    :param thorough: files to read even if their size and time are unchanged.
    :raises IndexUnusable: a file was changed; the message names it.
    """
    for _, finding in findings(manifest, thorough=thorough):
        raise IndexUnusable(finding, hint=REPAIR)


def findings(
    manifest: Manifest, *, thorough: Container[str], progress: Progress | None = None
) -> Iterator[tuple[str, str]]:
    """Yield each file that differs from the manifest: its name, and the difference in a sentence.

    :param thorough: the files whose digest is compared even if size and time agree.
    :param progress: is called with ("verifying", done, total) for each file.
    """
    folder, names = manifest.folder, list(manifest.files)
    if (folder / TERMS).is_symlink() or not (folder / TERMS).is_dir():
        yield TERMS, f"the index folder {folder / TERMS} is missing"
        names = [name for name in names if not name.startswith(f"{TERMS}/")]

    def find(name: str) -> str:
        return _finding(folder / name, manifest.files[name], thorough=name in thorough)

    found = _in_parallel(find, names) if thorough else map(find, names)
    for done, (name, finding) in enumerate(zip(names, found, strict=True), start=1):
        if progress is not None:
            progress("verifying", done, len(names))
        if finding:
            yield name, f"the index file {folder / name} {finding}"


def _in_parallel(act: Callable[[_A], _B], arguments: Sequence[_A]) -> Iterator[_B]:
    """Map a function over arguments in threads; reading and hashing files uses several cores."""
    # Not at the top: it is slow to import, and queries do not need it.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        yield from pool.map(act, arguments)


def _finding(path: Path, record: FileRecord, *, thorough: bool) -> str:
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            return "is not a regular file"
        if status.st_size != record.size:
            return f"has {status.st_size} bytes instead of {record.size}"
        touched = status.st_mtime_ns != record.mtime_ns
        if (touched or thorough) and FileRecord.of(path).sha256 != record.sha256:
            return "was changed after it was written"
    except FileNotFoundError:
        return "is missing"
    except OSError as exc:
        refused = unusable(path, exc)
        if isinstance(refused, IndexNotReadable):
            raise refused from exc
        return f"cannot be read: {exc.strerror}"
    return ""


def _read_regular(path: Path) -> bytes:
    descriptor = open_existing(path)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("not a regular file")
        data = file.read(MAX_MANIFEST_BYTES + 1)
    if len(data) > MAX_MANIFEST_BYTES:
        raise OSError(f"more than {MAX_MANIFEST_BYTES} bytes")
    return data


def _check_names(files: Mapping[str, FileRecord]) -> None:
    """Refuse a manifest that lacks a file or names one that is none of ours."""
    for name in files:
        if not _FILE_NAME.fullmatch(name):
            raise ValueError(f"it names the file {name!r}")
    below_delta = {f"{DELTA}/{name}" for name in PART}
    for name in (*PART, *(sorted(below_delta) if below_delta & files.keys() else ())):
        if name not in files:
            raise ValueError(f"it does not name the file {name}")
