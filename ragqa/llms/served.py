"""Models behind a server: the backends that send a prompt over HTTP."""

import importlib.util
import os
from collections.abc import Iterator
from typing import Any

from ragqa.errors import BackendFailed, UsageError
from ragqa.llms import Destination, Prompt
from ragqa.llms.faults import sentence, what_failed
from ragqa.llms.http import Call
from ragqa.llms.secrets import Secret, find_key, key_file
from ragqa.llms.servers import server_at
from ragqa.llms.wire import LIMITS, Limits, Target, Wire

_LOOK = "look at the model's name, the address in {address} and the key in {key}: ragqa llm list"


class HttpLLM:
    """A model behind a server.

    :param onward: the host that a server on this machine sends the prompt on to, "" for none.
    """

    def __init__(self, target: Target, model: str, *, onward: str = "") -> None:
        self.target = target
        self.model = model
        self._host = onward if target.server.is_loopback else target.server.shown

    @property
    def destination(self) -> Destination:
        """Where the prompt leaves this machine for, and the proxy on the way."""
        proxy = self.target.server.proxy
        name = f"{self.target.wire.kind}:{self.model}"
        return Destination(name, self._host, proxy.shown if proxy else "")

    def stream(self, prompt: Prompt, *, max_tokens: int) -> "Reply":
        """Give the completion piece by piece; see `LLM.stream`."""
        return Reply(self, self.target.wire.body(self.model, prompt, max_tokens))


class Reply(Iterator[str]):
    """The pieces of one completion.

    Whatever goes wrong leaves here as a `BackendFailed` that holds no key: neither in its text nor,
    since it is raised anew, in the frames and requests of the exception that it tells of.
    """

    def __init__(self, llm: HttpLLM, body: dict[str, Any]) -> None:
        self._llm = llm
        self._call = Call(llm.target)
        self._pieces = self._call.pieces(body)

    def __iter__(self) -> "Reply":
        return self

    def __next__(self) -> str:
        try:
            return next(self._pieces)
        except StopIteration:
            raise
        except Exception as exc:  # noqa: BLE001 - whatever a server or the client makes of it
            failure = self._told(exc)
        raise failure

    def _told(self, exc: Exception) -> BackendFailed:
        target = self._llm.target
        if isinstance(exc, BackendFailed):
            message, hint = exc.message, exc.hint
        else:
            limits = target.limits
            message, hint = what_failed(exc, connect_s=limits.connect_s, read_s=limits.read_s)
        return BackendFailed(
            sentence(f"the {target.wire.kind} server {target.server.shown} {message}", target.key),
            hint=(hint or _LOOK).format(
                address=target.wire.address_variable,
                example=target.wire.default_address,
                key=target.wire.key_variable,
            ),
        )

    def close(self) -> None:
        """End the request, from the thread that reads it."""
        self._pieces.close()

    def cancel(self) -> None:
        """End the request from any thread, also while another waits for the server."""
        self._call.cancel()


def make_http(
    wire: Wire,
    model: str,
    *,
    limits: Limits = LIMITS,
    address: str = "",
    needs_key: bool = True,
    onward: str = "",
) -> HttpLLM:
    """Make a backend of what the environment says, with everything checked but the server.

    :param address: where the server is, if the environment says it in a form of its own.
    :param needs_key: a server that is not on this machine needs a key.
    :param onward: the host that a server on this machine sends the prompt on to, "" for none.
    :raises UsageError: no model, no library, no key, or an address that is refused.
    """
    if not model.strip():
        raise UsageError(f"{wire.kind}: needs a model", hint=f"--llm {wire.kind}:MODEL")
    if importlib.util.find_spec("httpx2") is None:
        raise UsageError(
            f"{wire.kind}:{model} needs the package httpx2, which is not installed",
            hint=f'pip install "ragqa[{wire.kind}]"',
        )
    address = address or os.environ.get(wire.address_variable, "") or wire.default_address
    server = server_at(address, wire.address_variable, example=wire.default_address)
    key = find_key(wire.kind, wire.key_variable)
    if key is None and needs_key and not server.is_loopback:
        raise UsageError(
            f"{wire.kind}:{model} needs a key for {server.shown}",
            hint=f"put it into {wire.key_variable}, or alone into {key_file(wire.kind)} "
            "(chmod 600)",
        )
    return HttpLLM(Target(wire, server, key or Secret(""), limits), model, onward=onward)
