"""What ragqa keeps of its user between two calls, in private files: `ragqa.safe` has the care.

Here is the history of questions about some notes, which chat and pages share.
"""

from contextlib import suppress
from pathlib import Path

from ragqa.safe import write_private

MAX_LINES = 1_000


class History:
    """The questions asked before: a bounded file that only the user may read.

    Write errors are ignored.

    :param path: the file; None to keep nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self) -> list[str]:
        """Read the lines, oldest first."""
        if self._path is None:
            return []
        try:
            text = self._path.read_bytes().decode("utf-8", "replace")
        except OSError:
            return []
        return text.splitlines()[-MAX_LINES:]

    def add(self, line: str) -> bool:
        """Add a question, unless it is the last one; False for a command of the chat.

        A command is not kept: it may name a file.
        """
        flat = " ".join(line.split())
        if not flat or flat.startswith("/"):
            return False
        kept = self.read()
        if self._path is not None and kept[-1:] != [flat]:
            lines = [*kept, flat.encode("utf-8", "replace").decode()][-MAX_LINES:]
            with suppress(OSError):
                write_private(self._path, "".join(f"{each}\n" for each in lines))
        return True
