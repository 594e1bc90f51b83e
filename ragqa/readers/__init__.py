"""Question and passage read together: the `Reader` protocol and the kinds of reader there are.

An embedder reads each text alone. A reader reads a question with a passage, or a statement with
what it rests on, and sees what two lone vectors cannot: that the passage is on the subject and
does not say what is asked for, or says the opposite.

To add one: write a class with the four members below in a module of this folder, name it in
`reader_for`, and run `pytest tests/contracts/test_reader_contract.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

NEUTRAL = "neutral"
"""The reader that says nothing, so that the embedder's figures and words alone tell."""


@dataclass(frozen=True, slots=True)
class Text:
    """A passage as it is read: its headings, its text, and the spans of its sentences in the text.

    Sentences may overlap, and need not be all that the text holds.
    """

    headings: str
    text: str
    sentences: tuple[tuple[int, int], ...] = ()

    @property
    def whole(self) -> str:
        """Headings and text, as one."""
        return f"{self.headings}\n{self.text}" if self.headings else self.text


class Reader(Protocol):
    """Reads two texts together; the same two always give the same figures."""

    @property
    def name(self) -> str:
        """What it is called in settings and messages."""
        ...

    @property
    def ranks(self) -> bool:
        """Whether it can tell which sentences answer a question."""
        ...

    @property
    def judges(self) -> bool:
        """Whether it can tell whether a text supports a statement."""
        ...

    def score(self, question: str, texts: Sequence[Text]) -> list[list[float]]:
        """How well each sentence of each text answers, higher being better.

        The figures of one call can be compared with each other, also across texts. Each inner list
        is as long as its text has sentences.

        :raises IndexUnusable: the model's files are damaged.
        :raises ValueError: this reader does not rank.
        """
        ...

    def supports(self, statement: str, texts: Sequence[Text]) -> list[float]:
        """The probability, 0 to 1, that each text supports a statement.

        :raises IndexUnusable: the model's files are damaged.
        :raises ValueError: this reader does not judge.
        """
        ...


class Neutral:
    """Says nothing of any text: answers are told by the embedder and by words alone."""

    name = NEUTRAL
    ranks = False
    judges = False

    def score(self, question: str, texts: Sequence[Text]) -> list[list[float]]:
        """It does not rank."""
        del question, texts
        raise ValueError("the neutral reader ranks nothing")

    def supports(self, statement: str, texts: Sequence[Text]) -> list[float]:
        """It does not judge."""
        del statement, texts
        raise ValueError("the neutral reader judges nothing")


def reader_for(spec: str) -> Reader:
    """The reader that a setting names: `neutral`, or the folder of a model.

    Where the model was not made ready yet (`prepare`) that is said, and it is the neutral one.

    :raises UsageError: there is no such folder, or no model in it that can be read with.
    """
    if spec == NEUTRAL:
        return Neutral()
    from ragqa.readers.cross_encoder import open_cross_encoder

    return open_cross_encoder(spec)


def is_ready(spec: str) -> bool:
    """Whether the reader that a setting names can be used at once; raises as `reader_for`."""
    if spec == NEUTRAL:
        return True
    from ragqa.readers.cross_encoder import open_export
    from ragqa.readers.folder import find_reader

    return open_export(find_reader(spec)) is not None


def prepare(spec: str) -> None:
    """Make the model that a setting names ready for questions; nothing where it is.

    :raises UsageError: as `reader_for`.
    """
    if not is_ready(spec):
        from ragqa.readers.export import export_once

        export_once(spec)
