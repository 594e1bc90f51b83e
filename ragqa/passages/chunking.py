"""The settings that decide where passages begin and end."""

from dataclasses import dataclass
from typing import Self

from ragqa.config import Settings

VERSION = 3
"""Raised with every change of passages or of their terms: an index with another is built anew."""


@dataclass(frozen=True, slots=True)
class Chunking:
    """How long passages are, in tiktoken's cl100k_base tokens.

    `target_tokens` is the length of the passages that a longer section is cut into. With `secrets`
    values of front matter are read whose keys say that they are secret.
    """

    target_tokens: int = 140
    secrets: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings say."""
        let_in = settings.secret_front_matter == "index"  # noqa: S105 - no secret, a choice
        return cls(settings.passage_tokens, secrets=let_in)

    @property
    def max_tokens(self) -> int:
        """What no passage exceeds; the embedder's window may allow less."""
        return max(400, 2 * self.target_tokens)

    @property
    def small_tokens(self) -> int:
        """Below this a section is small, and is put together with a neighbour that is short too."""
        return self.target_tokens // 5

    def as_mapping(self) -> dict[str, int]:
        """The settings and the version, as kept with an index."""
        secrets = {"secrets": 1} if self.secrets else {}
        return {"version": VERSION, "target_tokens": self.target_tokens} | secrets
