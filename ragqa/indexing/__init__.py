"""Index notes: find what changed, split and embed only that, commit a new generation."""

from ragqa.indexing.refresh import LONG_S, ahead, refresh
from ragqa.indexing.source import (
    Changes,
    Embedders,
    Source,
    check_embedder,
    check_origin,
    find_changes,
    suspects_in,
)

__all__ = [
    "LONG_S",
    "Changes",
    "Embedders",
    "Source",
    "ahead",
    "check_embedder",
    "check_origin",
    "find_changes",
    "refresh",
    "suspects_in",
]
