"""`ragqa chat`: questions and follow-ups."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from ragqa.cli.generation import LLMOptions, writer_for
from ragqa.cli.opening import load_flags
from ragqa.cli.options import Scope, grouped_options, parse_since
from ragqa.errors import NotAllowed, RagqaError

if TYPE_CHECKING:
    from ragqa.cli.conversation import Conversation
    from ragqa.cli.lines import PipedLines, TypedLines


@grouped_options()
def chat(*, scope: Scope, llm: LLMOptions) -> int:
    """Ask questions and follow-ups; a follow-up may depend on the question before ("and why?").

    /help lists the commands of the chat. Without a terminal, the questions are the lines of
    standard input, and the exit code is the highest that any of them would have on its own.

    Example: ragqa chat --tag fine-tuning
    """
    from ragqa.cli.lines import PipedLines, TypedLines, is_interactive

    # Report wrong options and settings before the first question.
    parse_since(scope.since)
    loaded = load_flags({**scope.given.flags, "top_k": scope.top_k})
    asked = "what you ask, up to three questions before it,"
    writer = writer_for(loaded.settings, llm, asked=asked)
    places = loaded.places

    def start() -> "Conversation":
        from ragqa.cli.conversation import Conversation

        return Conversation(loaded, places, scope, writer)

    session = _Session(start)
    try:
        if is_interactive():
            session.run_interactively(TypedLines())
            return 0
        session.run(PipedLines())
        return session.worst
    finally:
        session.close()


class _Session:
    """Hands lines to a conversation until the end.

    The conversation starts at the first line, so that slow imports do not delay the prompt. `worst`
    is the highest exit code that any line so far would have had as a command of its own.
    """

    def __init__(self, start: "Callable[[], Conversation]") -> None:
        self._start = start
        self.worst = 0

    @cached_property
    def _conversation(self) -> "Conversation":
        return self._start()

    def close(self) -> None:
        """Close the conversation, if it has started."""
        if "_conversation" in vars(self):
            self._conversation.close()

    def run(self, lines: "PipedLines | TypedLines") -> None:
        """Handle each line until the end; an error ends only its own line."""
        while True:
            try:
                line = lines.read()
                code = None if line is None else self._conversation.handle(line)
            except NotAllowed:
                raise  # every line would end the same way
            except RagqaError as exc:
                from ragqa.render import print_error

                print_error(exc)
                code = exc.exit_code
            if code is None:
                return
            self.worst = max(self.worst, code)

    def run_interactively(self, lines: "TypedLines") -> None:
        """Like `run`, but Ctrl-C stops an answer and not the chat."""
        from ragqa.cli.lines import interrupt_once

        while True:
            try:
                interrupt_once()
                return self.run(lines)
            except KeyboardInterrupt:
                from ragqa.render import say

                say("Stopped.")
