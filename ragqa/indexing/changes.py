"""What is different on disk from what the index holds."""

from collections.abc import Mapping
from dataclasses import dataclass

from ragqa.errors import NoCorpus
from ragqa.indexing.source import Source
from ragqa.notes import ReadNote, Walk, read_note
from ragqa.types import NoteFile, NoteState, Progress, Skipped


@dataclass(frozen=True, slots=True)
class Changes:
    """Notes that were read because they may differ, sorted by what to do with them."""

    walk: Walk
    added: tuple[ReadNote, ...]
    changed: tuple[ReadNote, ...]
    restamped: tuple[ReadNote, ...]
    removed: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.restamped or self.removed)


def find_changes(
    source: Source, walk: Walk, known: Mapping[str, NoteState], *, progress: Progress
) -> Changes:
    """Read each note whose stamp does not settle that it is unchanged.

    Notes below a folder that cannot be read now are kept as they are, never taken for deleted.

    :param known: what the index has of each note, by path.
    :raises NoCorpus: not one note can be read.
    """
    suspects = [file for file in walk.files if not _is_current(file, known.get(file.path))]
    added, changed, restamped, skipped = [], [], [], list(walk.skipped)
    lost: set[str] = set()
    for done, file in enumerate(suspects, start=1):
        read = read_note(source.corpus, file, max_note_bytes=source.max_note_bytes)
        progress("reading", done, len(suspects))
        before = known.get(file.path)
        if isinstance(read, Skipped):
            skipped.append(read)
            lost.add(file.path)
        elif before is None:
            added.append(read)
        elif before.sha256 != read.note.sha256:
            changed.append(read)
        elif (before.stamp, before.settled) != (read.note.stamp, read.settled):
            restamped.append(read)
    present = {file.path for file in walk.files} - lost
    removed = [path for path in known if path not in present and not _is_out_of_reach(path, walk)]
    if not present and len(removed) == len(known):
        raise NoCorpus(
            f"no notes found in {source.corpus}{_reasons(skipped)}",
            hint="give the folder that holds .md or .txt files: --corpus DIR",
        )
    return Changes(
        walk=walk,
        added=tuple(added),
        changed=tuple(changed),
        restamped=tuple(restamped),
        removed=tuple(removed),
        skipped=tuple(sorted(skipped, key=lambda skip: skip.path)),
        unchanged=len(known) - len(removed) - len(changed),
    )


def _is_current(file: NoteFile, record: NoteState | None) -> bool:
    return record is not None and record.settled and record.stamp == file.stamp


def _is_out_of_reach(path: str, walk: Walk) -> bool:
    return any(
        folder in ("", ".") or path.startswith(folder.rstrip("/") + "/")
        for folder in walk.unreadable_folders
    )


def _reasons(skipped: list[Skipped]) -> str:
    if not skipped:
        return ""
    first = f"{skipped[0].path}: {skipped[0].reason}"
    rest = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
    return f"; skipped {first}{rest}"
