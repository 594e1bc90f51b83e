"""A statement: its words, and the figures and dates in it."""

from collections.abc import Iterable
from dataclasses import dataclass

from ragqa.text.dates import Moment
from ragqa.text.quantities import Figure
from ragqa.text.words import Word, compiled

_NOT_NEGATING = (
    r"(?i)\bnot (?:only|just|merely)\b|\bnothing but\b|\bwhether or not\b"
    r"|\bno (?:more|less|fewer|later|earlier) than\b|\bno (?:doubt|matter)\b|\bno\. ?(?=\d)"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A text with its words, figures and dates."""

    text: str
    words: tuple[Word, ...]
    figures: tuple[Figure, ...]
    moments: tuple[Moment, ...]

    @property
    def content_words(self) -> list[int]:
        """Indices of its content words."""
        return [i for i, word in enumerate(self.words) if word.stem]

    @property
    def negators(self) -> list[int]:
        """Indices of its negating words, without "not only", "no more than" and the like."""
        ignored = [found.span() for found in compiled(_NOT_NEGATING).finditer(self.text)]
        return [
            i
            for i, word in enumerate(self.words)
            if word.negates and not any(start <= word.start < end for start, end in ignored)
        ]


def blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with some spans blanked, so that the other offsets stay the same."""
    characters = list(text)
    for start, end in spans:
        characters[start:end] = " " * (end - start)
    return "".join(characters)
