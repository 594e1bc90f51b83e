"""The backend for tests and demonstrations: it replies from a file."""

import json
from collections.abc import Iterator
from pathlib import Path

from ragqa.errors import BackendFailed, UsageError
from ragqa.llms import Destination, Prompt

PIECE_CHARS = 12


class ScriptedLLM:
    """Answers a prompt with the first reply whose `when` its message contains.

    :param path: a file of JSON lines: `{"when": "...", "say": "..."}`.
    :raises UsageError: the file cannot be read, or does not have that form.
    """

    def __init__(self, path: str) -> None:
        self.destination = Destination(f"scripted:{path}")
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
            rows = [json.loads(line) for line in lines if line.strip()]
            self._replies = [(str(row["when"]), str(row["say"])) for row in rows]
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

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """Yield the reply in pieces, at most one per token; see `LLM.stream`."""
        say = next((say for when, say in self._replies if when in prompt.message), None)
        if say is None:
            raise BackendFailed("the script has no reply to this prompt")
        for start in range(0, len(say), PIECE_CHARS)[:max_tokens]:
            yield say[start : start + PIECE_CHARS]
