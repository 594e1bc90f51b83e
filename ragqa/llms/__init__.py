"""From prompt to text: the `LLM` protocol and the table of backends.

Servers are asked over HTTP (`http.py`). Programs may give `Writer` any other object
with the two members of `LLM`; `limits.py` holds for it as well.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ragqa.errors import BackendFailed, UsageError


@dataclass(frozen=True, slots=True)
class Destination:
    """Which backend answers and where the prompt goes.

    `backend` is `KIND:MODEL`; `host` is `HOST` or `HOST:PORT`, "" if the prompt stays on this
    machine.
    """

    backend: str
    host: str = ""

    @property
    def is_local(self) -> bool:
        """Whether the prompt stays on this machine."""
        return not self.host

    @property
    def where(self) -> str:
        """The destination in words."""
        return self.host or "this machine"


@dataclass(frozen=True, slots=True)
class Prompt:
    """An LLM's input.

    `instructions` are ragqa's or the user's; `message` may contain notes, which are untrusted.
    """

    instructions: str
    message: str


class LLM(Protocol):
    """Completes a prompt. It gets nothing else: no tools, no files."""

    @property
    def destination(self) -> Destination:
        """The backend and where data goes, known before anything is sent."""
        ...

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """Yield a completion of at most `max_tokens` tokens piece by piece as it is generated.

        Nothing is sent before the first piece is requested. Closing the iterator ends the request.

        :raises BackendFailed: the completion failed, for any reason.
        """
        ...


NO_LLM = "none"
"""The value that turns LLMs off, whatever else is set."""

SCRIPTED = "scripted"

LLMS = {
    "openai": "a server that speaks OpenAI's protocol, at llm_url or OPENAI_BASE_URL, and its key "
    "in OPENAI_API_KEY",
    "ollama": "an Ollama server, at OLLAMA_HOST; its cloud models run at ollama.com",
    "anthropic": "Anthropic's server, or ANTHROPIC_BASE_URL, and ANTHROPIC_API_KEY",
    SCRIPTED: "a file of replies, for tests and demonstrations",
}
"""The kinds of backends, with what each needs and where it sends, for people."""


def llm_for(spec: str, url: str = "") -> LLM:
    """Make the backend that `KIND:MODEL` names; nothing is sent.

    :param url: the setting `llm_url`.
    :raises UsageError: no such kind, or it is unusable; the hint says what is missing.
    """
    check_kind(spec)
    kind, _, model = spec.partition(":")
    if kind == SCRIPTED:
        return ScriptedLLM(model)
    from ragqa.llms import http

    return http.make(kind, model, url)


def check_kind(spec: str) -> None:
    """Check that a kind of backend exists, without making it.

    :raises UsageError: it does not; the message lists the kinds.
    """
    kind = spec.partition(":")[0]
    if kind not in LLMS:
        raise UsageError(
            f"there is no LLM backend of kind {kind!r}, only {', '.join(LLMS)}",
            hint="give KIND:MODEL, such as ollama:llama3.2",
        )


class ScriptedLLM:
    """For tests and demonstrations: gives the first reply whose `when` the prompt contains.

    :param path: a file of JSON lines: `{"when": "...", "say": "..."}`.
    :raises UsageError: the file cannot be read, or does not have that form.
    """

    def __init__(self, path: str) -> None:
        self.destination = Destination(f"scripted:{path}")
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
            rows = [json.loads(line) for line in lines if line.strip()]
            self._replies = [(str(row["when"]), str(row["say"])) for row in rows]
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise UsageError(
                f"cannot read replies from {path!r}: {getattr(exc, 'strerror', exc)}",
                hint='give scripted:FILE, whose lines are like {"when": "...", "say": "..."}',
            ) from exc

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """Yield the reply in pieces, at most one per token; see `LLM.stream`."""
        say = next((say for when, say in self._replies if when in prompt.message), None)
        if say is None:
            raise BackendFailed("the script has no reply to this prompt")
        for start in range(0, len(say), 12)[:max_tokens]:
            yield say[start : start + 12]
