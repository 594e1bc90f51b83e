"""The history of questions about some notes: private, bounded, shared by chat and pages."""

import os
from contextlib import suppress
from pathlib import Path

from ragqa.safe import open_private, private_folder, write_private

MAX_LINES = 1_000
_MAX_BYTES = 500_000


class History:
    """The questions asked before: a bounded file that only the user may read.

    Write errors are ignored.

    :param path: the file; None to keep nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self) -> list[str]:
        """Read the lines, oldest first; drop lines over the limits from the file, too."""
        if self._path is None:
            return []
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _MAX_BYTES))
                text = file.read(_MAX_BYTES).decode("utf-8", "replace")
        except OSError:
            return []
        lines = text.splitlines()
        kept = lines[size > _MAX_BYTES :][-MAX_LINES:]
        if len(kept) < len(lines):
            with suppress(OSError):
                write_private(self._path, "".join(f"{line}\n" for line in kept))
        return kept

    def add(self, line: str) -> bool:
        """Append a question, unless it is the last one; False for a command of the chat.

        A command is not kept: it may name a file.
        """
        flat = " ".join(line.split())
        if not flat or flat.startswith("/"):
            return False
        if self._path is not None and self.read()[-1:] != [flat]:
            with suppress(OSError):
                private_folder(self._path.parent)
                with os.fdopen(open_private(self._path, os.O_WRONLY | os.O_APPEND), "ab") as file:
                    file.write(f"{flat}\n".encode("utf-8", "replace"))
        return True
