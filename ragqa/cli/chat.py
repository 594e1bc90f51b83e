"""`ragqa chat`: questions and follow-ups."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import cache
from typing import TYPE_CHECKING

from ragqa.cli.generation import LLMGiven, writer_for
from ragqa.cli.opening import load_flags
from ragqa.cli.options import Places, Scope, TopK
from ragqa.errors import NotAllowed, RagqaError

if TYPE_CHECKING:
    from ragqa.cli.conversation import Conversation
    from ragqa.cli.lines import PipedLines, TypedLines


def chat(*, scope: Scope, top_k: TopK = None, given: Places, llm: LLMGiven) -> int:
    """Ask questions and follow-ups; a follow-up may depend on the question before ("and why?").

    /help lists the commands of the chat. Without a terminal, the questions are the lines of
    standard input, each is printed before its answer, and the exit code is the highest that any of
    them would have on its own.

    Example: ragqa chat --tag fine-tuning
    """
    from ragqa.cli.lines import PipedLines, TypedLines, is_interactive
    from ragqa.config import history_file
    from ragqa.history import History

    # Report wrong options and settings before the first question.
    loaded = load_flags({**given.flags, "top_k": top_k})
    corpus = loaded.places.corpus
    if scope.within or scope.since or scope.where:
        from ragqa.stores.filters import note_matcher

        note_matcher(scope.filters(corpus))
    writer = writer_for(loaded.settings, llm)
    is_piped = not is_interactive()
    with ExitStack() as stack:

        @cache
        def conversation() -> "Conversation":
            # At the first line, so that slow imports do not delay the prompt.
            from ragqa.cli.conversation import Conversation

            opened = Conversation(loaded, scope, writer, echoes=is_piped)
            return stack.enter_context(closing(opened))

        if is_piped:
            return _run(PipedLines(), conversation)
        typed = TypedLines(History(history_file(loaded.settings, corpus)))
        _run_interactively(typed, conversation)
    return 0


def _run(lines: "PipedLines | TypedLines", conversation: "Callable[[], Conversation]") -> int:
    """Handle each line until the end; an error ends only its own line.

    Returns the highest exit code that any line would have had as a command of its own.
    """
    worst = 0
    while True:
        try:
            line = lines.read()
            code = None if line is None else conversation().handle(line)
        except NotAllowed:
            raise  # every line would end the same way
        except RagqaError as exc:
            from ragqa.render import print_error

            print_error(exc)
            code = exc.exit_code
        if code is None:
            return worst
        worst = max(worst, code)


def _run_interactively(lines: "TypedLines", conversation: "Callable[[], Conversation]") -> None:
    """Like `_run`, but Ctrl-C stops an answer and not the chat."""
    from ragqa.cli.lines import interrupt_once

    while True:
        try:
            interrupt_once()
            _run(lines, conversation)
        except KeyboardInterrupt:
            from ragqa.render import say

            say("Stopped.")
        else:
            return
