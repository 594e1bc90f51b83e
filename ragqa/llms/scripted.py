"""The backend for tests and demonstrations: it replies from a file."""

import json
from collections.abc import Iterator
from pathlib import Path

from ragqa.errors import BackendFailed, UsageError
from ragqa.llms import Destination, Prompt

PIECE_CHARS = 12


class ScriptedLLM:
    """Answers a prompt with the first reply whose `when` its message contains.

    :param replies: pairs of a text that the message must contain, and the reply.
    """

    def __init__(self, replies: list[tuple[str, str]], *, name: str = "") -> None:
        self._replies = replies
        self._name = name

    @classmethod
    def read(cls, path: str) -> "ScriptedLLM":
        """Read replies from a file of JSON lines: `{"when": "...", "say": "..."}`.

        :raises UsageError: the file cannot be read, or does not have that form.
        """
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
            rows = [json.loads(line) for line in lines if line.strip()]
            replies = [(str(row["when"]), str(row["say"])) for row in rows]
        except OSError as exc:
            raise UsageError(
                f"cannot read replies from {path!r}: {exc.strerror}",
                hint="give a file of replies that you may read: scripted:FILE",
            ) from exc
        except (ValueError, KeyError, TypeError) as exc:
            raise UsageError(
                f"cannot read replies from {path}: {exc}",
                hint='each line must be like {"when": "...", "say": "..."}',
            ) from exc
        return cls(replies, name=path)

    @property
    def destination(self) -> Destination:
        """This machine."""
        return Destination(backend=f"scripted:{self._name}")

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """Yield the reply in pieces of `PIECE_CHARS`, at most one per token.

        :raises BackendFailed: no reply matches.
        """
        say = next((say for when, say in self._replies if when in prompt.message), None)
        if say is None:
            raise BackendFailed("the script has no reply to this prompt")
        for start in range(0, len(say), PIECE_CHARS)[:max_tokens]:
            yield say[start : start + PIECE_CHARS]
