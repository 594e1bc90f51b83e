"""The nouns of ragqa: frozen data that one stage hands to the next."""

from ragqa.types.answers import SURE_FROM, Answer, Citation, Disagreement, SearchResult
from ragqa.types.indexes import EmbedderInfo, IndexInfo, IndexReport
from ragqa.types.notes import Block, Kind, Link, Note, NoteFile, NoteRecord, Skipped, Stamp
from ragqa.types.passages import Filters, Hit, Passage, Retrieved, TokenVectors, Unit
from ragqa.types.vectors import Progress, Vector, Vectors

__all__ = [
    "SURE_FROM",
    "Answer",
    "Block",
    "Citation",
    "Disagreement",
    "EmbedderInfo",
    "Filters",
    "Hit",
    "IndexInfo",
    "IndexReport",
    "Kind",
    "Link",
    "Note",
    "NoteFile",
    "NoteRecord",
    "Passage",
    "Progress",
    "Retrieved",
    "SearchResult",
    "Skipped",
    "Stamp",
    "TokenVectors",
    "Unit",
    "Vector",
    "Vectors",
]
