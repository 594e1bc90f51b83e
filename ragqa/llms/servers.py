"""Server addresses, checked before anything is sent to them."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from ragqa.config.addresses import HOST, address_of
from ragqa.errors import UsageError
from ragqa.llms.secrets import Secret

_PORTS = {"http": 80, "https": 443}


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
    if split.scheme not in _PORTS or not HOST.fullmatch(name):
        raise UsageError(
            "the environment's HTTPS_PROXY is not an http:// or https:// address",
            hint=f"fix it, or bypass it for this host: NO_PROXY={host.rpartition(':')[0]}",
        )
    return Proxy(Secret(address), f"{name}:{port or _PORTS[split.scheme]}")
