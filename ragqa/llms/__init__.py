"""From prompt to text: the `LLM` protocol and the table of backends.

Every server is asked in OpenAI's protocol (`http.py`). Programs may give `Writer` any other object
with the two members of `LLM`; `limits.py` holds for it as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ragqa.errors import UsageError


@dataclass(frozen=True, slots=True)
class Destination:
    """Which backend answers and where the prompt goes.

    `backend` is `KIND:MODEL`; `host` is `HOST` or `HOST:PORT`, "" if the prompt stays on this
    machine; `proxy` is the proxy on the way, "" for none.
    """

    backend: str
    host: str = ""
    proxy: str = ""

    @property
    def is_local(self) -> bool:
        """Whether the prompt stays on this machine."""
        return not self.host

    @property
    def where(self) -> str:
        """The destination in words, with the proxy."""
        if self.is_local:
            return "this machine"
        return f"{self.host}, through the proxy {self.proxy}" if self.proxy else self.host


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

        Nothing is sent before the first piece is requested. Closing the iterator ends the request;
        its optional `cancel()` does so from another thread, even while one waits for a piece.

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
        from ragqa.llms.scripted import ScriptedLLM

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
            hint="ragqa llm list",
        )
