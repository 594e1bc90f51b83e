"""`ragqa chat`: questions and follow-ups, typed at a prompt or read from standard input."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from types import FrameType
from typing import TYPE_CHECKING

from ragqa.cli.ask import writer_for
from ragqa.cli.opening import is_interactive, load, open_index
from ragqa.cli.options import Folders, IndexFolder, Scope, TopK, Writing, expanded
from ragqa.errors import NotAllowed, RagqaError

if TYPE_CHECKING:
    from ragqa.cli.conversation import Conversation


@expanded
def chat(
    *,
    scope: Scope,
    top_k: TopK = None,
    corpus: Folders = None,
    index: IndexFolder = None,
    writing: Writing,
) -> int:
    """Ask questions and follow-ups; a follow-up may depend on the question before ("and why?").

    /help lists its commands. Without a terminal, each line of standard input is a question, and
    the exit code is the highest of any of them.

    Example: ragqa chat --tag fine-tuning
    """
    from ragqa.config import history_file
    from ragqa.user_data import QuestionHistory

    # Report wrong options and settings before the first question.
    loaded = load(corpus, index, top_k=top_k)
    history = QuestionHistory(history_file(loaded.settings, loaded.places.corpus))
    if scope.since or scope.until or scope.where:
        from ragqa.index.filters import matcher

        matcher(scope.filters)
    writer = writer_for(loaded.settings, writing)
    types = is_interactive()
    with ExitStack() as stack:

        @cache
        def conversation() -> "Conversation":
            # At the first line, so that slow imports do not delay the prompt.
            from ragqa.cli.conversation import Conversation

            opened = stack.enter_context(open_index(loaded, yes=writing.yes))
            return Conversation(
                index=opened,
                filters=scope.filters,
                writer=writer,
                refreshes=not scope.no_refresh,
                history=history if types else None,
            )

        piped = (line.decode("utf-8", "replace") for line in iter(sys.stdin.buffer.readline, b""))
        lines = _typed_lines(history.read()) if types else piped
        worst = _run(lines, conversation, goes_on=types)
        return 0 if types else worst


def _run(lines: Iterator[str], conversation: "Callable[[], Conversation]", *, goes_on: bool) -> int:
    """Handle each line until the end; return the highest exit code of any of them.

    :param goes_on: whether Ctrl-C stops only an answer, and not the chat.
    """
    worst = 0
    for line in lines:
        try:
            code = conversation().handle(line)
        except NotAllowed:
            raise  # every line would end the same way
        except RagqaError as exc:
            from ragqa.render import print_error

            print_error(exc)
            code = exc.exit_code
        except KeyboardInterrupt:
            if not goes_on:
                raise
            from ragqa.render import say

            say("Stopped.")
            code = 0
        if code is None:
            break
        worst = max(worst, code)
    return worst


def _typed_lines(before: list[str]) -> Iterator[str]:
    """The lines typed at a prompt on stderr until Ctrl-D; the arrow keys give those before."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import InMemoryHistory
    from prompt_toolkit.output import create_output

    class Questions(InMemoryHistory):
        """What the arrow keys offer: questions, and no commands of the chat."""

        def append_string(self, string: str) -> None:
            if not string.lstrip().startswith("/"):
                super().append_string(string)

    session: PromptSession[str] = PromptSession(
        history=Questions(before),
        output=create_output(stdout=sys.stderr),
        placeholder=[("fg:ansibrightblack", "ask your notes; /help lists the commands")],
    )
    while True:
        signal.signal(signal.SIGINT, _interrupt_once)
        try:
            line = session.prompt("> ")
        except EOFError:
            return
        except KeyboardInterrupt:
            if not session.default_buffer.text:
                from ragqa.render import say

                say("To leave: Ctrl-D or /quit.")
        else:
            yield line


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    """Interrupt; a second Ctrl-C must not disturb the cleanup after the first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
