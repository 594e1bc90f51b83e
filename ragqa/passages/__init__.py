"""From notes to passages: cut at token limits without losing or changing a character.

    note -> blocks -> parts (units with their sizes) -> sections -> passages

`tokens` measures, `parts` finds the units and the headings embedded above each passage, `sections`
groups them, `packing` divides what is too long and chooses the cuts, and `split` combines these
steps. It also compares a passage with its note.
"""

from ragqa.passages.parts import unit_spans
from ragqa.passages.sections import states_fact
from ragqa.passages.split import Chunking, all_match_note, matches_note, split_note

__all__ = [
    "Chunking",
    "all_match_note",
    "matches_note",
    "split_note",
    "states_fact",
    "unit_spans",
]
