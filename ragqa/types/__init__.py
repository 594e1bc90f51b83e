"""The nouns of ragqa: frozen data that one stage hands to the next."""

from ragqa.types.answers import (
    EXTRACTIVE,
    SURE_FROM,
    Answer,
    Citation,
    Disagreement,
    Fallback,
    Reason,
    SearchResult,
    Verdict,
    Written,
    WrittenSentence,
    verdict_of,
)
from ragqa.types.indexes import EmbedderInfo, IndexInfo, IndexReport
from ragqa.types.notes import Block, Kind, Link, Note, NoteFile, NoteRecord, Skipped, Stamp
from ragqa.types.passages import Filters, Hit, Passage, Retrieved, TokenVectors, Unit
from ragqa.types.vectors import Progress, Vector, Vectors
from ragqa.types.verifications import (
    Checked,
    Place,
    SavedAnswer,
    SavedCitation,
    Standing,
    Verification,
)

__all__ = [
    "EXTRACTIVE",
    "SURE_FROM",
    "Answer",
    "Block",
    "Checked",
    "Citation",
    "Disagreement",
    "EmbedderInfo",
    "Fallback",
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
    "Place",
    "Progress",
    "Reason",
    "Retrieved",
    "SavedAnswer",
    "SavedCitation",
    "SearchResult",
    "Skipped",
    "Stamp",
    "Standing",
    "TokenVectors",
    "Unit",
    "Vector",
    "Vectors",
    "Verdict",
    "Verification",
    "Written",
    "WrittenSentence",
    "verdict_of",
]
