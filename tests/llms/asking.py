"""How the tests of backends ask."""

import traceback

from support import HANGS_S

from ragqa.errors import RagqaError
from ragqa.llms import Destination, Prompt
from ragqa.llms.http import make
from ragqa.llms.limits import bounded

PROMPT = Prompt("Answer in one sentence.", "The capital of France?")
MARKER = "sk-marker-0123456789-abcdefghij"


class Backend:
    """One that does what a function says."""

    destination = Destination("odd:one")

    def __init__(self, pieces):
        self._pieces = pieces

    def stream(self, *_, **__):
        return self._pieces()


def made(kind, *, model="tiny", url=""):
    """The backend of this kind."""
    return make(kind, model, url)


def ask(llm, prompt=PROMPT, *, max_tokens=1000, deadline_s=HANGS_S):
    """The completion in pieces, and the failure at its end or None."""
    pieces = []
    given = bounded(llm, prompt, max_tokens=max_tokens, deadline_s=deadline_s)
    try:
        pieces.extend(given)
    except RagqaError as exc:
        return pieces, exc
    return pieces, None


def ask_until_heard(llm, server):
    """The failure at a deadline that was long enough for a server to have heard the question."""
    for deadline_s in (0.2, 2, 20, 200):
        failure = ask(llm, deadline_s=deadline_s)[1]
        if server.requests:
            return failure
    raise AssertionError("the server was never asked")


def everything_in(exc):
    """All that a traceback can show of an exception, variables included."""
    shown = traceback.TracebackException.from_exception(exc, capture_locals=True)
    return "".join(shown.format()) + repr(exc) + str(exc) + repr(vars(exc))
