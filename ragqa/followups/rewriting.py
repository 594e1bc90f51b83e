"""Make a follow-up stand alone with an LLM, and validate what it writes."""

from collections.abc import Sequence
from contextlib import closing

from ragqa.errors import TookTooLong, UsageError
from ragqa.followups.turns import Turn
from ragqa.llms import LLM, Prompt
from ragqa.llms.limits import bounded
from ragqa.retrieval import clean_question
from ragqa.text.words import query_terms

MAX_CHARS = 300
"""A longer rewriting is rejected."""

SHARE = 1 / 4
MAX_SECONDS = 20
"""Rewriting may take this share of the time for a question, and this many seconds at most."""

_TURNS = 3
_INSTRUCTIONS = """\
Rewrite the last question so that it can be understood without the questions before it. Keep its
meaning and its language, and add nothing that was not asked. If it can be understood already,
repeat it. Write the question alone, on one line. Do not answer it.
"""


class NotRewritten(Exception):
    """What an LLM wrote is not the question rewritten; the message says why."""


def seconds_for(deadline_s: float) -> float:
    """The seconds that rewriting may take, of those for the question and its answer."""
    return min(SHARE * deadline_s, MAX_SECONDS)


def rewritten(
    question: str, turns: Sequence[Turn], llm: LLM, *, max_tokens: int, deadline_s: float
) -> str:
    """Have an LLM rewrite the question to stand alone, on one line.

    Only the questions of the last turns are sent, and nothing from the notes.

    :param max_tokens: the limit on what it writes, including its reasoning.
    :param deadline_s: the seconds for the question and its answer; rewriting may take a share.
    :raises BackendFailed: the LLM failed.
    :raises NotRewritten: what it wrote is not this question rewritten.
    """
    asked = [turn.question for turn in turns[-_TURNS:]]
    lines = [*(f"Before: {one[:MAX_CHARS]}" for one in asked), f"Last question: {question}"]
    said = _said(llm, Prompt(_INSTRUCTIONS, "\n".join(lines)), max_tokens, seconds_for(deadline_s))
    # Some models put quotation marks around the line.
    said = said.strip().strip("\"'\u201c\u201d`").strip()
    if len(said) > MAX_CHARS or "\n" in said:
        raise NotRewritten("it wrote more than a question")
    try:
        completed = clean_question(said)
    except UsageError as exc:
        raise NotRewritten("it wrote no question") from exc
    new = [term for term in query_terms(completed) if term not in _terms([*asked, question])]
    if 2 * len(new) > len(query_terms(completed)):
        raise NotRewritten("it wrote about something else")
    return completed


def _said(llm: LLM, prompt: Prompt, max_tokens: int, seconds: float) -> str:
    """What the LLM writes, stopped once it is too long for a question."""
    said = ""
    pieces = bounded(
        llm,
        prompt,
        max_tokens=max_tokens,
        deadline_s=seconds,
    )
    try:
        with closing(pieces):
            for piece in pieces:
                said += piece
                if len(said) > 2 * MAX_CHARS:
                    raise NotRewritten("it wrote more than a question")
    except TookTooLong as exc:
        # There is time left for the answer.
        raise NotRewritten(f"it was not done within {seconds:g} s") from exc
    return said


def _terms(texts: Sequence[str]) -> frozenset[str]:
    return frozenset(term for text in texts for term in query_terms(text))
