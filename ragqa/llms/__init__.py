"""From prompt to text: the `LLM` protocol and the table of backends.

To add a backend: write a class with the two members below, or name its server in `servers.py` if
that speaks OpenAI's protocol. Add a line to `LLMS`, and run
`pytest tests/contracts/test_llm_contract.py`.

Other packages add theirs by an entry point. A package is loaded only when its kind is used, and
cannot take the name of one of ragqa's kinds.

    [project.entry-points."ragqa.llms"]
    mine = "my_package:make"        # make(model) returns an LLM; used as --llm mine:MODEL
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from ragqa.errors import RagqaError, UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


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


@dataclass(frozen=True, slots=True)
class Factory:
    """How to make a kind of backend.

    :param argument: what follows `KIND:`. A `MODEL` is just a name, so any will do to make a
        backend; a `FILE` must exist.
    :param needs: what it needs and where it sends, for people.
    """

    make: Callable[[str], LLM]
    argument: str
    needs: str


@dataclass(frozen=True, slots=True)
class BackendKind:
    """The state of a kind of backend on this machine.

    `destination` is where it would send in the current environment, None if unknown or unusable;
    `problem` says why it is unusable, and `hint` how to fix it. `package` is the package that
    provides it, "" for ragqa's own; listing does not load that package.
    """

    name: str
    form: str
    needs: str = ""
    package: str = ""
    destination: Destination | None = None
    problem: str = ""
    hint: str = ""


def _http(kind: str, model: str) -> LLM:
    from ragqa.llms import http

    return http.make(kind, model)


def _scripted(path: str) -> LLM:
    from ragqa.llms.scripted import ScriptedLLM

    return ScriptedLLM.read(path)


GROUP = "ragqa.llms"
"""The group of entry points."""

NO_LLM = "none"
"""The value that turns LLMs off, whatever else is set."""

_GONE = "transformers"
"""A removed kind that older settings may name: it ran a model in ragqa's own process."""

LLMS: dict[str, Factory] = {
    "openai": Factory(
        partial(_http, "openai"),
        "MODEL",
        "a server that speaks OpenAI's protocol, at OPENAI_BASE_URL, and its key in OPENAI_API_KEY",
    ),
    "ollama": Factory(
        partial(_http, "ollama"),
        "MODEL",
        "an Ollama server, at OLLAMA_HOST; its cloud models run at ollama.com",
    ),
    "anthropic": Factory(
        partial(_http, "anthropic"),
        "MODEL",
        "Anthropic's server, or ANTHROPIC_BASE_URL, and ANTHROPIC_API_KEY",
    ),
    "scripted": Factory(_scripted, "FILE", "a file of replies, for tests and demonstrations"),
}


def llm_for(spec: str) -> LLM:
    """Make the backend that `KIND:MODEL` names; nothing is sent.

    :raises UsageError: no such kind, or it is unusable; the hint says what is missing.
    """
    check_kind(spec)
    kind, _, model = spec.partition(":")
    return LLMS[kind].make(model) if kind in LLMS else _from_package(kind, model)


def check_kind(spec: str) -> None:
    """Check that a kind of backend exists, without making or loading it.

    :raises UsageError: it does not, or no longer; the message lists the kinds.
    """
    kind, _, model = spec.partition(":")
    if kind in LLMS or kind in (found := _packages()):
        return
    if kind == _GONE:
        raise _gone(model)
    raise UsageError(
        f"there is no LLM backend of kind {kind!r}, only {', '.join([*LLMS, *found])}",
        hint="ragqa llm list",
    )


def _gone(folder: str) -> UsageError:
    folder = os.path.expanduser(folder)  # noqa: PTH111 - Path's raises for an unknown user
    return UsageError(
        f"the LLM backend {_GONE}:FOLDER is gone; transformers serve and openai:FOLDER replace it",
        hint="transformers serve, then set OPENAI_BASE_URL to http://127.0.0.1:8000/v1 "
        f"and the LLM to openai:{folder or 'FOLDER'}",
    )


def kinds() -> list[BackendKind]:
    """List every kind of backend, whether it is usable, and where it would send; sends nothing."""
    own = [_own_kind(name, factory) for name, factory in LLMS.items()]
    return own + [
        BackendKind(name, f"{name}:MODEL", package=package) for name, package in _packages().items()
    ]


def _own_kind(name: str, factory: Factory) -> BackendKind:
    form = f"{name}:{factory.argument}"
    if factory.argument != "MODEL":
        return BackendKind(name, form, factory.needs, destination=Destination(form))
    try:
        destination = factory.make(factory.argument).destination
    except UsageError as exc:
        return BackendKind(name, form, factory.needs, problem=exc.message, hint=exc.hint)
    return BackendKind(name, form, factory.needs, destination=destination)


def _packages() -> dict[str, str]:
    """The kinds from other packages, each with its package; loads none of them."""
    return {point.name: _package(point) for point in _entry_points()}


def _entry_points() -> "list[EntryPoint]":
    from importlib.metadata import entry_points

    return [point for point in entry_points(group=GROUP) if point.name not in LLMS]


def _package(point: "EntryPoint") -> str:
    return point.dist.name if point.dist is not None else "(unknown)"


def _from_package(kind: str, model: str) -> LLM:
    """Load the package that provides this kind, and make its backend.

    :raises UsageError: two packages provide it, it cannot be loaded, or it makes no LLM backend.
    """
    from ragqa.llms.faults import sentence

    found = [point for point in _entry_points() if point.name == kind]
    names = " and ".join(sorted(map(_package, found)))
    if len(found) > 1:
        raise UsageError(
            f"the packages {names} both provide the LLM backend {kind!r}",
            hint="uninstall one of them",
        )
    backend = f"the LLM backend {kind!r} from the package {names}"
    fix = f"pip install --upgrade {names}"
    try:
        factory = found[0].load()
    except Exception as exc:  # noqa: BLE001 - a package may raise anything
        raise _failed(f"{backend} cannot be loaded", exc, fix) from None
    try:
        llm: LLM = factory(model)
        is_llm = callable(llm.stream) and bool(llm.destination.backend)
    except RagqaError as exc:
        # Whatever its class: another one's exit code would blame the notes or the index.
        raise UsageError(sentence(exc.message), hint=sentence(exc.hint)) from None
    except Exception as exc:  # noqa: BLE001 - see above
        fix = f"check what follows {kind}:, or {fix}"
        raise _failed(f"{backend} cannot be made from {model!r}", exc, fix) from None
    if not is_llm:
        raise UsageError(
            f"what the package {names} makes as {kind!r} is not an LLM backend",
            hint=fix,
        )
    return llm


def _failed(what: str, exc: Exception, fix: str) -> UsageError:
    from ragqa.llms.faults import exception_text, sentence

    return UsageError(sentence(f"{what}: {exception_text(exc)}"), hint=fix)
