"""`ragqa chat`: questions and follow-ups."""

import shlex
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ragqa.cli.opening import first_build_notice, load_flags, open_index
from ragqa.cli.options import Scope, parse_since, with_options
from ragqa.cli.writing import (
    LLMOptions,
    ask_written,
    exit_code,
    print_answer_warnings,
    with_failure,
    writer_for,
)
from ragqa.errors import NotAllowed, RagqaError, UsageError

if TYPE_CHECKING:
    from ragqa.api import Index
    from ragqa.api.follow_ups import FollowUp
    from ragqa.chatting import Chat, Keep
    from ragqa.cli.lines import Lines
    from ragqa.config import Loaded
    from ragqa.followups import Turn
    from ragqa.render import Linker
    from ragqa.types import Answer, Filters
    from ragqa.writing import Writer


@with_options(without=("streams",))
def chat(*, scope: Scope, llm_options: LLMOptions) -> int:
    """Ask questions and follow-ups; a follow-up may depend on the question before ("and why?").

    /help lists the commands of the chat. Without a terminal, the questions are the lines of
    standard input, and the exit code is the highest that any of them would have on its own.

    Example: ragqa chat --tag fine-tuning
    """
    from ragqa.cli.lines import PipedLines, TypedLines, is_interactive

    # Report wrong options and settings before the first question.
    parse_since(scope.since)
    loaded = load_flags({**scope.given.flags, "top_k": scope.top_k})
    llm_options = replace(llm_options, streams=True)
    writer = writer_for(
        loaded.settings, llm_options, asked="what you ask, up to three questions before it,"
    )
    with closing(_Conversation(loaded, scope, writer)) as conversation:
        if is_interactive():
            conversation.run_interactively(TypedLines())
        else:
            conversation.run(PipedLines())
            return conversation.worst
    return 0


class _Conversation:
    """A chat about notes: each line is a question or a command.

    Slow imports wait for the first line, so that the prompt appears at once. `worst` is the
    highest exit code that any line so far would have had as a command of its own.

    :raises NoCorpus: no folder of notes is set.
    """

    def __init__(self, loaded: "Loaded", scope: Scope, writer: "Writer | None") -> None:
        self._loaded = loaded
        self._places = loaded.places
        self._scope = scope
        self._writer = writer
        self._refresh = not scope.no_refresh
        self.worst = 0
        self._commands: dict[str, Callable[[str], None]] = {
            "/sources": self._show_sources,
            "/why": self._explain,
            "/save": self._save,
            "/new": lambda _: self._chat.forget(),
            "/help": lambda _: self._help(),
        }

    @cached_property
    def _index(self) -> "Index":
        from ragqa.render import show_logged_warnings

        show_logged_warnings()
        return open_index(self._loaded)

    @cached_property
    def _filters(self) -> "Filters":
        return self._scope.filters

    @cached_property
    def _linker(self) -> "Linker":
        from ragqa.render import Linker

        return Linker(self._places.corpus, self._loaded.settings.link_format)

    @cached_property
    def _chat(self) -> "Chat":
        from ragqa.chatting import Chat

        return Chat(self._complete, self._answer)

    def close(self) -> None:
        """Close the index."""
        if "_index" in vars(self):
            self._index.close()

    def run(self, lines: "Lines") -> None:
        """Handle each line until the end; an error ends only its own line."""
        while True:
            try:
                line = lines.read()
                if line is None or not self._handle(line):
                    return
            except NotAllowed:
                raise  # every line would end the same way
            except RagqaError as exc:
                from ragqa.render import print_error

                print_error(exc)
                self.worst = max(self.worst, exc.exit_code)

    def run_interactively(self, lines: "Lines") -> None:
        """Like `run`, but Ctrl-C stops an answer and not the chat."""
        from ragqa.cli.lines import interrupt_once

        while True:
            try:
                interrupt_once()
                return self.run(lines)
            except KeyboardInterrupt:
                from ragqa.render import say

                say("Stopped.")

    def _handle(self, line: str) -> bool:
        """Answer a question or run a command; return False for `/quit`."""
        from ragqa.chatting import command_in

        command = command_in(line)
        if command is None:
            self._ask(line)
        elif command.name == "/quit":
            return False
        else:
            self._commands[command.name](command.argument)
        return True

    def _ask(self, line: str) -> None:
        from ragqa.render import print_answer
        from ragqa.render.chat import print_blank_line

        if not line.strip():
            return
        answer = self._chat.ask(line, self._show_completed)
        print_answer(answer, self._linker)
        print_blank_line()
        print_answer_warnings(answer)
        # This raises if the LLM failed.
        self.worst = max(self.worst, exit_code(answer))

    def _complete(self, question: str, turns: "Sequence[Turn]", keep: "Keep") -> "FollowUp":
        from ragqa.api.follow_ups import follow_up
        from ragqa.render import ProgressLine

        writer = self._writer and replace(self._writer, keep=keep)
        with ProgressLine() as progress:
            return follow_up(
                self._index,
                question,
                turns,
                filters=self._filters,
                writer=writer,
                progress=progress,
            )

    def _show_completed(self, question: "FollowUp") -> None:
        from ragqa.render import print_warnings
        from ragqa.render.chat import print_asked_as

        print_warnings(question.warnings)
        if question.is_completed:
            print_asked_as(question.question)

    def _answer(self, question: "FollowUp", keep: "Keep") -> "Answer":
        from ragqa.render import ProgressLine

        writer = self._writer and replace(question.left_of(self._writer), keep=keep)
        with ProgressLine(opening=first_build_notice(self._index)) as progress:
            answer = ask_written(
                self._index,
                question.question,
                # An LLM that has just failed is not asked again.
                writer=None if question.failure else writer,
                streams=True,
                filters=self._filters,
                refresh=self._refresh,
                progress=progress,
            )
        if writer and question.failure:
            return with_failure(answer, writer, question.failure)
        return answer

    def _show_sources(self, number: str) -> None:
        from ragqa.render.chat import print_source, print_sources

        if not number:
            print_sources(self._chat.last, self._linker)
        elif number.isdecimal() and number.isascii():
            print_source(self._chat.last, int(number[:9]), self._linker)
        else:
            raise UsageError(f"{number!r} is not a source number", hint="/sources 2")

    def _explain(self, target: str) -> None:
        from ragqa.explaining import explain
        from ragqa.render import ProgressLine, print_warnings
        from ragqa.render.explanations import print_explanation

        last = self._chat.last
        if not target:
            raise UsageError(
                "no note is named", hint="/why NOTE, or /why NOTE:7-9 for a part of it"
            )
        with ProgressLine() as progress:
            explanation = explain(
                self._index,
                last.question,
                target=target,
                filters=self._filters,
                refresh=self._refresh,
                progress=progress,
            )
        if last.written is not None and last.written.grounded:
            from ragqa.api.answers import with_sections
            from ragqa.render.chat import print_not_llm_answer
            from ragqa.writing import numbers_given

            given = with_sections(last.hits, self._index.open_note)
            print_not_llm_answer(
                numbers_given(given, last.written.given, explanation.path, explanation.lines)
            )
        print_explanation(explanation, self._linker)
        print_warnings(explanation.warnings)

    def _save(self, name: str) -> None:
        from ragqa.atomic_write import write_whole
        from ragqa.render import say
        from ragqa.render.markdown import chat_markdown

        if not name:
            raise UsageError("no file is named", hint="/save chat.md")
        exchanges = self._chat.exchanges
        if not exchanges:
            raise UsageError("there is nothing to save yet", hint="ask a question first")
        try:
            write_whole(Path(name).expanduser(), chat_markdown(exchanges), new=True)
        except FileExistsError as exc:
            raise UsageError(f"{name} already exists", hint="name a new file") from exc
        except (OSError, ValueError, RuntimeError) as exc:
            reason = getattr(exc, "strerror", None) or exc
            raise UsageError(
                f"{name} cannot be written: {reason}", hint="name another file"
            ) from exc
        say(f"Saved; to check it later: ragqa verify {shlex.quote(name)}")

    def _help(self) -> None:
        from ragqa.chatting import COMMANDS
        from ragqa.render.chat import print_commands

        print_commands(COMMANDS)
