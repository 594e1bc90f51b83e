"""Status and diagnosis of an index, with a command to fix each problem."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import chain
from pathlib import Path

from ragqa.api import Index
from ragqa.errors import NoIndex, RagqaError, UsageError
from ragqa.indexing.repairing import check_passages
from ragqa.languages import LANGUAGES
from ragqa.readers import reader_for
from ragqa.search.question import share_read
from ragqa.stores import SENT, StorePlace
from ragqa.types import Building, IndexInfo, Progress, Skipped, counted, no_progress

_REPAIR = "ragqa doctor --repair"


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check, and the command that fixes it, or ""."""

    severity: Severity
    what: str
    fix: str = ""
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class NotesIn:
    """The notes in one language; `readable` is how far the embedder can read it, 0 to 1."""

    language: str
    notes: int
    readable: float

    @property
    def name(self) -> str:
        """The name of the language in English."""
        return LANGUAGES[self.language].name


@dataclass(frozen=True, slots=True)
class Status:
    """What is indexed, and what has changed on disk since.

    `others` counts the files that are not notes, by suffix; `bytes` is the index's size on this
    machine's disk; `kept` is where the index is; `building` is the progress of another process
    writing it; `formats` are those switched on; `languages` are those of the notes, most first.
    """

    info: IndexInfo
    added: int
    changed: int
    removed: int
    skipped: tuple[Skipped, ...]
    others: Mapping[str, int]
    bytes: int
    kept: StorePlace
    building: Building | None = None
    formats: tuple[str, ...] = ()
    languages: tuple[NotesIn, ...] = ()

    @property
    def pending(self) -> str:
        """The changes that are not in the index yet, in words."""
        return f"{self.added} new, {self.changed} changed, {self.removed} removed"

    @property
    def is_fresh(self) -> bool:
        """Whether the index is up to date with the notes."""
        return not (self.added or self.changed or self.removed)


def status_of(index: Index) -> Status:
    """Compare the index with the notes on disk, without writing.

    :raises NoIndex: nothing has been built yet.
    """
    building = index.building()
    try:
        info = index.info()
    except NoIndex as exc:
        if building is None:
            raise
        message = f"{exc.message}; another process is building it, {building}"
        raise NoIndex(message, hint="ragqa index --wait") from exc
    changes = index.pending()
    return Status(
        info=info,
        added=len(changes.added),
        changed=len(changes.changed),
        removed=len(changes.removed),
        skipped=changes.skipped,
        others=changes.walk.others,
        bytes=_size(index.kept),
        kept=index.kept,
        building=building,
        formats=index.settings.formats,
        languages=_languages(index, info),
    )


def _languages(index: Index, info: IndexInfo) -> tuple[NotesIn, ...]:
    counts = Counter(note.language for note in index.notes(refresh=False).notes)
    common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shares = {language: share_read(pieces) for language, pieces in info.languages.items()}
    return tuple(NotesIn(code, number, shares.get(code, 1.0)) for code, number in common)


def diagnose(
    index: Index, *, deep: bool = False, progress: Progress | None = None
) -> Iterator[Finding]:
    """Check notes, index and embedder in turn, and yield each finding at once.

    :param deep: also compare the index's files with each other, and their contents with the notes
        and with new embeddings.
    """
    report = progress or no_progress
    reported: set[str] = set()
    checks: list[Callable[[Index], list[Finding]]] = [
        _notes,
        _store,
        partial(_files, deep=deep, progress=report),
        _embedder,
        _reader,
    ]
    if deep:
        checks.append(partial(_passages, progress=report))
    for check in checks:
        try:
            findings = check(index)
        except RagqaError as exc:
            findings = [_failure(exc)]
        for finding in findings:
            # An unreadable index fails every check.
            if finding.severity is Severity.OK or finding.what not in reported:
                reported.add(finding.what)
                yield finding


def repair(index: Index, *, progress: Progress | None = None) -> tuple[list[str], list[Finding]]:
    """Rebuild the damaged parts of an index.

    :returns: what was done, each in a sentence, and the findings if it failed.
    """
    try:
        return list(index.repair(progress=progress)), []
    except RagqaError as exc:
        return [], [_failure(exc)]


def _failure(exc: RagqaError) -> Finding:
    if isinstance(exc, NoIndex):
        return Finding(Severity.WARNING, exc.message, exc.hint or "ragqa index", exc.exit_code)
    return Finding(Severity.ERROR, exc.message, exc.hint, exc.exit_code)


def _notes(index: Index) -> list[Finding]:
    status = status_of(index)
    findings = [
        Finding(Severity.WARNING, f"{skip.path} is not indexed: {skip.reason}")
        for skip in status.skipped
        if not skip.is_left_out
    ]
    if status.is_fresh:
        notes = counted(status.info.notes, "note")
        return [*findings, Finding(Severity.OK, f"{notes} indexed, unchanged since")]
    what = f"{status.pending} notes are not in the index yet"
    return [*findings, Finding(Severity.WARNING, what, "ragqa index")]


def _store(index: Index) -> list[Finding]:
    findings = [
        Finding(Severity.WARNING if remark.fix else Severity.OK, remark.what, remark.fix)
        for remark in index.remarks()
    ]
    if index.kept.host:
        unencrypted = ", unencrypted" if index.kept.uri.startswith("http://") else ""
        what = f"the index is kept at {index.kept.where}, which you allowed; it is sent {SENT}"
        findings.insert(0, Finding(Severity.OK, what + unencrypted))
    return findings


def _files(index: Index, *, deep: bool, progress: Progress) -> list[Finding]:
    problems = index.problems(deep=deep, progress=progress)
    if problems:
        return [Finding(Severity.ERROR, what, _REPAIR, 4) for what in problems]
    is_local = index.kept.kind == "local"
    sound = (
        "every file of the index is intact" if is_local else "none of the index's rows is missing"
    )
    agree = ", and they agree with each other" if deep else ""
    return [Finding(Severity.OK, sound + agree)]


def _passages(index: Index, *, progress: Progress) -> list[Finding]:
    embedder = index.source.embedders.asking
    checked = check_passages(index.snapshot(), index.source, embedder, progress=progress)
    if checked.faults:
        return [Finding(Severity.ERROR, fault, _REPAIR, 4) for fault in checked.faults]
    found = f"every passage of {counted(checked.notes, 'unchanged note')} is found in its note"
    same = (
        f"{counted(checked.embedded, 'passage')} embedded again: the lowest cosine with the "
        f"embedding in the index is {checked.lowest:.4f}"
    )
    return [Finding(Severity.OK, found), Finding(Severity.OK, same)]


def _embedder(index: Index) -> list[Finding]:
    index.check_embedder()
    return [Finding(Severity.OK, "the embedder is the one that the index was built with")]


def _reader(index: Index) -> list[Finding]:
    try:
        reader = reader_for(index.settings.reader)
    except UsageError as exc:
        return [Finding(Severity.WARNING, f"no reader is used: {exc.message}", exc.hint)]
    return [Finding(Severity.OK, f"the reader is {reader.name}")]


def _size(kept: StorePlace) -> int:
    size = 0
    elsewhere = [] if kept.is_on_server or not kept.uri else [Path(kept.uri)]
    for path in chain(elsewhere, *(folder.rglob("*") for folder in (kept.folder, *elsewhere))):
        with suppress(FileNotFoundError):  # a writer may have removed it since
            size += path.stat(follow_symlinks=False).st_size
    return size
