"""Notes to passages: where to cut, measured in tokens, without losing or changing a character.

    note -> blocks -> parts (units with their sizes) -> sections -> passages

`sentences` finds sentences, `tokens` and `token_counter` measure, `parts` and `fitting` make units
small enough, `sections` keeps what belongs together, `packing` chooses the cuts, `heading_paths`
shortens what is embedded above each passage, `split` puts it together; `note_match` compares each
passage with its note.
"""

from ragqa.passages.chunking import Chunking
from ragqa.passages.note_match import all_stand_in, stands_in
from ragqa.passages.parts import unit_spans
from ragqa.passages.sections import states_fact
from ragqa.passages.sentences import sentence_spans
from ragqa.passages.split import split_note

__all__ = [
    "Chunking",
    "all_stand_in",
    "sentence_spans",
    "split_note",
    "stands_in",
    "states_fact",
    "unit_spans",
]
