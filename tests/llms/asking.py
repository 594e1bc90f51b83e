"""How the tests of backends ask."""

import traceback

from support import HANGS_S

from ragqa.errors import RagqaError
from ragqa.llms import Destination, Prompt, bounded

PROMPT = Prompt("Answer in one sentence.", "The capital of France?")
MARKER = "sk-marker-0123456789-abcdefghij"


class Backend:
    """One that does what a function says."""

    destination = Destination("odd:one")

    def __init__(self, pieces):
        self._pieces = pieces

    def stream(self, *_, **__):
        return self._pieces()


def ask(llm, prompt=PROMPT, *, max_tokens=1000, deadline_s=HANGS_S):
    """The completion, and the failure at its end or None."""
    text = ""
    try:
        for piece in bounded(llm, prompt, max_tokens=max_tokens, deadline_s=deadline_s):
            text += piece
    except RagqaError as exc:
        return text, exc
    return text, None


def everything_in(exc):
    """All that a traceback can show of an exception, variables included."""
    shown = traceback.TracebackException.from_exception(exc, capture_locals=True)
    return "".join(shown.format()) + repr(exc) + str(exc) + repr(vars(exc))
