"""From notes to passages: cut at token limits without losing or changing a character.

    note -> blocks -> parts (units with their sizes) -> sections -> passages

`tokens` and `token_counter` measure, `parts` and `fitting` make units small enough, `sections`
groups them, `packing` chooses the cuts, `heading_paths` shortens the headings embedded above each
passage, and `split` combines these steps. `note_match` compares a passage with its note.
"""

from ragqa.passages.chunking import Chunking
from ragqa.passages.note_match import all_match_note, matches_note
from ragqa.passages.parts import unit_spans
from ragqa.passages.sections import states_fact
from ragqa.passages.split import split_note

__all__ = [
    "Chunking",
    "all_match_note",
    "matches_note",
    "split_note",
    "states_fact",
    "unit_spans",
]
