"""Messages for server failures, each with a hint.

A message continues "the openai server HOST …". Text from the server comes last, since `sentence`
cuts the end of a long message.
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
_CONTEXT_STEP = 4096
_NO_KEY = Secret("")
_PHRASES = {int(status): status.phrase.lower() for status in HTTPStatus}
_SECONDS = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A response whose status is not 200, and whether a retry may succeed.

    :param wait_s: how long the server asks to wait, None if it does not say.
    """

    status: int
    message: str
    hint: str = ""
    is_transient: bool = False
    wait_s: float | None = None


def sentence(text: str, key: Secret = _NO_KEY) -> str:
    """The beginning of a message or hint, on one line and with keys hidden.

    :param key: a key that may come from outside the environment.
    """
    # Hide before cutting, which could leave part of a key.
    text = hide_key(hide(text, [key, *environment_secrets()]), key)
    line = " ".join(text.split())
    return line if len(line) <= MAX_MESSAGE else f"{line[:MAX_MESSAGE]}…"


def refusal(status: int, headers: Mapping[str, str], said: str, *, most_wait_s: float) -> Refusal:
    """Describe a response whose status is not 200.

    In a hint, `{address}` and `{key}` stand for the variables' names, `{example}` for an address.

    :param said: the server's explanation, "" for none.
    :param most_wait_s: a longer requested wait is not worth a retry.
    """
    if 300 <= status < 400:
        return Refusal(
            status,
            f"sent a redirect, which is not followed, to {_host_of(headers.get('location', ''))}",
            "if that is the right address, set {address} to it",
        )
    phrase = _PHRASES.get(status, "a non-standard status")
    message, hint, wait_s, is_transient = f"answered {status} ({phrase})", "", None, False
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        wait_s = _retry_after(headers.get("retry-after", ""))
        is_transient = wait_s is None or wait_s <= most_wait_s
        hint = "ask again later" if is_transient else "ask again after that"
        message += "" if is_transient else f" and asks to wait {wait_s:,.0f} s"
    elif status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        hint = "check the key in {key}"
    elif status == HTTPStatus.NOT_FOUND:
        hint = "check the model's name, and the server's address in {address} (such as {example})"
    return Refusal(status, f"{message}: {said}" if said else message, hint, is_transient, wait_s)


def _host_of(location: str) -> str:
    """A redirect's target host, without the rest, which may reveal the request."""
    try:
        target = urlsplit(location)
        port = f":{target.port}" if target.port else ""
    except ValueError:
        return "an invalid address"
    if not target.hostname:
        return "another address of this server" if location else "nowhere"
    host = f"[{target.hostname}]" if ":" in target.hostname else target.hostname
    return f"{target.scheme}://{host}{port}".removeprefix("://")


def _retry_after(value: str) -> float | None:
    """Seconds to wait, from either form of the header (RFC 9110, section 10.2.3)."""
    if _SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError, TypeError):
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def check_end(reason: str) -> None:
    """Check the reason that a server gives for a completion's end.

    :raises BackendFailed: the completion is incomplete.
    """
    if reason.lower() in _CUT_SHORT:
        raise BackendFailed(
            "reached its token limit before the end of the answer, which is not used",
            hint="allow more: ragqa config set llm_answer_tokens N",
        )
    if reason.lower() in _WITHHELD:
        raise BackendFailed(
            f"withheld the answer ({reason.lower()})", hint="ask without --llm, or rephrase"
        )


def check_prompt(tokens: object) -> None:
    """Check that Ollama read the whole prompt, which it silently cuts to the size of its context.

    A cut prompt fills the context, whose size is by default a multiple of 4,096 tokens.

    :raises BackendFailed: it was cut.
    """
    if isinstance(tokens, int) and tokens > 0 and not tokens % _CONTEXT_STEP:
        raise BackendFailed(
            f"read only {tokens:,} tokens of the prompt, all that its context holds",
            hint="give Ollama a larger context (OLLAMA_CONTEXT_LENGTH), or send less: "
            "ragqa config set llm_prompt_tokens N",
        )


def broke_off() -> BackendFailed:
    """The failure of a reply that ended without its end mark."""
    return BackendFailed("broke off before the end of the answer", hint="ask again")


def exception_text(exc: BaseException) -> str:
    """Describe any exception from third-party code."""
    try:
        said = str(exc)
        if isinstance(exc, OSError) and exc.strerror:
            said = f"{exc.strerror}: {exc.filename}" if exc.filename else exc.strerror
    except Exception:  # noqa: BLE001 - even `str` may raise
        said = ""
    return f"{type(exc).__name__}: {said}"


def is_transient(exc: Exception) -> bool:
    """Whether a retry may connect."""
    return _cause(exc, ssl.SSLError) is None and _cause(exc, gaierror) is None


def describe(exc: Exception, *, connect_s: float, read_s: float) -> tuple[str, str]:
    """The message and hint for an exception from the HTTP client."""
    import httpx2

    check = "is the server running? its address comes from {address}"
    if isinstance(exc, httpx2.ConnectTimeout):
        return f"did not accept a connection within {connect_s:g} s", check
    if isinstance(exc, httpx2.TimeoutException):
        return f"did nothing for {read_s:g} s", "ask again"
    if cause := _cause(exc, ssl.SSLError):
        reason = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "no TLS"
        return f"failed at TLS, so nothing was sent: {reason}", "check the address in {address}"
    if _cause(exc, gaierror):
        message = "cannot be found: no such host name, or no network"
        return message, "check the address in {address}"
    if isinstance(exc, httpx2.ProxyError):
        return f"cannot be reached: the proxy answered {exc}", "check HTTPS_PROXY"
    if isinstance(exc, httpx2.ConnectError):
        system = _cause(exc, OSError)
        reason = getattr(system, "strerror", "") or str(exc)
        return f"cannot be reached: {reason}", check
    if isinstance(exc, httpx2.NetworkError | httpx2.RemoteProtocolError):
        return f"broke off: {str(exc) or 'no reason given'}", "ask again"
    return f"failed: {type(exc).__name__}: {exc}", ""


def _cause(exc: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    while exc is not None and not isinstance(exc, kind):
        exc = exc.__cause__ or exc.__context__
    return exc
