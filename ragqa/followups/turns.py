"""What is kept of a question and its answer for follow-up questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from ragqa.types import Answer


@dataclass(frozen=True, slots=True)
class Turn:
    """A question in its self-contained form, and the sources of its answer.

    `headings` are those of the notes cited, title first, and `quotes` the texts cited; both are
    empty if there was no answer. `used_context` is whether the question was completed from those
    before it.
    """

    question: str
    headings: tuple[tuple[str, ...], ...] = ()
    quotes: tuple[str, ...] = ()
    used_context: bool = False

    @classmethod
    def of(cls, asked: str, answer: Answer) -> Self:
        """Make a turn of an answer and its question as first asked."""
        return cls(
            answer.looked_for,
            tuple(one.heading for one in answer.citations),
            tuple(one.quote for one in answer.citations),
            used_context=asked != answer.question,
        )


def context(turns: Sequence[Turn]) -> list[Turn]:
    """The turns that a question may depend on: those that were answered.

    An unanswered question that stood alone changed the topic to something the notes lack, so
    follow-ups do not refer to the turns before it.
    """
    kept: list[Turn] = []
    for turn in turns:
        if turn.quotes:
            kept.append(turn)
        elif not turn.used_context:
            kept.clear()
    return kept
