"""What ragqa keeps of its user between two calls, in private files: `ragqa.safe` has the care.

Here is the history of questions about some notes, which chat and pages share.
"""

import os
from contextlib import suppress
from pathlib import Path

from ragqa.safe import open_private, private_folder, write_private

MAX_LINES = 1_000


class History:
    """The questions asked before: a bounded file that only the user may read.

    Write errors are ignored.

    :param path: the file; None to keep nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self) -> list[str]:
        """Read the lines, oldest first; drop lines over the limit from the file, too."""
        if self._path is None:
            return []
        try:
            lines = self._path.read_bytes().decode("utf-8", "replace").splitlines()
        except OSError:
            return []
        kept = lines[-MAX_LINES:]
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
