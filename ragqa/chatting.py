"""What a chat understands: its commands, and the exchanges that can be saved."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ragqa.errors import UsageError
from ragqa.followups import Exchange
from ragqa.types import Answer

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


def command_in(line: str) -> tuple[str, str] | None:
    """The command that a line is, and its argument, "" for none; None for a question.

    :raises UsageError: there is no such command.
    """
    found = _COMMAND.fullmatch(line.strip())
    if found is None:
        return None
    name, argument = found[1], (found[2] or "").strip()
    if name not in COMMANDS:
        raise UsageError(f"there is no command {name}", hint="/help lists all commands")
    return name, argument


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
