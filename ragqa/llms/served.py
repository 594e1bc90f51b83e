"""The backends that send a prompt to a server over HTTP."""

import importlib.util
import os
from collections.abc import Iterator
from typing import Any

from ragqa.errors import BackendFailed, UsageError
from ragqa.llms import Destination, Prompt
from ragqa.llms.faults import describe, sentence
from ragqa.llms.http import Call
from ragqa.llms.secrets import Secret, find_key, key_file
from ragqa.llms.servers import server_at
from ragqa.llms.wire import LIMITS, Limits, Target, Wire

_LOOK = "look at the model's name, the address in {address} and the key in {key}: ragqa llm list"


class HttpLLM:
    """A model on a server.

    :param onward: the host that a local server forwards the prompt to, "" for none.
    """

    def __init__(self, target: Target, model: str, *, onward: str = "") -> None:
        self.target = target
        self.model = model
        self._host = onward if target.server.is_loopback else target.server.shown

    @property
    def destination(self) -> Destination:
        """The host that the prompt leaves this machine for, and the proxy on the way."""
        proxy = self.target.server.proxy
        name = f"{self.target.wire.kind}:{self.model}"
        return Destination(name, self._host, proxy.shown if proxy else "")

    def stream(self, prompt: Prompt, *, max_tokens: int) -> "Reply":
        """Yield the completion piece by piece; see `LLM.stream`."""
        return Reply(self, self.target.wire.body(self.model, prompt, max_tokens))


class Reply(Iterator[str]):
    """The pieces of one completion.

    Every error becomes a `BackendFailed` without keys: neither in its text nor, since it is a new
    exception, in the original's frames and requests.
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
        except Exception as exc:  # noqa: BLE001 - server or client may cause any error
            failure = self._failure(exc)
        raise failure

    def _failure(self, exc: Exception) -> BackendFailed:
        target = self._llm.target
        if isinstance(exc, BackendFailed):
            message, hint = exc.message, exc.hint
        else:
            limits = target.limits
            message, hint = describe(exc, connect_s=limits.connect_s, read_s=limits.read_s)
        return BackendFailed(
            sentence(f"the {target.wire.kind} server {target.server.shown} {message}", target.key),
            hint=(hint or _LOOK).format(
                address=target.wire.address_variable,
                example=target.wire.default_address,
                key=target.wire.key_variable,
            ),
        )

    def close(self) -> None:
        """End the request, from the reading thread."""
        self._pieces.close()

    def cancel(self) -> None:
        """End the request from any thread, even while another waits for the server."""
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
    """Make a backend from the environment; everything but the server is checked.

    :param address: the server's address, if the environment has it in a special form.
    :param needs_key: whether a remote server needs a key.
    :param onward: the host that a local server forwards the prompt to, "" for none.
    :raises UsageError: no model, no library, no key, or a refused address.
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
            hint=f"put it into {wire.key_variable}, or by itself into {key_file(wire.kind)} "
            "(chmod 600)",
        )
    return HttpLLM(Target(wire, server, key or Secret(""), limits), model, onward=onward)
