"""Prompt to text: the `LLM` protocol and the table of backends.

To add a backend: write a class with the two members below in a module of this folder, add a line
to `LLMS`, and run `pytest tests/contracts/test_llm_contract.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ragqa.errors import UsageError


@dataclass(frozen=True, slots=True)
class Destination:
    """Who answers and where the prompt goes.

    `backend` is `KIND:MODEL`; `host` is `HOST` or `HOST:PORT`, "" where the prompt stays on this
    machine; `proxy` is what it goes through on its way, "" for nothing.
    """

    backend: str
    host: str = ""
    proxy: str = ""

    @property
    def is_local(self) -> bool:
        """Whether nothing leaves this machine."""
        return not self.host

    @property
    def where(self) -> str:
        """Where data goes and by way of what, in words."""
        if self.is_local:
            return "this machine"
        return f"{self.host}, by way of the proxy {self.proxy}" if self.proxy else self.host


@dataclass(frozen=True, slots=True)
class Prompt:
    """What an LLM is given: how to answer, and what.

    `instructions` are ours or the user's; `message` may hold text of notes, which is untrusted.
    """

    instructions: str
    message: str


class LLM(Protocol):
    """Completes a prompt. It is given nothing else: no tools, no files."""

    @property
    def destination(self) -> Destination:
        """Who this is and where data goes, known before anything is sent."""
        ...

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """Give the completion of at most so many tokens, piece by piece as it is made.

        Nothing is sent before the first piece is asked for. Closing the iterator ends the request.
        If it has a `cancel()`, that ends the request from another thread, while one waits for it.

        :raises BackendFailed: it could not be completed, for whatever reason.
        """
        ...


def _scripted(path: str) -> LLM:
    from ragqa.llms.scripted import ScriptedLLM

    return ScriptedLLM.read(path)


def _transformers(path: str) -> LLM:
    from ragqa.llms.transformers import TransformersLLM

    return TransformersLLM.read(path)


def _openai(model: str) -> LLM:
    from ragqa.llms import openai

    return openai.make(model)


def _ollama(model: str) -> LLM:
    from ragqa.llms import ollama

    return ollama.make(model)


def _anthropic(model: str) -> LLM:
    from ragqa.llms import anthropic

    return anthropic.make(model)


NO_LLM = "none"
"""The name that says that no LLM is to write, whatever else is set."""

LLMS: dict[str, Callable[[str], LLM]] = {
    "openai": _openai,
    "ollama": _ollama,
    "anthropic": _anthropic,
    "transformers": _transformers,
    "scripted": _scripted,
}


def llm_for(spec: str) -> LLM:
    """Make the backend that `KIND:MODEL` names.

    :raises UsageError: no such kind.
    """
    kind, _, model = spec.partition(":")
    if kind not in LLMS:
        raise UsageError(f"no LLM backend of the kind {kind!r}; there are: {', '.join(LLMS)}")
    return LLMS[kind](model)
