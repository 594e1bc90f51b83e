"""Make a follow-up stand alone with an LLM, whose answer is held to be what it should be."""

from collections.abc import Sequence

from ragqa.analysis import query_terms
from ragqa.errors import UsageError
from ragqa.followups.turns import Turn
from ragqa.llms import LLM, Prompt
from ragqa.llms.limits import bounded
from ragqa.retrieval import clean_question

MAX_CHARS = 300
"""A longer rewriting is none."""

_MAX_TOKENS = 100
_TURNS = 3
_INSTRUCTIONS = """\
Rewrite the last question so that it can be understood without the questions before it. Keep its
meaning and its language, and add nothing that was not asked. If it can be understood already,
repeat it. Write the question alone, on one line. Do not answer it.
"""


class NotRewritten(Exception):
    """What an LLM wrote is not the question rewritten; says why."""


def rewritten(question: str, turns: Sequence[Turn], llm: LLM, deadline_s: float) -> str:
    """The question as an LLM makes it stand alone, on one line.

    Only the questions of the last turns are sent, nothing of the notes.

    :raises BackendFailed: the LLM failed.
    :raises NotRewritten: what it wrote is not this question rewritten.
    """
    asked = [turn.question for turn in turns[-_TURNS:]]
    lines = [*(f"Before: {one[:MAX_CHARS]}" for one in asked), f"Last question: {question}"]
    pieces = bounded(
        llm,
        Prompt(_INSTRUCTIONS, "\n".join(lines)),
        max_tokens=_MAX_TOKENS,
        deadline_s=deadline_s,
        max_chars=2 * MAX_CHARS,
    )
    # Some put quotation marks around a line that they are asked for.
    said = "".join(pieces).strip().strip("\"'\u201c\u201d`").strip()
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


def _terms(texts: Sequence[str]) -> frozenset[str]:
    return frozenset(term for text in texts for term in query_terms(text))
