"""What goes wrong with a server, each fault as what it did and what mends it.

The words continue "the openai server HOST …", and what a server says comes last: the whole is
shortened at its end by `sentence`.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from socket import gaierror
from urllib.parse import urlsplit

from ragqa.errors import BackendFailed
from ragqa.llms.secrets import Secret, environment_secrets, hide, hide_key

MAX_MESSAGE = 300
_CUT_SHORT = {"length", "max_tokens", "model_context_window_exceeded"}
_WITHHELD = {"content_filter", "refusal", "safety"}
_NO_KEY = Secret("")
_SECONDS = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not 200, and whether it may be another one soon.

    :param wait_s: when the server asks to be asked again, None where it does not say.
    """

    status: int
    message: str
    hint: str = ""
    is_passing: bool = False
    wait_s: float | None = None


def sentence(text: str, key: Secret = _NO_KEY) -> str:
    """The beginning of a message or hint, on one line and with keys hidden.

    :param key: one that may be of another place than the environment.
    """
    # Hidden before it is shortened, which could leave a part of a key.
    text = hide_key(hide(text, [key, *environment_secrets()]), key)
    line = " ".join(text.split())
    return line if len(line) <= MAX_MESSAGE else f"{line[:MAX_MESSAGE]}…"


def refusal(status: int, headers: Mapping[str, str], said: str, *, most_wait_s: float) -> Refusal:
    """Tell of a status that is not 200.

    `{address}` and `{key}` in a hint stand for the variables' names, `{example}` for an address.
    """
    if 300 <= status < 400:
        return Refusal(
            status,
            f"sent a redirect, which is not followed, to {_host_of(headers.get('location', ''))}",
            "if that is the right address, set {address} to it",
        )
    told, after = f"answered {status} ({_phrase(status)})", f": {said}" if said else ""
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        wait_s = _retry_after(headers.get("retry-after", ""))
        if wait_s is not None and wait_s > most_wait_s:
            told += f" and asks to wait {wait_s:,.0f} s"
            return Refusal(status, told + after, "ask again after that")
        return Refusal(status, told + after, "ask again later", is_passing=True, wait_s=wait_s)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Refusal(status, told + after, "check the key in {key}")
    if status == HTTPStatus.NOT_FOUND:
        hint = "check the model's name, and the server's address in {address} (such as {example})"
        return Refusal(status, told + after, hint)
    return Refusal(status, told + after)


def _host_of(location: str) -> str:
    """Where a redirect points, without what its address may say of the request."""
    try:
        target = urlsplit(location)
        port = f":{target.port}" if target.port else ""
    except ValueError:
        return "no proper address"
    if not target.hostname:
        return "another address of this server" if location else "nowhere"
    host = f"[{target.hostname}]" if ":" in target.hostname else target.hostname
    return f"{target.scheme}://{host}{port}".removeprefix("://")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.lower()
    except ValueError:
        return "a status of its own"


def _retry_after(value: str) -> float | None:
    """Seconds to wait, of either form of the header (RFC 9110, section 10.2.3)."""
    if _SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError, TypeError):
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def check_end(reason: str) -> None:
    """Let a completion end for the reason that a server gives.

    :raises BackendFailed: it is not whole.
    """
    if reason.lower() in _CUT_SHORT:
        raise BackendFailed(
            "came to its limit of tokens before the answer's end, so what it wrote is not used",
            hint="allow more: ragqa config set llm_answer_tokens N",
        )
    if reason.lower() in _WITHHELD:
        raise BackendFailed(
            f"withheld the answer ({reason.lower()})", hint="ask without --llm, or ask otherwise"
        )


def broke_off() -> BackendFailed:
    """The failure that a reply ended without its end mark."""
    return BackendFailed("broke off before the answer's end", hint="ask again")


def exception_text(exc: BaseException) -> str:
    """What an exception of somebody else's code says, whatever it is."""
    try:
        said = str(exc)
        if isinstance(exc, OSError) and exc.strerror:
            said = f"{exc.strerror}: {exc.filename}" if exc.filename else exc.strerror
    except Exception:  # noqa: BLE001 - not even that can be relied on
        said = ""
    return f"{type(exc).__name__}: {said}"


def may_pass(exc: Exception) -> bool:
    """Whether a failure to connect may be gone in a moment."""
    return _cause(exc, ssl.SSLError) is None and _cause(exc, gaierror) is None


def what_failed(exc: Exception, *, connect_s: float, read_s: float) -> tuple[str, str]:
    """What an exception of the client means, and what mends it."""
    import httpx2

    check = "is the server running? its address comes from {address}"
    if isinstance(exc, httpx2.ConnectTimeout):
        return f"did not accept a connection within {connect_s:g} s", check
    if isinstance(exc, httpx2.TimeoutException):
        return f"did nothing for {read_s:g} s", "ask again"
    if cause := _cause(exc, ssl.SSLError):
        told = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "no TLS"
        return f"failed at TLS, so nothing was sent: {told}", "check the address in {address}"
    if _cause(exc, gaierror):
        told = "cannot be found: no such host name, or no network"
        return told, "check the address in {address}"
    if isinstance(exc, httpx2.ProxyError):
        return f"cannot be reached, the proxy answered {exc}", "check HTTPS_PROXY"
    if isinstance(exc, httpx2.ConnectError):
        return f"cannot be reached: {_system_message(exc)}", check
    if isinstance(exc, httpx2.NetworkError | httpx2.RemoteProtocolError):
        return f"broke off: {str(exc) or 'no reason given'}", "ask again"
    return f"could not be talked to: {type(exc).__name__}: {exc}", ""


def _system_message(exc: Exception) -> str:
    cause = _cause(exc, OSError)
    return cause.strerror if isinstance(cause, OSError) and cause.strerror else str(exc)


def _cause(exc: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    while exc is not None and not isinstance(exc, kind):
        exc = exc.__cause__ or exc.__context__
    return exc
