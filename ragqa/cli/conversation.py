"""The conversation of `ragqa chat`: each line is a question or a command."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from ragqa import render
from ragqa.asked import Asked
from ragqa.chatting import COMMANDS, Chat, Keep, command_in
from ragqa.cli.generation import ask_with, exit_code, print_answer_warnings
from ragqa.cli.opening import Query, first_build_notice, open_index
from ragqa.cli.options import ScopeOptions
from ragqa.config import Loaded, Places
from ragqa.editors import open_source
from ragqa.errors import UsageError
from ragqa.followups import Turn, stand_alone
from ragqa.render import chat as screen
from ragqa.render.results import print_further
from ragqa.render.screen import put
from ragqa.safe import write_whole
from ragqa.types import Answer

if TYPE_CHECKING:
    from ragqa.api import Index
    from ragqa.generation import Writer


class Conversation:
    """Answers questions about notes and obeys commands; opens the index on first use."""

    def __init__(
        self, loaded: Loaded, places: Places, scope: ScopeOptions, writer: "Writer | None"
    ) -> None:
        self._loaded = loaded
        self._scope = scope
        self._filters = scope.filters(places.corpus)
        self._writer = writer
        self._linker = render.Linker(places.corpus, loaded.settings.link_format)
        self._chat = Chat(self._complete, self._answer)
        self._asked: Asked | None = None
        self._commands: dict[str, Callable[[str], None]] = {
            "/next": self._show_next,
            "/open": self._open,
            "/sources": lambda _: screen.print_sources(self._chat.last, self._linker),
            "/why": self._explain,
            "/save": self._save,
            "/new": lambda _: self._chat.forget(),
            "/help": lambda _: screen.print_commands(COMMANDS),
        }

    @cached_property
    def _index(self) -> "Index":
        render.show_logged_warnings()
        return open_index(self._loaded)

    def close(self) -> None:
        """Close the index, if it was opened."""
        if "_index" in vars(self):
            self._index.close()

    def handle(self, line: str) -> int | None:
        """Answer a question or run a command; return its exit code, None for `/quit`.

        :raises RagqaError: as the same question or command would on the command line.
        """
        command = command_in(line)
        if command is None:
            return self._ask(line) if line.strip() else 0
        if command.name == "/quit":
            return None
        self._commands[command.name](command.argument)
        return 0

    def _ask(self, line: str) -> int:
        self._asked = None
        answer = self._chat.ask(line, screen.print_asked_as)
        render.print_answer(answer, self._linker, "/next shows them whole")
        put()
        print_answer_warnings(answer)
        return exit_code(answer)

    def _query(self, progress: render.ProgressLine) -> Query:
        refresh = not self._scope.no_refresh
        return Query(self._index, self._filters, refresh, progress, self._linker)

    def _complete(self, question: str, turns: Sequence[Turn]) -> str:
        return stand_alone(self._index, question, turns, filters=self._filters)

    def _answer(self, question: str, keep: Keep) -> Answer:
        writer = self._writer and replace(self._writer, keep=keep)
        with render.ProgressLine(opening=first_build_notice(self._index)) as progress:
            return ask_with(self._query(progress), question, writer, streams=True)

    def _last(self) -> Asked:
        answer = self._chat.last
        return self._asked or Asked.of(answer, self._filters)

    def _show_next(self, _: str) -> None:
        ask = partial(self._index.ask, refresh=not self._scope.no_refresh)
        answer, self._asked = self._last().ask_on(ask)
        self._chat.widen(answer.also)
        print_further(answer, self._linker)
        put()

    def _open(self, number: str) -> None:
        last = self._last()
        if not (number.isdecimal() and number.isascii()):
            raise UsageError(f"{number!r} is not a source number", hint="/open 2")
        open_source(last.source(int(number[:9])), self._index.places.corpus)

    def _explain(self, target: str) -> None:
        from ragqa.explaining import explain
        from ragqa.render.explanations import print_explanation

        last = self._chat.last
        if not target:
            raise UsageError(
                "no note is named", hint="/why NOTE, or /why NOTE:7-9 for a part of it"
            )
        with render.ProgressLine() as progress:
            how = self._query(progress).arguments
            explanation = explain(self._index, last.question, target=target, **how)
        if last.written is not None and last.written.grounded:
            from ragqa.api.answers import with_sections
            from ragqa.generation import numbers_given

            given = with_sections(last.hits, self._index.open_note)
            about = explanation.target
            screen.print_not_llm_answer(
                numbers_given(given, last.written.given, about.path, about.lines)
            )
        print_explanation(explanation, self._linker)
        render.print_warnings(explanation.warnings)

    def _save(self, name: str) -> None:
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
        render.say(f"Saved; to check it later: ragqa verify {shlex.quote(name)}")
