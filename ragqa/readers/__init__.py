"""Readers score two texts together: the `Reader` protocol and its kinds.

An embedder reads each text alone. A reader reads a question with a passage, or a statement with
its source, and detects what two separate vectors cannot: that a passage is on topic but does not
answer, or says the opposite.

To add one: write a class with the four members below in a module of this folder, name it in
`reader_for`, and run `pytest tests/contracts/test_reader_contract.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ragqa.errors import UsageError

NEUTRAL = "neutral"
"""The reader that does nothing: only the embedder and words count."""


@dataclass(frozen=True, slots=True)
class Text:
    """A passage to read: its headings, its text, and the spans of its sentences in the text.

    Sentences may overlap and need not cover the text.
    """

    headings: str
    text: str
    sentences: tuple[tuple[int, int], ...] = ()

    @property
    def whole(self) -> str:
        """Headings and text, joined."""
        return f"{self.headings}\n{self.text}" if self.headings else self.text


class Reader(Protocol):
    """Reads two texts together; equal pairs always get equal scores."""

    @property
    def name(self) -> str:
        """Its name in settings and messages."""
        ...

    @property
    def ranks(self) -> bool:
        """Whether it can rank sentences as answers to a question."""
        ...

    @property
    def judges(self) -> bool:
        """Whether it can judge if a text supports a statement."""
        ...

    def score(self, question: str, texts: Sequence[Text]) -> list[list[float]]:
        """How well each sentence of each text answers; higher is better.

        Returns a list per text with a score per sentence. Scores of one call are comparable, also
        across texts.

        :raises IndexUnusable: the model's files are damaged.
        :raises ValueError: this reader does not rank.
        """
        ...

    def supports(self, statement: str, texts: Sequence[Text]) -> list[float]:
        """For each text, the probability, 0 to 1, that it supports the statement.

        :raises IndexUnusable: the model's files are damaged.
        :raises ValueError: this reader does not judge.
        """
        ...


class Neutral:
    """Reads nothing: answers depend on the embedder and on words alone."""

    name = NEUTRAL
    ranks = False
    judges = False

    def score(self, question: str, texts: Sequence[Text]) -> list[list[float]]:
        """Raise ValueError."""
        del question, texts
        raise ValueError("the neutral reader ranks nothing")

    def supports(self, statement: str, texts: Sequence[Text]) -> list[float]:
        """Raise ValueError."""
        del statement, texts
        raise ValueError("the neutral reader judges nothing")


def reader_for(spec: str) -> Reader:
    """Open the reader that a setting names: `neutral`, or a model's folder.

    :raises UsageError: there is no such folder, no usable model in it, or it is not prepared.
    """
    if spec == NEUTRAL:
        return Neutral()
    from ragqa.readers.cross_encoder import find_reader, open_export

    found = find_reader(spec)
    reader = open_export(found)
    if reader is None:
        raise UsageError(f"the model in {found.path} is not prepared", hint="ragqa index")
    return reader


def available(spec: str) -> tuple[Reader, list[str]]:
    """The reader that a setting names; if it cannot be used, the neutral one and a warning."""
    try:
        return reader_for(spec), []
    except UsageError as exc:
        return Neutral(), [f"answered without a reader: {exc.message}; to change that: {exc.hint}"]


def prepare(spec: str) -> None:
    """Prepare the model that a setting names for questions, unless it is ready.

    :raises UsageError: there is no such folder, or no model in it that can be prepared.
    """
    if spec != NEUTRAL:
        from ragqa.readers.cross_encoder import find_reader, open_export

        found = find_reader(spec)
        if open_export(found) is None:
            from ragqa.readers.export import export

            export(found)


def prepared(spec: str) -> Reader:
    """Prepare and open the reader that a setting names; raises as `prepare`."""
    prepare(spec)
    return reader_for(spec)
