"""Servers that are known by name, and addresses, checked before anything is sent to them."""

import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ragqa.config.addresses import HOST, LLM_PORTS, Address, llm_address
from ragqa.errors import UsageError
from ragqa.llms.secrets import Secret

OLLAMA = "ollama"
SETTING = "llm_url"

_CLOUD = re.compile("(^|[:-])cloud$", re.IGNORECASE)
_CLOUD_HOST = "ollama.com"
_VERSION = "/v1"
_OLLAMA_HOST = re.compile(r"(?:(https?)://)?(\[[^]]*\]|[^:/]*)(?::([0-9]*))?(/.*)?")
_LISTENING = ("", "0.0.0.0", "[::]")  # noqa: S104 - never connected to


@dataclass(frozen=True, slots=True)
class Service:
    """The variables with a server's address and key, and an example of an address: the default."""

    address_variable: str
    key_variable: str
    example: str


SERVICES = {
    "openai": Service("OPENAI_BASE_URL", "OPENAI_API_KEY", "https://api.openai.com/v1"),
    OLLAMA: Service("OLLAMA_HOST", "OLLAMA_API_KEY", "http://127.0.0.1:11434"),
    "anthropic": Service("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "https://api.anthropic.com"),
}
"""The servers that are known by name; all speak OpenAI's protocol."""


@dataclass(frozen=True, slots=True)
class Server:
    """A checked server address.

    `url` is built from checked parts, so that no two parsers disagree on the host; `shown` is
    `HOST`, or `HOST:PORT` if the port is not the scheme's default. `where` is the setting or
    variable that it came from. `proxy` is the address of the proxy on the way, which may contain a
    password, and `proxy_shown` its host and port.
    """

    url: str
    shown: str
    where: str
    is_loopback: bool
    proxy: Secret | None = None
    proxy_shown: str = ""


def server_of(kind: str, url: str) -> Server:
    """The server of a kind, and the proxy on the way to it.

    :param url: the setting `llm_url`, "" if it is not set; only `openai` goes by it, since a key
        belongs to the server of its kind.
    :raises UsageError: its address is not `https://HOST…`, or `http://` to this machine.
    """
    service = SERVICES[kind]
    given, where = os.environ.get(service.address_variable, ""), service.address_variable
    if kind == "openai":
        given, where = (url, SETTING) if url else (given, where)
        given = given or service.example
    else:
        given = ollama_address(given) if kind == OLLAMA else given
        given = (given.rstrip("/").removesuffix(_VERSION) or service.example) + _VERSION
    found = llm_address(given, where, example=service.example)
    is_usual = found.port == LLM_PORTS[found.scheme]
    proxy, proxy_shown = (None, "") if found.is_loopback else _proxy_to(found)
    return Server(
        url=f"{found.scheme}://{found.host_and_port}{found.path.rstrip('/')}",
        shown=found.bracketed if is_usual else found.host_and_port,
        where=where,
        is_loopback=found.is_loopback,
        proxy=proxy,
        proxy_shown=proxy_shown,
    )


def ollama_address(given: str) -> str:
    """The server's address from the value of OLLAMA_HOST, in which any part may be missing.

    An address to listen on, such as 0.0.0.0, means this machine.
    """
    found = _OLLAMA_HOST.fullmatch(given.strip())
    if found is None:
        return given
    scheme, host, port, path = found.groups("")
    host = "127.0.0.1" if host in _LISTENING else host
    usual = str(LLM_PORTS[scheme]) if scheme else "11434"
    if host == _CLOUD_HOST and not scheme:
        scheme, usual = "https", "443"
    return f"{scheme or 'http'}://{host}:{port or usual}{path}"


def forwards_to(kind: str, model: str) -> str:
    """The host that a server on this machine passes a model's prompts on to, "" for none."""
    return _CLOUD_HOST if kind == OLLAMA and _CLOUD.search(model.strip()) else ""


def _proxy_to(server: Address) -> tuple[Secret | None, str]:
    """The environment's proxy for a remote server, and its host and port; None if it has none."""
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    address = proxies.get("https") or proxies.get("all")
    if not address or proxy_bypass(f"{server.host}:{server.port}"):
        return None, ""
    address = address if "://" in address else f"http://{address}"
    try:
        split = urlsplit(address)
        name, port = split.hostname or "", split.port
    except ValueError:
        name, port, split = "", None, urlsplit("")
    if split.scheme not in LLM_PORTS or not re.fullmatch(HOST, name):
        raise UsageError(
            "the environment's HTTPS_PROXY is not an http:// or https:// address",
            hint=f"fix it, or bypass it for this host: NO_PROXY={server.host}",
        )
    return Secret(address), f"{name}:{port or LLM_PORTS[split.scheme]}"
