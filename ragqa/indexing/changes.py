"""Find the differences between the notes on disk and the index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ragqa.errors import NoCorpus
from ragqa.indexing.source import Source
from ragqa.notes import Walk, format_of, read_text
from ragqa.notes.formats import how_to_read, switched_off
from ragqa.types import NoteFile, NoteState, Progress, Skipped, Stamp

DIGEST = 64
"""The digits of a SHA-256."""


@dataclass(frozen=True, slots=True)
class Restamped:
    """An unchanged note with a new stamp; `settled` is as in `NoteState`."""

    path: str
    stamp: Stamp
    settled: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """Notes that differ from the index, by what to do with them.

    Their text is not kept; notes to index are read again.
    """

    walk: Walk
    added: tuple[NoteFile, ...]
    changed: tuple[NoteFile, ...]
    restamped: tuple[Restamped, ...]
    removed: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.restamped or self.removed)

    def without(self, lost: Sequence[Skipped]) -> "Changes":
        """These changes without the new and changed notes that could not be read again."""
        paths = {skip.path for skip in lost}
        gone = [file.path for file in self.changed if file.path in paths]
        return replace(
            self,
            added=tuple(file for file in self.added if file.path not in paths),
            changed=tuple(file for file in self.changed if file.path not in paths),
            removed=(*self.removed, *gone),
            skipped=_in_order([*self.skipped, *lost]),
        )


def suspects_in(walk: Walk, known: Mapping[str, NoteState]) -> list[NoteFile]:
    """The notes whose stamps do not prove them unchanged.

    :param known: the state of each note in the index, by path.
    """
    return [file for file in walk.files if not _is_current(file, known.get(file.path))]


def find_changes(
    source: Source,
    walk: Walk,
    known: Mapping[str, NoteState],
    *,
    progress: Progress,
    suspects: Sequence[NoteFile] | None = None,
) -> Changes:
    """Read each note whose stamp does not prove it unchanged, and compare it with the index.

    Notes below an unreadable folder count as unchanged, never as deleted.

    :param known: the state of each note in the index, by path.
    :param suspects: what `suspects_in` gives, if that is known.
    :raises NoCorpus: no note can be read.
    """
    suspects = suspects_in(walk, known) if suspects is None else suspects
    added, changed, restamped, skipped = [], [], [], list(walk.skipped)
    for done, file in enumerate(suspects, start=1):
        read = read_text(source.corpus, file.path, max_note_bytes=source.max_note_bytes)
        progress("reading", done, len(suspects))
        before = known.get(file.path)
        if isinstance(read, Skipped):
            skipped.append(read)
        elif before is None:
            added.append(file)
        elif before.sha256 != read.sha256:
            changed.append(file)
        elif (before.stamp, before.settled) != (read.stamp, read.settled):
            restamped.append(Restamped(file.path, read.stamp, read.settled))
    removed = _removed(source, walk, known, skipped)
    return Changes(
        walk=walk,
        added=tuple(added),
        changed=tuple(changed),
        restamped=tuple(restamped),
        removed=tuple(removed),
        skipped=_in_order(skipped),
        unchanged=len(known) - len(removed) - len(changed),
    )


def _removed(
    source: Source, walk: Walk, known: Mapping[str, NoteState], skipped: Sequence[Skipped]
) -> list[str]:
    """The notes in the index that are no longer there; raises as `find_changes` does."""
    present = {file.path for file in walk.files} - {skip.path for skip in skipped}
    removed = [
        path for path in known if path not in present and not _is_in_unreadable_folder(path, walk)
    ]
    if not present and len(removed) == len(known):
        raise no_notes(source, skipped, walk)
    return removed


def no_notes(source: Source, skipped: Sequence[Skipped], walk: Walk) -> NoCorpus:
    """The error to raise if no note can be read, with the reasons."""
    hint = "give the folder that holds .md or .txt files: --corpus DIR"
    if off := switched_off(walk.others):
        how = how_to_read(off, source.formats, source.corpus)
        hint = f"to read its files of other formats: {how}"
    return NoCorpus(f"no notes found in {source.corpus}{_reasons(skipped)}", hint=hint)


def _in_order(skipped: Sequence[Skipped]) -> tuple[Skipped, ...]:
    return tuple(sorted(skipped, key=lambda skip: skip.path))


def _is_current(file: NoteFile, record: NoteState | None) -> bool:
    if record is None or not record.settled or record.stamp != file.stamp:
        return False
    # The digest of a note in another format than Markdown ends with its reader's version.
    return len(record.sha256) == DIGEST or record.sha256.endswith(format_of(file.path).mark)


def _is_in_unreadable_folder(path: str, walk: Walk) -> bool:
    return any(
        folder in ("", ".") or path.startswith(folder.rstrip("/") + "/")
        for folder in walk.unreadable_folders
    )


def _reasons(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return ""
    first = f"{skipped[0].path}: {skipped[0].reason}"
    rest = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
    return f"; skipped {first}{rest}"
