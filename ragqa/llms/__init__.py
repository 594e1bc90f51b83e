"""Prompt to text: the `LLM` protocol and the table of backends.

To add a backend: write a class with the two members below in a module of this folder, add a line
to `LLMS`, and run `pytest tests/contracts/test_llm_contract.py`. Other packages add theirs by an
entry point of the group `ragqa.llms`; see `ragqa/llms/others.py`.
"""

import os
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


@dataclass(frozen=True, slots=True)
class Factory:
    """How a kind of backend is made.

    :param argument: what stands after `KIND:`. A `MODEL` is a mere name, so that a backend can be
        made of any; for a `FILE` it must be there.
    :param needs: what it needs and where it sends, for people.
    """

    make: Callable[[str], LLM]
    argument: str
    needs: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of backend as it is on this machine.

    `destination` is where it would send with the environment as it is, None where that is not known
    or it cannot be used; `problem` says why it cannot, and `hint` what mends that. `package` is the
    package that brings it, "" for ragqa's own; such a package is not loaded to list it.
    """

    name: str
    form: str
    needs: str = ""
    package: str = ""
    destination: Destination | None = None
    problem: str = ""
    hint: str = ""


def _scripted(path: str) -> LLM:
    from ragqa.llms.scripted import ScriptedLLM

    return ScriptedLLM.read(path)


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

_GONE = "transformers"
"""A kind that older settings may name: it ran a model in ragqa's own process."""

LLMS: dict[str, Factory] = {
    "openai": Factory(
        _openai,
        "MODEL",
        "a server that speaks OpenAI's protocol, at OPENAI_BASE_URL, and its key in OPENAI_API_KEY",
    ),
    "ollama": Factory(
        _ollama, "MODEL", "an Ollama server, at OLLAMA_HOST; its cloud models are run at ollama.com"
    ),
    "anthropic": Factory(
        _anthropic, "MODEL", "Anthropic's server, or ANTHROPIC_BASE_URL, and ANTHROPIC_API_KEY"
    ),
    "scripted": Factory(_scripted, "FILE", "a file of replies, for tests and demonstrations"),
}


def llm_for(spec: str) -> LLM:
    """Make the backend that `KIND:MODEL` names; nothing is sent.

    :raises UsageError: no such kind, or it cannot be used; the hint says what it lacks.
    """
    from ragqa.llms import others

    check_kind(spec)
    kind, _, model = spec.partition(":")
    return LLMS[kind].make(model) if kind in LLMS else others.make(kind, model)


def check_kind(spec: str) -> None:
    """Make sure that there is such a kind of backend; none is made or loaded.

    :raises UsageError: there is not, or no longer; the message says what there is.
    """
    from ragqa.llms import others

    kind, _, model = spec.partition(":")
    if kind in LLMS or kind in (found := others.packages()):
        return
    if kind == _GONE:
        raise _gone(model)
    raise UsageError(
        f"no LLM backend of the kind {kind!r}; there are: {', '.join([*LLMS, *found])}",
        hint="ragqa llm list",
    )


def _gone(folder: str) -> UsageError:
    folder = os.path.expanduser(folder)  # noqa: PTH111 - Path's raises where there is no such user
    return UsageError(
        f"the LLM backend {_GONE}:FOLDER is gone; transformers serve and openai:FOLDER do the same",
        hint="transformers serve, then set OPENAI_BASE_URL to http://127.0.0.1:8000/v1 "
        f"and the LLM to openai:{folder or 'FOLDER'}",
    )


def kinds() -> list[Kind]:
    """Every kind of backend: whether it can be used, and where it would send. Nothing is sent."""
    from ragqa.llms import others

    own = [_own_kind(name, factory) for name, factory in LLMS.items()]
    return own + [
        Kind(name, f"{name}:MODEL", package=package) for name, package in others.packages().items()
    ]


def _own_kind(name: str, factory: Factory) -> Kind:
    form = f"{name}:{factory.argument}"
    if factory.argument != "MODEL":
        return Kind(name, form, factory.needs, destination=Destination(form))
    try:
        destination = factory.make(factory.argument).destination
    except UsageError as exc:
        return Kind(name, form, factory.needs, problem=exc.message, hint=exc.hint)
    return Kind(name, form, factory.needs, destination=destination)
