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

import ragqa
from ragqa.errors import IndexNotReadable, IndexUnusable, OlderFormat, OtherFormat
from ragqa.stores.failures import REBUILD, REPAIR, naming_file, unusable
from ragqa.stores.infos import UNREADABLE, digest_of, info_json, info_of, typed
from ragqa.types import IndexInfo, Progress

FORMAT = 3
"""The format version, incremented whenever the meaning of a generation's files changes."""

OLDEST = 2
"""The oldest format whose embeddings a rebuild for a newer format reuses."""

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


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of a generation before its files are opened."""

    info: IndexInfo
    files: Mapping[str, FileRecord]

    @property
    def size(self) -> int:
        """The size of all files in bytes."""
        return sum(record.size for record in self.files.values())

    @property
    def has_delta(self) -> bool:
        """Whether changes are kept in a delta beside the base."""
        return f"{DELTA}/{CATALOGUE}" in self.files

    @property
    def term_files(self) -> list[str]:
        """The names of the files below `terms/`."""
        return [name.partition("/")[2] for name in self.files if name.startswith(f"{TERMS}/")]


def record_files(
    folder: Path, names: Sequence[str], linked: Mapping[str, FileRecord]
) -> dict[str, FileRecord]:
    """Read the files of a newly written generation for its manifest.

    :param linked: the records of files linked from another generation. They are kept, so that
        damage to such a file shows in this generation, too.
    """
    new = [name for name in names if name not in linked]
    records = dict(zip(new, _in_parallel(record_of, [folder / name for name in new]), strict=True))
    return {name: linked.get(name) or records[name] for name in names}


def linked_files(folder: Path, manifest: Manifest, draft: Path) -> dict[str, FileRecord]:
    """The records of a generation's files that are linked into a draft."""
    return {
        name: record
        for name, record in manifest.files.items()
        if _is_same(draft / name, folder / name)
    }


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except FileNotFoundError:
        return False


def _in_parallel(act: Callable[[_A], _B], arguments: Sequence[_A]) -> Iterator[_B]:
    """Map a function over arguments in threads; reading and hashing files uses several cores."""
    # Not at the top: it is slow to import, and queries do not need it.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        yield from pool.map(act, arguments)


def record_of(path: Path) -> FileRecord:
    """Read a whole file to make its record."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        status = os.fstat(file.fileno())
    return FileRecord(size=status.st_size, mtime_ns=status.st_mtime_ns, sha256=sha256)


def encode(manifest: Manifest) -> bytes:
    """Encode a manifest as JSON with a digest of its own content."""
    files = {name: asdict(record) for name, record in manifest.files.items()}
    content = {
        "format": FORMAT,
        "ragqa": ragqa.__version__,
        "info": info_json(manifest.info),
        "files": files,
    }
    sealed = {**content, "digest": digest_of(content)}
    return json.dumps(sealed, indent=1, allow_nan=False).encode()


def read_manifest(folder: Path, *, oldest: int = FORMAT) -> Manifest:
    """Read the manifest of a generation and check its digest.

    :param oldest: the oldest format to accept; manifests of all formats are alike.
    :raises IndexUnusable: it is missing, damaged or in another format.
    """
    path = folder / MANIFEST
    with naming_file(path):
        data = _read_regular(path)
    try:
        content = json.loads(data)
        _check_seal(folder, content, oldest)
        return Manifest(info=info_of(content["info"]), files=_files(content["files"]))
    except UNREADABLE as exc:
        raise IndexUnusable(f"the index file {path} is damaged: {exc}", hint=REPAIR) from exc


def findings(
    folder: Path,
    manifest: Manifest,
    *,
    thorough: Container[str],
    progress: Progress | None = None,
) -> Iterator[tuple[str, str]]:
    """Yield each file that differs from the manifest: its name, and the difference in a sentence.

    :param thorough: the files whose digest is compared even if size and time agree.
    :param progress: is called with ("verifying", done, total) for each file.
    """
    names = list(manifest.files)
    if not _is_folder(folder / TERMS):
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


def _finding(path: Path, record: FileRecord, *, thorough: bool) -> str:
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            return "is not a regular file"
        if status.st_size != record.size:
            return f"has {status.st_size} bytes instead of {record.size}"
        touched = status.st_mtime_ns != record.mtime_ns
        if (touched or thorough) and record_of(path).sha256 != record.sha256:
            return "was changed after it was written"
    except FileNotFoundError:
        return "is missing"
    except OSError as exc:
        refused = unusable(path, exc)
        if isinstance(refused, IndexNotReadable):
            raise refused from exc
        return f"cannot be read: {exc.strerror}"
    return ""


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _read_regular(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("not a regular file")
        data = file.read(MAX_MANIFEST_BYTES + 1)
    if len(data) > MAX_MANIFEST_BYTES:
        raise OSError(f"more than {MAX_MANIFEST_BYTES} bytes")
    return data


def _check_seal(folder: Path, content: dict[str, object], oldest: int) -> None:
    format_ = typed(content, "format", int)
    if format_ < oldest:
        raise OlderFormat(
            f"the index in {folder} was made by an older ragqa, in format {format_}; "
            f"this one reads format {FORMAT}",
            hint="bring it up to date: ragqa index",
        )
    if format_ > FORMAT:
        raise OtherFormat(
            f"the index in {folder} was written by ragqa {content.get('ragqa')} in format "
            f"{format_}; this is ragqa {ragqa.__version__}, which reads format {FORMAT}",
            hint=REBUILD,
        )
    if content.pop("digest") != digest_of(content):
        raise ValueError("it does not match its own digest")


def _files(content: dict[str, dict[str, object]]) -> dict[str, FileRecord]:
    for name in content:
        if not _FILE_NAME.fullmatch(name):
            raise ValueError(f"it names the file {name!r}")
    below_delta = {f"{DELTA}/{name}" for name in PART}
    for name in (*PART, *(sorted(below_delta) if below_delta & content.keys() else ())):
        if name not in content:
            raise ValueError(f"it does not name the file {name}")
    return {
        name: FileRecord(
            size=typed(fields, "size", int),
            mtime_ns=typed(fields, "mtime_ns", int),
            sha256=typed(fields, "sha256", str),
        )
        for name, fields in content.items()
    }
