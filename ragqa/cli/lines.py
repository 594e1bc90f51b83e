"""The input lines of a chat: typed at a prompt, or read from standard input."""

import signal
import sys
from types import FrameType

from ragqa.errors import UsageError
from ragqa.history import History

MAX_BYTES = 8_000
"""The longest line, in bytes."""


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

    def __init__(self, history: History) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.history import InMemoryHistory
        from prompt_toolkit.output import create_output

        class Questions(InMemoryHistory):
            """What the arrow keys offer: questions, and no commands of the chat."""

            def append_string(self, string: str) -> None:
                if history.add(string):
                    super().append_string(string)

        self._session: PromptSession[str] = PromptSession(
            history=Questions(history.read()),
            output=create_output(stdout=sys.stderr),
            placeholder=[("fg:ansibrightblack", "ask your notes; /help lists the commands")],
        )

    def read(self) -> str | None:
        """Return the next line, or None after Ctrl-D."""
        while True:
            try:
                line = self._session.prompt("> ")
            except EOFError:
                return None
            except KeyboardInterrupt:
                if not self._session.default_buffer.text:
                    from ragqa.render import say

                    say("To leave: Ctrl-D or /quit.")
            else:
                return line
