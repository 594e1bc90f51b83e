"""The URI of a store: a server or a file, and never a secret."""

import re

from ragqa.errors import UsageError

SUFFIX = ".db"
"""What the name of a store's file ends in."""

TOKEN_VARIABLE = "RAGQA_MILVUS_TOKEN"  # noqa: S105 - its name
"""The one place that a server's token comes from."""

_PORTS = {"http": 19530, "https": 443}
_HINT = (
    f"give https://HOST:PORT/DATABASE, http://… or a file that ends in {SUFFIX}; "
    f"a token goes into {TOKEN_VARIABLE}"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
_DATABASE = re.compile(r"(/[A-Za-z_][A-Za-z0-9_]{0,254})?/?")


def checked_uri(text: str, where: str) -> str:
    """The URI in the one way of writing it; a file as it was given, "" for none.

    It is not repeated in a message: it may hold a password.

    :param where: what gives it, for messages.
    :raises UsageError: it is neither, or holds what could be a secret.
    """
    if not text or is_file(text):
        return text
    from ragqa.config.addresses import address_of

    said = f"store_uri in {where}"
    if not text.lower().startswith(("http://", "https://")):
        raise UsageError(
            f"{said} must be an address that begins with https:// or http://, "
            f"or a file whose name ends in {SUFFIX}",
            hint=_HINT,
        )
    address = address_of(text, said, ports=_PORTS, hint=_HINT)
    if ":" in address.host:
        raise UsageError(
            f"{said} must name its host in letters or IPv4: pymilvus misreads IPv6",
            hint=_HINT,
        )
    if not _DATABASE.fullmatch(address.path):
        raise UsageError(f"{said} may name one database behind the port, and no more", hint=_HINT)
    return f"{address.scheme}://{address.host_and_port}{address.path.rstrip('/')}"


def is_file(uri: str) -> bool:
    """Whether a URI names a file, and not a server."""
    return uri.endswith(SUFFIX) and not _SCHEME.match(uri)


def remote_host(uri: str) -> str:
    """`HOST:PORT` of a server that is not on this machine, "" for others and for a file.

    :raises UsageError: it is no URI that `checked_uri` has given.
    """
    if not uri or is_file(uri):
        return ""
    from ragqa.config.addresses import address_of

    address = address_of(uri, "store_uri", ports=_PORTS, hint=_HINT)
    return "" if address.is_loopback else address.host_and_port
