"""Parse server addresses strictly, so that no two parsers disagree on the host.

The setting `store` is LOCAL, such an address, or a file, and never has a secret.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ragqa.errors import UsageError

HOST = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}"
"""A host's name or IP address, without port and brackets."""

LOCAL = "local"
"""The store that is kept in the folder of its index."""

TOKEN_VARIABLE = "RAGQA_MILVUS_TOKEN"  # noqa: S105 - its name
"""The only source of a server's token."""

LLM_PORTS = {"http": 80, "https": 443}
"""The default port of each scheme of an LLM server."""

_STORE_PORTS = {"http": 19530, "https": 443}
_STORE_HINT = (
    f"give {LOCAL}, or for Milvus https://HOST:PORT/DATABASE, http://… or a file that ends in .db; "
    f"a token goes into {TOKEN_VARIABLE}"
)
_ADDRESS = re.compile(
    rf"(?P<scheme>(?i:https?))://(?P<host>\[[0-9A-Fa-f:.]{{2,45}}\]|(?!\[)(?:{HOST}))"
    r"(:(?P<port>[0-9]{1,5}))?(?P<path>(/[A-Za-z0-9/._~%+@:-]*)?)"
)
_DATABASE = r"(/[A-Za-z_][A-Za-z0-9_]{0,254})?/?"


@dataclass(frozen=True, slots=True)
class Address:
    """A server's address; the port defaults to the scheme's."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_and_port(self) -> str:
        """`HOST:PORT`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def shown(self) -> str:
        """`HOST`, with the port if it is not the scheme's default."""
        return self.host_and_port.removesuffix(f":{LLM_PORTS[self.scheme]}")

    @property
    def url(self) -> str:
        """The address made of its checked parts."""
        return f"{self.scheme}://{self.host_and_port}{self.path.rstrip('/')}"

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
    :raises UsageError: it is not `https://HOST[:PORT][/PATH]`, or the same with `http`.
    """
    match = _ADDRESS.fullmatch(text)
    port = int(match["port"] or 1) if match else 0
    if match is None or not 0 < port < 65536:
        raise UsageError(
            f"{where} must be the plain address of a server that begins with https:// or http://, "
            "without a user name or password",
            hint=hint,
        )
    scheme = match["scheme"].lower()
    host = match["host"].strip("[]").lower()
    return Address(scheme, host, port if match["port"] else ports[scheme], match["path"])


def llm_address(text: str, where: str, *, example: str) -> Address:
    """Parse the address of an LLM server.

    :raises UsageError: it is not `https://HOST…`, or `http://` to this machine.
    """
    hint = f"set {where} to an address such as {example}"
    address = address_of(text, where, ports=LLM_PORTS, hint=hint)
    if address.scheme == "http" and not address.is_loopback:
        raise UsageError(
            f"{where} is http://{address.shown}, which would send your notes unencrypted",
            hint=f"set {where} to an https:// address, or to a server on this machine",
        )
    return address


def checked_store(text: str, where: str) -> str:
    """Normalise where a store is; LOCAL and a file are returned unchanged.

    :param where: its origin, for messages.
    :raises UsageError: it is none of these, or could contain a secret.
    """
    if text == LOCAL or is_file(text):
        return text
    name = f"store in {where}"
    address = address_of(text, name, ports=_STORE_PORTS, hint=_STORE_HINT)
    # pymilvus misreads IPv6.
    if ":" in address.host or not re.fullmatch(_DATABASE, address.path):
        raise UsageError(
            f"{name} may have a host in letters or IPv4, a port and one database, no more",
            hint=_STORE_HINT,
        )
    return address.url


def is_file(store: str) -> bool:
    """Whether a store is a file rather than a server."""
    return store.endswith(".db") and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", store)


def remote_host(store: str) -> str:
    """The `HOST:PORT` of a store on another machine, "" for any other."""
    if store in ("", LOCAL) or is_file(store):
        return ""
    address = address_of(store, "store", ports=_STORE_PORTS, hint=_STORE_HINT)
    return "" if address.is_loopback else address.host_and_port
