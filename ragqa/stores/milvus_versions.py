"""Check the version that a server reports."""

import re

NEEDED = (2, 6, 2)
"""The oldest version that supports partial updates of a row."""

_LITE = "milvus_lite"
_ANY_PATCH = "9999"
"""The patch level assumed if a compatible service reports none."""


def is_lite(version: str) -> bool:
    """Whether it is Milvus Lite, as a file or a server."""
    return version.startswith(_LITE)


def is_new_enough(version: str) -> bool:
    """Whether a server that reports this version is new enough."""
    if is_lite(version):
        return True
    numbers = re.search(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", version)
    if numbers is None:
        return False
    major, minor, patch = numbers.groups(default=_ANY_PATCH)
    return (int(major), int(minor), int(patch)) >= NEEDED
