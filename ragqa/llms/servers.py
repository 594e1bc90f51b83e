"""Servers that are known by name, and addresses, checked before anything is sent to them."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ragqa.config.addresses import HOST, address_of
from ragqa.errors import UsageError
from ragqa.llms.secrets import Secret

OLLAMA = "ollama"

_PORTS = {"http": 80, "https": 443}
_PORT = re.compile("[0-9]{1,5}")
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - never connected to
_CLOUD = re.compile("(^|[:-])cloud$", re.IGNORECASE)
_CLOUD_HOST = "ollama.com"
_VERSION = "/v1"


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
class Proxy:
    """A proxy on the way to a server; its address may contain a password."""

    address: Secret
    shown: str


@dataclass(frozen=True, slots=True)
class Server:
    """A checked server address.

    `url` is built from checked parts, so that no two parsers disagree on the host; `shown` is
    `HOST`, or `HOST:PORT` if the port is not the scheme's default.
    """

    url: str
    shown: str
    is_loopback: bool
    proxy: Proxy | None = None


def api_address(kind: str, given: str) -> str:
    """The address below which a server speaks OpenAI's protocol.

    :param given: the value of its variable; the addresses of Ollama and Anthropic may lack `/v1`.
    """
    example = SERVICES[kind].example
    if kind == "openai":
        return given or example
    address = ollama_address(given) if kind == OLLAMA else given
    return (address.rstrip("/").removesuffix(_VERSION) or example) + _VERSION


def ollama_address(given: str) -> str:
    """The server's address from the value of OLLAMA_HOST, which Ollama parses leniently.

    As in https://github.com/ollama/ollama/blob/main/envconfig/config.go: scheme and port are
    optional, and a wildcard listening address means this machine.
    """
    given = given.strip().strip("\"'").strip()
    scheme, separator, rest = given.partition("://")
    if not separator:
        scheme, rest = "http", given
        if rest == _CLOUD_HOST:
            scheme, rest = "https", f"{_CLOUD_HOST}:443"
    standard = {"http": "80", "https": "443"}.get(scheme, "") if separator else "11434"
    place, slash, path = rest.partition("/")
    host, port = _host_and_port(place)
    if not _PORT.fullmatch(port) or int(port) > 65535:
        port = standard
    host = _LOOPBACK.get(host, host) or "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}{slash}{path}"


def _host_and_port(place: str) -> tuple[str, str]:
    """Host and port, "" if absent; an IPv6 address may lack its brackets."""
    if place.count(":") > 1 and "]:" not in place:
        return place.strip("[]"), ""
    host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
    return host.strip("[]"), port


def forwards_to(kind: str, model: str) -> str:
    """The host that a server on this machine passes a model's prompts on to, "" for none."""
    return _CLOUD_HOST if kind == OLLAMA and _CLOUD.search(model.strip()) else ""


def server_at(address: str, where: str, *, example: str) -> Server:
    """Check an address from a setting or variable, and find the proxy on the way to it.

    :param where: the setting, for messages.
    :param example: a valid address, for hints.
    :raises UsageError: it is not `https://HOST…`, or `http://` to this machine.
    """
    hint = f"set {where} to an address such as {example}"
    found = address_of(address, where, ports=_PORTS, hint=hint)
    shown = found.bracketed if found.port == _PORTS[found.scheme] else found.host_and_port
    if found.scheme == "http" and not found.is_loopback:
        raise UsageError(
            f"{where} is http://{shown}, which would send your notes unencrypted",
            hint=f"set {where} to an https:// address, or to a server on this machine",
        )
    return Server(
        url=f"{found.scheme}://{found.host_and_port}{found.path.rstrip('/')}",
        shown=shown,
        is_loopback=found.is_loopback,
        proxy=None if found.is_loopback else _proxy_to(f"{found.host}:{found.port}"),
    )


def _proxy_to(host: str) -> Proxy | None:
    """The environment's proxy for a remote host, None if there is none or it is bypassed."""
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    address = proxies.get("https") or proxies.get("all")
    if not address or proxy_bypass(host):
        return None
    address = address if "://" in address else f"http://{address}"
    try:
        split = urlsplit(address)
        name, port = split.hostname or "", split.port
    except ValueError:
        name, port, split = "", None, urlsplit("")
    if split.scheme not in _PORTS or not re.fullmatch(HOST, name):
        raise UsageError(
            "the environment's HTTPS_PROXY is not an http:// or https:// address",
            hint=f"fix it, or bypass it for this host: NO_PROXY={host.rpartition(':')[0]}",
        )
    return Proxy(Secret(address), f"{name}:{port or _PORTS[split.scheme]}")
