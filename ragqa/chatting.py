"""A chat: questions that may depend on earlier ones, and commands about the answers."""

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ragqa.errors import UsageError
from ragqa.followups import Turn
from ragqa.search.question import clean_question
from ragqa.types import Answer, Citation

KEPT = 50
"""How many exchanges are remembered."""

COMMANDS = {
    "/next": "the further excerpts in full, then the next ones",
    "/open": "N: open source N in your editor, at its line",
    "/sources": "the sources of the last answer in full",
    "/why": "NOTE: why a note is in the last answer, or is not",
    "/save": "FILE: write the chat as Markdown, which ragqa verify can check",
    "/new": "forget the conversation and change the subject",
    "/help": "list the commands",
    "/quit": "leave (so does Ctrl-D)",
}
"""Each command with its help text."""

_COMMAND = re.compile(r"(/\w*)(?:\s+(.*))?", re.DOTALL)
_CITED = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Command:
    """A command and its argument, "" for none."""

    name: str
    argument: str = ""


def command_in(line: str) -> Command | None:
    """Parse a line as a command; None for a question.

    :raises UsageError: there is no such command.
    """
    found = _COMMAND.fullmatch(line.strip())
    if found is None:
        return None
    name, argument = found[1], (found[2] or "").strip()
    if name not in COMMANDS:
        raise UsageError(f"there is no command {name}", hint="/help lists all commands")
    return Command(name, argument)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question as asked, and its answer, whose `question` stands alone.

    If the user stopped an LLM while it wrote, the answer is the extractive one.
    """

    asked: str
    answer: Answer


Keep = Callable[[Answer], None]


class Chat:
    """The conversation so far.

    :param complete: makes a question stand alone, given the earlier turns.
    :param answer: answers a standalone question, and passes a provisional answer to its last
        argument before any slow step.
    """

    def __init__(
        self,
        complete: Callable[[str, Sequence[Turn]], str],
        answer: Callable[[str, Keep], Answer],
    ) -> None:
        self._complete = complete
        self._answer = answer
        self._exchanges: deque[Exchange] = deque(maxlen=KEPT)

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """The exchanges still remembered, in order."""
        return tuple(self._exchanges)

    @property
    def last(self) -> Answer:
        """The last answer.

        :raises UsageError: there is none.
        """
        if not self._exchanges:
            raise UsageError("nothing has been asked yet", hint="ask a question first")
        return self._exchanges[-1].answer

    def ask(self, question: str, show: Callable[[str], None]) -> Answer:
        """Answer a question and remember both; if interrupted, the last provisional answer.

        :param show: shows a question that was completed before it is answered.
        :raises RagqaError: as `ragqa.followups.stand_alone` and `Index.ask` do.
        """
        asked = clean_question(question)
        turns = [Turn.of(one.asked, one.answer) for one in self._exchanges]
        answers: list[Answer] = []
        completed = self._complete(asked, turns)
        if completed != asked:
            show(completed)
        try:
            answers.append(self._answer(completed, answers.append))
        finally:
            if answers:
                self._exchanges.append(Exchange(asked, answers[-1]))
        return answers[-1]

    def widen(self, further: Sequence[Citation]) -> None:
        """Add the excerpts to the last answer that were shown after it."""
        last = self._exchanges[-1]
        numbers = {one.n for one in last.answer.also}
        new = (one for one in further if one.n not in numbers)
        answer = replace(last.answer, also=(*last.answer.also, *new))
        self._exchanges[-1] = replace(last, answer=answer)

    def forget(self) -> None:
        """Forget the conversation."""
        self._exchanges.clear()


def numbered(exchanges: Sequence[Exchange]) -> Iterator[Exchange]:
    """Number the sources of all exchanges consecutively, so that one list can hold them."""
    before = 0
    for exchange in exchanges:
        yield replace(exchange, answer=_renumbered(exchange.answer, before))
        shown = (*exchange.answer.citations, *exchange.answer.also)
        before += max((one.n for one in shown), default=0)


def _renumbered(answer: Answer, by: int) -> Answer:
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
        also=tuple(replace(one, n=one.n + by) for one in answer.also),
        written=written,
    )
