"""A store's URI: a server or a file, never with a secret."""

import re

from ragqa.errors import UsageError

SUFFIX = ".db"
"""The suffix of a store's file."""

TOKEN_VARIABLE = "RAGQA_MILVUS_TOKEN"  # noqa: S105 - its name
"""The only source of a server's token."""

_PORTS = {"http": 19530, "https": 443}
_HINT = (
    f"give https://HOST:PORT/DATABASE, http://… or a file that ends in {SUFFIX}; "
    f"a token goes into {TOKEN_VARIABLE}"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
_DATABASE = re.compile(r"(/[A-Za-z_][A-Za-z0-9_]{0,254})?/?")


def checked_uri(text: str, where: str) -> str:
    """Normalise a URI; a file or "" is returned unchanged.

    Messages never repeat it, since it may contain a password.

    :param where: its origin, for messages.
    :raises UsageError: it is neither a server nor a file, or could contain a secret.
    """
    if not text or is_file(text):
        return text
    from ragqa.config.addresses import address_of

    name = f"store_uri in {where}"
    if not text.lower().startswith(("http://", "https://")):
        raise UsageError(
            f"{name} must be an address that begins with https:// or http://, "
            f"or a file whose name ends in {SUFFIX}",
            hint=_HINT,
        )
    address = address_of(text, name, ports=_PORTS, hint=_HINT)
    if ":" in address.host:
        raise UsageError(
            f"{name} must name its host in letters or IPv4: pymilvus misreads IPv6",
            hint=_HINT,
        )
    if not _DATABASE.fullmatch(address.path):
        raise UsageError(f"{name} may only name one database after the port", hint=_HINT)
    return f"{address.scheme}://{address.host_and_port}{address.path.rstrip('/')}"


def is_file(uri: str) -> bool:
    """Whether a URI names a file rather than a server."""
    return uri.endswith(SUFFIX) and not _SCHEME.match(uri)


def remote_host(uri: str) -> str:
    """The `HOST:PORT` of a remote server, "" for a local one or a file.

    :raises UsageError: `checked_uri` did not return this URI.
    """
    if not uri or is_file(uri):
        return ""
    from ragqa.config.addresses import address_of

    address = address_of(uri, "store_uri", ports=_PORTS, hint=_HINT)
    return "" if address.is_loopback else address.host_and_port
