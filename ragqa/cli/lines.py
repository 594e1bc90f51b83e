"""The input lines of a chat: typed at a prompt, or read from standard input."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import platformdirs

from ragqa.atomic_write import write_whole
from ragqa.errors import UsageError

MAX_BYTES = 8_000
"""The longest line, in bytes."""

MAX_LINES = 1_000
_MAX_HISTORY_BYTES = 500_000

_PROMPT = "> "
_INVITATION = "ask your notes; /help lists the commands"
_HOW_TO_LEAVE = "To leave: Ctrl-D or /quit."


def is_interactive() -> bool:
    """Whether a person types on stdin and sees stderr."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def interrupt_once() -> None:
    """Make Ctrl-C interrupt once; a second one must not disturb the cleanup after the first."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)


class PipedLines:
    """The lines of standard input."""

    def read(self) -> str | None:
        """Return the next line, or None at the end.

        :raises UsageError: the line is too long; the next call returns the line after it.
        """
        if sys.stdin is None:
            return None
        line = rest = sys.stdin.buffer.readline(MAX_BYTES + 1)
        while len(rest) > MAX_BYTES and not rest.endswith(b"\n"):
            rest = sys.stdin.buffer.readline(MAX_BYTES + 1)
        if len(line.rstrip(b"\r\n")) > MAX_BYTES:
            raise UsageError(
                f"a line is longer than the limit of {MAX_BYTES} bytes",
                hint="ask something shorter",
            )
        return line.decode("utf-8", "replace") if line else None


class TypedLines:
    """Lines typed at a prompt on stderr, with the editing keys of a shell."""

    def __init__(self) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.history import InMemoryHistory
        from prompt_toolkit.output import create_output

        self._history = History()
        self._session: PromptSession[str] = PromptSession(
            history=InMemoryHistory(self._history.read()),
            output=create_output(stdout=sys.stderr),
            placeholder=[("fg:ansibrightblack", _INVITATION)],
        )

    def read(self) -> str | None:
        """Return the next line, or None after Ctrl-D."""
        while True:
            try:
                line = self._session.prompt(_PROMPT)
            except EOFError:
                return None
            except KeyboardInterrupt:
                if not self._session.default_buffer.text:
                    from ragqa.render import say

                    say(_HOW_TO_LEAVE)
            else:
                if line.strip():
                    self._history.add(line)
                return line


class History:
    """Chat input for the arrow keys: a bounded file that only the user may read.

    Write errors are ignored.

    :param path: the file; None for the one in the user's data folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or Path(platformdirs.user_data_dir("ragqa")) / "chat-history"

    def read(self) -> list[str]:
        """Read the lines, oldest first; drop lines over the limits from the file, too."""
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _MAX_HISTORY_BYTES))
                text = file.read(_MAX_HISTORY_BYTES).decode("utf-8", "replace")
        except OSError:
            return []
        lines = text.splitlines()
        kept = lines[size > _MAX_HISTORY_BYTES :][-MAX_LINES:]
        if len(kept) < len(lines):
            self._write(kept)
        return kept

    def add(self, line: str) -> None:
        """Append a line."""
        flat = " ".join(line.split())
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(self._path, flags, 0o600), "ab") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(f"{flat}\n".encode("utf-8", "replace"))
        except OSError:
            return

    def _write(self, lines: list[str]) -> None:
        try:
            write_whole(self._path, "".join(f"{line}\n" for line in lines), private=True)
        except OSError:
            return
