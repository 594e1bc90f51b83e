"""A chat: questions of which each may lean on the ones before, and commands about the answers."""

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ragqa.api.follow_ups import FollowUp
from ragqa.errors import UsageError
from ragqa.followups import Turn
from ragqa.retrieval import clean_question
from ragqa.types import Answer

KEPT = 50
"""So many questions with their answers are remembered."""

COMMANDS = {
    "/sources": "[N]: the sources of the last answer in full; with N, where source N stands",
    "/why": "NOTE: why a note is in the last answer, or is not",
    "/save": "FILE: write the chat as Markdown, which ragqa verify can check",
    "/new": "forget what was said, to speak of something else",
    "/help": "list the commands",
    "/quit": "leave (so does Ctrl-D)",
}
"""What can be said beside questions, and what it does."""

_COMMAND = re.compile(r"(/\w*)(?:\s+(.*))?", re.DOTALL)
_CITED = re.compile(r"(?<!\S)\[(\d+)\](?!\S)")


@dataclass(frozen=True, slots=True)
class Command:
    """A command with what stands behind it, "" for nothing."""

    name: str
    argument: str = ""


def command_in(line: str) -> Command | None:
    """The command that a line is; None for a question.

    :raises UsageError: there is no such command.
    """
    found = _COMMAND.fullmatch(line.strip())
    if found is None:
        return None
    name, argument = found[1], (found[2] or "").strip()
    if name not in COMMANDS:
        raise UsageError(f"there is no command {name}", hint="/help lists those that there are")
    return Command(name, argument)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question as it was asked, and its answer, whose own question stands alone.

    Where it was stopped while an LLM wrote, the answer is the one in the notes' own words.
    """

    asked: str
    answer: Answer


Keep = Callable[[Answer], None]


class Chat:
    """What was said so far.

    Both functions call their last argument with each answer that they have meanwhile, before what
    may take long.

    :param complete: makes a question stand alone, given the turns before it.
    :param answer: answers a question that stands alone.
    """

    def __init__(
        self,
        complete: Callable[[str, Sequence[Turn], Keep], FollowUp],
        answer: Callable[[FollowUp, Keep], Answer],
    ) -> None:
        self._complete = complete
        self._answer = answer
        self._exchanges: deque[Exchange] = deque(maxlen=KEPT)

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """What was said and is still remembered, in order."""
        return tuple(self._exchanges)

    @property
    def last(self) -> Answer:
        """The last answer.

        :raises UsageError: there is none.
        """
        if not self._exchanges:
            raise UsageError("nothing has been asked yet", hint="ask a question first")
        return self._exchanges[-1].answer

    def ask(self, question: str, show: Callable[[FollowUp], None]) -> Answer:
        """Answer a question and remember both, even where this is stopped and there is an answer.

        :param show: shows the question as it stands alone, before it is answered.
        :raises RagqaError: as `ragqa.api.follow_up` and `Index.ask` do.
        """
        asked = clean_question(question)
        turns = [Turn.of(one.asked, one.answer) for one in self._exchanges]
        answers: list[Answer] = []
        try:
            follow_up = self._complete(asked, turns, answers.append)
            show(follow_up)
            answers.append(self._answer(follow_up, answers.append))
        finally:
            if answers:
                self._exchanges.append(Exchange(asked, answers[-1]))
        return answers[-1]

    def forget(self) -> None:
        """Forget what was said."""
        self._exchanges.clear()


def numbered(exchanges: Sequence[Exchange]) -> Iterator[Exchange]:
    """The exchanges with their sources numbered throughout, so that one list can hold them all."""
    before = 0
    for exchange in exchanges:
        yield replace(exchange, answer=_shifted(exchange.answer, before))
        before += max((one.n for one in exchange.answer.citations), default=0)


def _shifted(answer: Answer, by: int) -> Answer:
    numbers = {citation.n for citation in answer.citations}

    def shift(found: re.Match[str]) -> str:
        n = int(found[1])
        return f"[{n + by}]" if n in numbers else found[0]

    written = answer.written
    if written is not None:
        sentences = [
            replace(one, citations=tuple(n + by for n in one.citations))
            for one in written.sentences
        ]
        written = replace(written, sentences=tuple(sentences))
    return replace(
        answer,
        text=_CITED.sub(shift, answer.text),
        citations=tuple(replace(one, n=one.n + by) for one in answer.citations),
        written=written,
    )
