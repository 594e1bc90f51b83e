"""What a server says that it is, and whether that is new enough."""

import re

NEEDED = (2, 6, 2)
"""The oldest server that can change one field of a row."""

_LITE = "milvus_lite"
_ANY_PATCH = "9999"
"""What a service that says which Milvus it is compatible with need not name."""


def is_lite(version: str) -> bool:
    """Whether it is Milvus Lite, as a file or a server."""
    return version.startswith(_LITE)


def is_new_enough(version: str) -> bool:
    """Whether a server that says it is of this version can do what is asked of it."""
    if is_lite(version):
        return True
    numbers = re.search(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", version)
    if numbers is None:
        return False
    major, minor, patch = numbers.groups(default=_ANY_PATCH)
    return (int(major), int(minor), int(patch)) >= NEEDED
