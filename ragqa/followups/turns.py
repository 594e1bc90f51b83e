"""What is kept of a question and its answer, for those that follow it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from ragqa.types import Answer


@dataclass(frozen=True, slots=True)
class Turn:
    """A question as it was read, standing alone, and where its answer came from.

    `headings` are those of the notes cited, title first, and `quotes` is what is cited; both are
    empty where there was no answer. `leant` is whether the question took something from those
    before it.
    """

    question: str
    headings: tuple[tuple[str, ...], ...] = ()
    quotes: tuple[str, ...] = ()
    leant: bool = False

    @classmethod
    def of(cls, asked: str, answer: Answer) -> Self:
        """What is kept of a question, as it was asked at first, and its answer."""
        return cls(
            answer.looked_for,
            tuple(one.heading for one in answer.citations),
            tuple(one.quote for one in answer.citations),
            leant=asked != answer.question,
        )


def context(turns: Sequence[Turn]) -> list[Turn]:
    """The turns that a question may lean on: those that were answered.

    One that was not answered and stood alone spoke of something that the notes do not have: what
    follows it does not go back to what was spoken of before.
    """
    kept: list[Turn] = []
    for turn in turns:
        if turn.quotes:
            kept.append(turn)
        elif not turn.leant:
            kept.clear()
    return kept
