"""Measures stretches of a note in the two kinds of token that limit a passage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ragqa.passages import tokens
from ragqa.passages.sentences import Span

CountTokens: TypeAlias = Callable[[Sequence[str]], list[int]]

MIN_ROOM = 12
"""The least tokens that a window must leave beside special tokens and prompt."""

# A tokenizer keeps far more than a count of each text while it works.
_BATCH = 1024


class Size(NamedTuple):
    """Length in tiktoken's tokens and in the embedder's, its special tokens left out."""

    tokens: int
    pieces: int

    def fits(self, limit: "Size") -> bool:
        """Whether this is within the limit in both respects."""
        return self.tokens <= limit.tokens and self.pieces <= limit.pieces

    def plus(self, other: "Size") -> "Size":
        """Both put together."""
        return Size(self.tokens + other.tokens, self.pieces + other.pieces)

    def minus(self, other: "Size") -> "Size":
        """What is left of this without the other."""
        return Size(self.tokens - other.tokens, self.pieces - other.pieces)


@dataclass(frozen=True, slots=True)
class Ruler:
    """Measures one note's text.

    `room` is what the embedder's window leaves beside its special tokens and prompt, which are
    `overhead`. What is over `max_tokens` is cut in any case, so the embedder is spared counting
    it: such a stretch has as many pieces as tokens.
    """

    text: str
    max_tokens: int
    count_tokens: CountTokens
    overhead: int
    room: int

    @classmethod
    def of(cls, text: str, *, max_tokens: int, window: int, count_tokens: CountTokens) -> "Ruler":
        """Make the ruler for a text and a window.

        :raises ValueError: the window is too small for any text.
        """
        overhead = count_tokens([""])[0]
        room = window - overhead
        if room < MIN_ROOM:
            raise ValueError(
                f"a window of {window} tokens, {overhead} of them special, is too small"
            )
        return cls(text, max_tokens, count_tokens, overhead, room)

    def sizes(self, spans: Sequence[Span]) -> list[Size]:
        """Measure each stretch alone."""
        texts = [self.text[start:end] for start, end in spans]
        counts = tokens.count(texts)
        short = [text for text, n in zip(texts, counts, strict=True) if n <= self.max_tokens]
        pieces = iter(self.pieces(short))
        return [Size(n, next(pieces) if n <= self.max_tokens else n) for n in counts]

    def pieces(self, texts: Sequence[str]) -> list[int]:
        """Count each text in the embedder's tokens, special tokens left out."""
        counts: list[int] = []
        for i in range(0, len(texts), _BATCH):
            counts.extend(self.count_tokens(texts[i : i + _BATCH]))
        return [max(0, n - self.overhead) for n in counts]
