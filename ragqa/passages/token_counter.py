"""Measures spans of a note in the two kinds of tokens that limit a passage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ragqa.passages import tokens
from ragqa.types import Span

CountTokens: TypeAlias = Callable[[Sequence[str]], list[int]]

MIN_ROOM = 12
"""The fewest tokens that a window must leave beside special tokens and prompt."""

# Texts per call: a tokenizer holds far more than a count for each.
_BATCH = 1024


class Size(NamedTuple):
    """Length in tiktoken's tokens and in the embedder's (`pieces`), without special tokens."""

    tokens: int
    pieces: int

    def fits(self, limit: "Size") -> bool:
        """Whether both lengths are within the limit."""
        return self.tokens <= limit.tokens and self.pieces <= limit.pieces

    def plus(self, other: "Size") -> "Size":
        """The sum of both."""
        return Size(self.tokens + other.tokens, self.pieces + other.pieces)

    def minus(self, other: "Size") -> "Size":
        """The difference of both."""
        return Size(self.tokens - other.tokens, self.pieces - other.pieces)


@dataclass(frozen=True, slots=True)
class Ruler:
    """Measures one note's text.

    `overhead` is the length of the embedder's special tokens and prompt, `room` the rest of its
    window. A span over `max_tokens` is cut in any case, so the embedder does not count it: its
    pieces are taken to equal its tokens.
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
        """Measure each span alone; returns one size per span."""
        texts = [self.text[start:end] for start, end in spans]
        counts = tokens.count(texts)
        short = [text for text, n in zip(texts, counts, strict=True) if n <= self.max_tokens]
        pieces = iter(self.pieces(short))
        return [Size(n, next(pieces) if n <= self.max_tokens else n) for n in counts]

    def pieces(self, texts: Sequence[str]) -> list[int]:
        """Count the embedder's tokens of each text, without special tokens."""
        counts: list[int] = []
        for i in range(0, len(texts), _BATCH):
            counts.extend(self.count_tokens(texts[i : i + _BATCH]))
        return [max(0, n - self.overhead) for n in counts]
