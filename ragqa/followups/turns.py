"""What is kept of a question that was answered, for those that follow it."""

from dataclasses import dataclass
from typing import Self

from ragqa.types import Answer


@dataclass(frozen=True, slots=True)
class Turn:
    """A question as it was asked, standing alone, and where its answer came from.

    `headings` are those of the notes cited, title first, or of the nearest passage where there was
    no answer; `quotes` is what is cited.
    """

    question: str
    headings: tuple[tuple[str, ...], ...] = ()
    quotes: tuple[str, ...] = ()

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """What is kept of an answer."""
        headings = [citation.heading for citation in answer.citations]
        if not headings:
            headings = [hit.passage.heading for hit in answer.hits[:1]]
        return cls(answer.question, tuple(headings), tuple(one.quote for one in answer.citations))
