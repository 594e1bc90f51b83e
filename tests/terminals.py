"""A person at a terminal: in the tests' process, or a chat that controls one."""

import io
import os
import pty
import select
import subprocess
import sys

from hashed import KNOWS_HASHED
from support import HANGS_S, QUICK


class Typed(io.StringIO):
    def isatty(self):
        return True


def sit_at(monkeypatch, *, typing, stdin=Typed, stderr=Typed):
    """A person at a terminal who types this; gives what they are shown."""
    shown = stderr()
    monkeypatch.setattr(sys, "stdin", stdin(typing))
    monkeypatch.setattr(sys, "stderr", shown)
    return shown


# One question is never answered.
AT_TERMINAL = """
import fcntl, sys, termios, threading
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from ragqa.api import Index
from ragqa.cli import run
answer = Index.ask
def ask(self, question, **kwargs):
    if question.startswith("forever"):
        sys.stderr.write("looking\\n")
        while True:  # a signal that comes just before a wait without end would not end it
            threading.Event().wait(0.05)
    return answer(self, question, **kwargs)
Index.ask = ask
sys.exit(run(sys.argv[1:]))
"""


class Terminal:
    """A chat at a terminal, as one sees it."""

    def __init__(self, args, env=None):
        self._leader, follower = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", KNOWS_HASHED + AT_TERMINAL, "chat", *map(str, args)],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
            env=os.environ | QUICK | {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"} | (env or {}),
        )
        os.close(follower)
        self._seen = ""

    def type(self, keys):
        os.write(self._leader, keys.encode())

    def until(self, text):
        """What is seen up to a text, which must come."""
        while text not in self._seen:
            ready, _, _ = select.select([self._leader], [], [], HANGS_S)
            assert ready, f"{text!r} did not come after {self._seen!r}"
            self._seen += os.read(self._leader, 65_536).decode("utf-8", "replace")
        seen, _, self._seen = self._seen.partition(text)
        return seen

    def end(self):
        """Read what is left, and give the exit code."""
        try:
            while os.read(self._leader, 65_536):
                pass
        except OSError:  # the other side is closed
            pass
        return self.process.wait(timeout=HANGS_S)

    def close(self):
        self.process.kill()
        self.process.wait(timeout=HANGS_S)
        os.close(self._leader)
