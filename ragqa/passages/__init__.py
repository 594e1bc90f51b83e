"""From notes to passages: cut at token limits without losing or changing a character.

    note -> blocks -> units -> sections -> passages

`parts` finds the units and the headings above each passage, `tokens` measures them, and `split`
groups them by section, divides what is too long and chooses the cuts. A question needs only
`Chunking`, how an index was split.
"""

from typing import Self

from msgspec import Struct

from ragqa.config import Settings
from ragqa.languages import AUTO

VERSION = 14
"""Raise it with every change of passages or their terms: indexes of other versions are rebuilt."""


class Chunking(Struct, frozen=True):
    """Passage lengths, in tiktoken's cl100k_base tokens.

    `target_tokens` is the length aimed at when a longer section is cut. `language` is that of
    all notes, or `AUTO`.
    """

    target_tokens: int = 140
    language: str = AUTO

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read the settings."""
        return cls(settings.passage_tokens, settings.language)

    @property
    def max_tokens(self) -> int:
        """The most tokens of a passage; the embedder's window may allow fewer."""
        return max(400, 2 * self.target_tokens)

    @property
    def small_tokens(self) -> int:
        """A section below this is small and may be joined with a short neighbour."""
        return self.target_tokens // 5

    def as_mapping(self) -> dict[str, int | str]:
        """The settings and the version, as stored with an index."""
        mapping: dict[str, int | str] = {"version": VERSION, "target_tokens": self.target_tokens}
        language = {} if self.language == AUTO else {"language": self.language}
        return mapping | language
