"""The folders that hold the notes."""

from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct


class Folder(Struct, frozen=True):
    """A folder of notes.

    The paths of its notes begin with its `name` if the corpus has several. `context` says in a
    sentence what these notes are, None if nobody said so.
    """

    path: Path
    name: str
    context: str | None

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Corpus:
    """One folder of notes, or several with different names."""

    folders: tuple[Folder, ...]

    @classmethod
    def of(cls, *paths: Path) -> "Corpus":
        """The corpus of these folders, each called as it is on disk."""
        return cls(tuple(Folder(path, path.name, None) for path in paths))

    def __str__(self) -> str:
        *others, last = map(str, self.folders)
        return f"{', '.join(others)} and {last}" if others else last

    @property
    def prefixed(self) -> tuple[tuple[str, Path], ...]:
        """Each folder, after what its notes' paths begin with: `NAME/`, or "" if it is alone."""
        alone = len(self.folders) == 1
        return tuple(("" if alone else f"{folder.name}/", folder.path) for folder in self.folders)

    def context(self, path: str) -> str:
        """The `context` of the folder of a note, if it is one of several; "" if it has none."""
        alone = len(self.folders) == 1
        contexts = {folder.name: folder.context for folder in self.folders if not alone}
        return contexts.get(path.partition("/")[0]) or ""

    def inside(self, path: str) -> tuple[Path, str]:
        """The folder of a note, and the note's path there.

        :raises FileNotFoundError: the path begins with no folder's name.
        """
        for prefix, folder in self.prefixed:
            if path.startswith(prefix):
                return folder, path.removeprefix(prefix)
        raise FileNotFoundError(path)

    def file(self, path: str) -> Path:
        """Where the file of a note is; raises as `inside` does."""
        folder, below = self.inside(path)
        return folder / below
