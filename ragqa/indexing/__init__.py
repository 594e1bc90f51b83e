"""Index notes: find what changed, split and embed only that, commit a new generation."""

from ragqa.indexing.changes import Changes, find_changes
from ragqa.indexing.refresh import refresh
from ragqa.indexing.source import Embedders, Source, check_embedder, check_origin

__all__ = [
    "Changes",
    "Embedders",
    "Source",
    "check_embedder",
    "check_origin",
    "find_changes",
    "refresh",
]
