"""Index notes: find what changed, split and embed only that, commit a new generation."""

from ragqa.indexing.changes import Changes, find_changes, suspects_in
from ragqa.indexing.pace import LONG_S, ahead
from ragqa.indexing.refresh import refresh
from ragqa.indexing.source import Embedders, Source, check_embedder, check_origin

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
