"""The conversation of `ragqa chat`: each line is a question or a command."""

import re
import shlex
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from ragqa import render
from ragqa.cli.ask import ask_with, exit_code, own_warnings
from ragqa.cli.editor import open_at
from ragqa.cli.opening import Query, first_build_notice, write_file
from ragqa.errors import UsageError
from ragqa.follow_ups import COMMANDS, Exchange, command_in, stand_alone
from ragqa.render import put, results
from ragqa.render.results import Linker, print_answer, print_further
from ragqa.search.question import clean_question
from ragqa.types import Answer, Filters
from ragqa.user_data import QuestionHistory
from ragqa.user_data.asked import Asked

if TYPE_CHECKING:
    from ragqa.api import Index
    from ragqa.generation import Writer

KEPT = 50
"""How many exchanges are remembered."""


@dataclass(kw_only=True)
class Conversation:
    """Answers questions about notes and obeys commands.

    :param history: where questions are kept; None where nobody types them, and they are printed.
    """

    index: "Index"
    filters: Filters
    writer: "Writer | None"
    refreshes: bool
    history: QuestionHistory | None
    _exchanges: deque[Exchange] = field(default_factory=lambda: deque(maxlen=KEPT))
    _asked: Asked | None = None

    def handle(self, line: str) -> int | None:
        """Answer a question or run a command; return its exit code, None for `/quit`."""
        command = command_in(line)
        if command is None:
            return self._ask(line) if line.strip() else 0
        name, argument = command
        if name == "/quit":
            return None
        commands: dict[str, Callable[[str], None]] = {
            "/next": self._show_next,
            "/open": self._open,
            "/sources": lambda _: results.print_whole_sources(self._last, self._linker),
            "/why": self._explain,
            "/save": self._save,
            "/new": lambda _: self._exchanges.clear(),
            "/help": lambda _: results.print_commands(COMMANDS),
        }
        commands[name](argument)
        return 0

    def _ask(self, line: str) -> int:
        """Answer a question and remember both; if an LLM is interrupted, the excerpts."""
        self._asked = None
        if self.history is None:
            put(f"> {line.strip()}", "heading")
        asked = clean_question(line)
        question = stand_alone(self.index, asked, self._exchanges)
        if self.history is not None:
            self.history.add(question)
        if question != asked:
            put(f"Asked as: {question}", "quiet")
        answers: list[Answer] = []
        writer = self.writer and replace(self.writer, keep=answers.append)
        try:
            notice = partial(first_build_notice, self.index)
            with render.ProgressLine(opening=notice) as progress:
                query = self._query(progress)
                answers.append(ask_with(query, question, writer, streams=True))
        finally:
            if answers:
                self._exchanges.append(Exchange(asked, answers[-1]))
        print_answer(answers[-1], self._linker, "/next")
        put()
        render.print_warnings(own_warnings(answers[-1]))
        return exit_code(answers[-1])

    @property
    def _linker(self) -> Linker:
        return Linker(self.index.places.corpus, self.index.settings.link_format)

    @property
    def _last(self) -> Answer:
        if not self._exchanges:
            raise UsageError("nothing has been asked yet", hint="ask a question first")
        return self._exchanges[-1].answer

    def _query(self, progress: render.ProgressLine) -> Query:
        return Query(self.index, self.filters, self.refreshes, progress, self._linker)

    def _shown(self) -> Asked:
        return self._asked or Asked.of(self._last, self.filters)

    def _show_next(self, _: str) -> None:
        ask = partial(self.index.ask, refresh=self.refreshes)
        answer, self._asked = self._shown().ask_on(ask)
        numbers = {citation.n for citation in self._last.also}
        new = (citation for citation in answer.also if citation.n not in numbers)
        widened = replace(self._last, also=(*self._last.also, *new))
        self._exchanges[-1] = replace(self._exchanges[-1], answer=widened)
        print_further(answer, self._linker)
        put()

    def _open(self, number: str) -> None:
        last = self._shown()
        if not re.fullmatch(r"[0-9]{1,9}", number):
            raise UsageError(f"{number!r} is not a source number", hint="/open 2")
        open_at(last.source(int(number)), self.index.places.corpus)

    def _explain(self, target: str) -> None:
        from ragqa.render.explanations import print_explanation
        from ragqa.why import explain

        last = self._last
        if not target:
            hint = "/why NOTE, or /why NOTE:7-9 for a part of it"
            raise UsageError("no note is named", hint=hint)
        with render.ProgressLine() as progress:
            how = self._query(progress).arguments
            explanation = explain(self.index, last.question, target=target, **how)
        if last.written is not None and last.written.is_answer:
            put(
                "This is about the answer in your notes' own words, which the LLM's answer "
                "replaced."
            )
        print_explanation(explanation, self._linker)
        render.print_warnings(explanation.warnings)

    def _save(self, name: str) -> None:
        from ragqa.render.as_markdown import chat_markdown

        if not name:
            raise UsageError("no file is named", hint="/save chat.md")
        if not self._exchanges:
            raise UsageError("there is nothing to save yet", hint="ask a question first")
        write_file(name, chat_markdown(tuple(self._exchanges)), new=True)
        render.say(f"Saved; to check it later: ragqa verify {shlex.quote(name)}")
