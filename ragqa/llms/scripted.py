"""The backend that ships for tests and demonstrations: it says what a file tells it to."""

import json
from collections.abc import Iterator
from pathlib import Path

from ragqa.errors import BackendFailed, UsageError
from ragqa.llms import Destination

PIECE_CHARS = 12


class ScriptedLLM:
    """Answers a prompt with the first reply whose `when` it contains.

    :param replies: pairs of what a prompt must contain and what is then said.
    """

    def __init__(self, replies: list[tuple[str, str]]) -> None:
        self._replies = replies

    @classmethod
    def read(cls, path: str) -> "ScriptedLLM":
        """Read replies from a file of JSON lines: `{"when": "...", "say": "..."}`.

        :raises UsageError: the file cannot be read, or is not of that form.
        """
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
            rows = [json.loads(line) for line in lines if line.strip()]
            replies = [(str(row["when"]), str(row["say"])) for row in rows]
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise UsageError(
                f"cannot read replies from {path}: {exc}",
                hint='each line must be like {"when": "...", "say": "..."}',
            ) from exc
        return cls(replies)

    @property
    def destination(self) -> Destination:
        """It stays on this machine."""
        return Destination(backend="scripted")

    def stream(self, prompt: str) -> Iterator[str]:
        """Say the reply in pieces.

        :raises BackendFailed: no reply fits.
        """
        for when, say in self._replies:
            if when in prompt:
                return (say[i : i + PIECE_CHARS] for i in range(0, len(say), PIECE_CHARS))
        raise BackendFailed("the script has no reply to this prompt")
