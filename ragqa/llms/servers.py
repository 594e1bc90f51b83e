"""Where a backend sends: an address that is checked before anything is sent to it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from ragqa.config.addresses import HOST, address_of
from ragqa.errors import UsageError
from ragqa.llms.secrets import Secret

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """What stands between this machine and a server; its address may hold a password."""

    address: Secret
    shown: str


@dataclass(frozen=True, slots=True)
class Server:
    """An address that may be sent to.

    `url` is put together from parts that were checked, so that no two readers of it disagree on
    the host; `shown` is `HOST`, or `HOST:PORT` where the port is not the scheme's own.
    """

    url: str
    shown: str
    is_loopback: bool
    proxy: Proxy | None = None


def server_at(address: str, where: str, *, example: str) -> Server:
    """Check an address that a setting or variable gives, and find the proxy on the way to it.

    :param where: the setting, for messages.
    :param example: an address that would do, for hints.
    :raises UsageError: it is not `https://HOST…`, or `http://` to a host that is not this machine.
    """
    hint = f"set {where} to an address such as {example}"
    found = address_of(address, where, ports=_PORTS, hint=hint)
    shown = found.bracketed if found.port == _PORTS[found.scheme] else found.host_and_port
    if found.scheme == "http" and not found.is_loopback:
        raise UsageError(
            f"{where} is http://{shown}, which would send your notes readable for anyone between",
            hint=f"set {where} to an https:// address, or to a server on this machine",
        )
    return Server(
        url=f"{found.scheme}://{found.host_and_port}{found.path.rstrip('/')}",
        shown=shown,
        is_loopback=found.is_loopback,
        proxy=None if found.is_loopback else _proxy_to(f"{found.host}:{found.port}"),
    )


def _proxy_to(host: str) -> Proxy | None:
    """The proxy that the environment names for a remote host, unless it says to go without."""
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
            hint=f"mend it, or leave it out for this host: NO_PROXY={host.rpartition(':')[0]}",
        )
    return Proxy(Secret(address), f"{name}:{port or _PORTS[split.scheme]}")
