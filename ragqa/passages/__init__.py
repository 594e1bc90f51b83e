"""From notes to passages: cut at token limits without losing or changing a character.

    note -> blocks -> parts (units with their sizes) -> sections -> passages

`tokens` measures, `parts` finds the units and the headings embedded above each passage, `sections`
groups them, `packing` divides what is too long and chooses the cuts, and `split` combines these
steps. A question needs only `chunking`, how an index was split.
"""

from ragqa.passages.chunking import Chunking

__all__ = ["Chunking"]
