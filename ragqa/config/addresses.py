"""Parse server addresses strictly, so that no two parsers disagree on the host."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ragqa.errors import UsageError

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")
"""A host's name or IP address, without port and brackets."""

_PATH = re.compile(r"[A-Za-z0-9/._~%+@:-]*")
_ODD = re.compile(r"[^\x21-\x7e]|\\")


@dataclass(frozen=True, slots=True)
class Address:
    """A server's address; the port defaults to the scheme's."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def bracketed(self) -> str:
        """The host as written before a port."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def host_and_port(self) -> str:
        """`HOST:PORT`."""
        return f"{self.bracketed}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def address_of(text: str, where: str, *, ports: Mapping[str, int], hint: str) -> Address:
    """Parse an address; messages never repeat an invalid one, which may contain a password.

    :param where: the setting, for messages.
    :param ports: the default port of each allowed scheme, https and http.
    :raises UsageError: it is not `https://HOST[:PORT][/PATH]`, or the same with `http`.
    """
    try:
        # `urlsplit` would silently drop line breaks.
        split = urlsplit("" if _ODD.search(text) else text)
        host, port = split.hostname or "", split.port
    except ValueError:
        split, host, port = urlsplit(""), "", None
    if "@" in split.netloc:
        raise UsageError(f"{where} may not contain a user name or password", hint=hint)
    if split.scheme not in ports:
        raise UsageError(f"{where} must begin with https:// or http://", hint=hint)
    is_plain = HOST.fullmatch(host) and _PATH.fullmatch(split.path) and port != 0
    if not is_plain or split.query or split.fragment:
        raise UsageError(f"{where} is not the plain address of a server", hint=hint)
    return Address(split.scheme, host, port or ports[split.scheme], split.path)
