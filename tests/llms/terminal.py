"""A command with a terminal for its output, which can be read while it runs."""

import os
import pty
import subprocess

from support import QUICK, command


class Terminal:
    """Runs ragqa; for use in a `with` statement, which ends it."""

    def __init__(self, *args, env):
        self._leader, follower = pty.openpty()
        self.process = subprocess.Popen(
            [command(), *map(str, args)],
            stdin=subprocess.DEVNULL,
            stdout=follower,
            stderr=subprocess.PIPE,
            env=os.environ | QUICK | {"TERM": "dumb"} | env,
        )
        os.close(follower)
        self._shown = b""

    @property
    def shown(self):
        return self._shown.decode(errors="replace")

    def read_until(self, text):
        while text not in self.shown and (piece := self._read()):
            self._shown += piece
        assert text in self.shown

    def finish(self):
        """What was printed on stdout in all, and on stderr."""
        while piece := self._read():
            self._shown += piece
        err = self.process.stderr.read().decode()
        self.process.wait()
        return self.shown, err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        os.close(self._leader)

    def _read(self):
        try:
            return os.read(self._leader, 65_536)
        except OSError:  # how Linux says that nobody has the terminal open any more
            return b""
