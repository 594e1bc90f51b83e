"""What is kept of the user in private files: here the questions, which chat and pages share."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ragqa.safe import write_private

MAX_LINES = 1_000


@dataclass(frozen=True, slots=True)
class QuestionHistory:
    """The questions asked before; write errors are ignored, nothing is kept without a path."""

    path: Path | None

    def read(self) -> list[str]:
        """Read the lines, oldest first."""
        if self.path is None:
            return []
        try:
            text = self.path.read_bytes().decode("utf-8", "replace")
        except OSError:
            return []
        return text.splitlines()[-MAX_LINES:]

    def add(self, line: str) -> None:
        """Add a question unless it is the last one; a command may name a file and is not kept."""
        flat = " ".join(line.split())
        if self.path is None or not flat or flat.startswith("/"):
            return
        kept = self.read()
        if kept[-1:] != [flat]:
            lines = [*kept, flat.encode("utf-8", "replace").decode()][-MAX_LINES:]
            with suppress(OSError):
                write_private(self.path, "".join(f"{each}\n" for each in lines))
