"""Where a backend sends: an address that is checked before anything is sent to it."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ragqa.errors import UsageError
from ragqa.llms.secrets import Secret

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")
_PATH = re.compile(r"[A-Za-z0-9/._~%+@:-]*")
_ODD = re.compile(r"[^\x21-\x7e]|\\")
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
    scheme, host, port, path = _parts(address, where, example)
    is_loopback = _is_loopback(host)
    shown_host = f"[{host}]" if ":" in host else host
    shown = shown_host if port == _PORTS[scheme] else f"{shown_host}:{port}"
    if scheme == "http" and not is_loopback:
        raise UsageError(
            f"{where} is http://{shown}, which would send your notes readable for anyone between",
            hint=f"set {where} to an https:// address, or to a server on this machine",
        )
    return Server(
        url=f"{scheme}://{shown_host}:{port}{path.rstrip('/')}",
        shown=shown,
        is_loopback=is_loopback,
        proxy=None if is_loopback else _proxy_to(f"{host}:{port}"),
    )


def _parts(address: str, where: str, example: str) -> tuple[str, str, int, str]:
    hint = f"set {where} to an address such as {example}"
    # A wrong address is not repeated in a message: it may hold a password.
    try:
        # `urlsplit` would drop line breaks without a word.
        split = urlsplit("" if _ODD.search(address) else address)
        host, port = split.hostname or "", split.port
    except ValueError:
        split, host, port = urlsplit(""), "", None
    if "@" in split.netloc:
        raise UsageError(f"{where} may not hold a user name or password", hint=hint)
    if split.scheme not in _PORTS:
        raise UsageError(f"{where} must begin with https:// or http://", hint=hint)
    is_plain = _HOST.fullmatch(host) and _PATH.fullmatch(split.path) and port != 0
    if not is_plain or split.query or split.fragment:
        raise UsageError(f"{where} is not the plain address of a server", hint=hint)
    return split.scheme, host, port or _PORTS[split.scheme], split.path


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
    if split.scheme not in _PORTS or not _HOST.fullmatch(name):
        raise UsageError(
            "the environment's HTTPS_PROXY is not an http:// or https:// address",
            hint=f"mend it, or leave it out for this host: NO_PROXY={host.rpartition(':')[0]}",
        )
    return Proxy(Secret(address), f"{name}:{port or _PORTS[split.scheme]}")
