"""Readers score two texts together; the one here is neutral, the user's is on ONNX Runtime.

Two vectors cannot tell that a passage is on topic but does not answer, or says the opposite.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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


class Reader:
    """The neutral reader, and what others override; equal pairs always get equal scores.

    :ivar name: its name in settings and messages.
    :ivar ranks: whether it can rank sentences as answers to a question.
    :ivar judges: whether it can judge if a text supports a statement.
    """

    name: str = NEUTRAL
    ranks: bool = False
    judges: bool = False

    def score(self, question: str, texts: Sequence[Text]) -> list[list[float]]:
        """How well each sentence of each text answers; higher is better.

        Returns a list per text with a score per sentence. Scores of one call are comparable, also
        across texts.

        :raises IndexUnusable: the model's files are damaged.
        :raises ValueError: this reader does not rank.
        """
        del question, texts
        raise ValueError(f"{self.name} does not rank sentences")

    def supports(self, statement: str, texts: Sequence[Text]) -> list[float]:
        """For each text, the probability, 0 to 1, that it supports the statement.

        :raises IndexUnusable: the model's files are damaged.
        :raises ValueError: this reader does not judge.
        """
        del statement, texts
        raise ValueError(f"{self.name} does not judge statements")


def reader_for(spec: str) -> Reader:
    """Open the reader that a setting names: `neutral`, or a model's folder.

    :raises UsageError: there is no such folder, no usable model in it, or it is not prepared.
    """
    if spec == NEUTRAL:
        return Reader()
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
        return Reader(), [f"answered without a reader: {exc.message}; to change that: {exc.hint}"]


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
