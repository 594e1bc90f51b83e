"""Index notes: find what changed, split and embed only that, commit a new generation."""

from ragqa.indexing.building import refresh, repair
from ragqa.indexing.source import (
    Changes,
    Embedders,
    Source,
    ahead,
    check_embedder,
    check_origin,
    find_changes,
)

__all__ = [
    "Changes",
    "Embedders",
    "Source",
    "ahead",
    "check_embedder",
    "check_origin",
    "find_changes",
    "refresh",
    "repair",
]
