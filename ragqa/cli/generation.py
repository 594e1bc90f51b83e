"""Options, consent and exit code of the commands that can use an LLM."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.errors import BackendFailed, UsageError

if TYPE_CHECKING:
    from ragqa.cli.opening import Query
    from ragqa.config import Settings
    from ragqa.generation import Request, Writer
    from ragqa.types import Answer

LLM = Annotated[
    str | None,
    typer.Option(
        "--llm",
        metavar="KIND:MODEL",
        help="The LLM that writes the answer (see ragqa llm list), or none.",
    ),
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Allow the LLM's host from now on, without asking.")
]


@dataclass(frozen=True, slots=True)
class LLMOptions:
    """The options of the commands that can have an LLM write the answer."""

    llm: LLM = None
    yes: Yes = False
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Leave out sentences that their sources do not support."),
    ] = False
    force: Annotated[
        bool, typer.Option("--force", help="Ask the LLM even if the notes do not seem to answer.")
    ] = False

    def spec(self, settings: "Settings") -> str:
        """The backend to use, `KIND:MODEL`, or "" for none."""
        spec = settings.llm if self.llm is None else self.llm
        if not spec:
            return ""
        from ragqa.llms import NO_LLM

        return "" if spec == NO_LLM else spec


LLMGiven = Annotated[LLMOptions, typer.Option(parser=LLMOptions)]


def ask_with(
    query: "Query", question: str, writer: "Writer | None", *, streams: bool = False
) -> "Answer":
    """Ask the index, with an LLM if there is a writer; raise what `Index.ask` raises.

    :param streams: show the answer on a terminal as it arrives.
    """
    with ExitStack() as stack:
        if writer is not None:
            consent = writer.allow

            def allow() -> bool:
                query.progress.stop()  # the bar would overwrite the question to the user
                return consent()

            writer = replace(writer, allow=allow)
            if streams:
                from ragqa.render.results import Stream

                stream = stack.enter_context(Stream(query.progress))
                writer = replace(writer, on_sentence=stream)
        return query.index.ask(question, writer=writer, **query.arguments)


def request_in(query: "Query", question: str, options: LLMOptions) -> "tuple[Request, str, bool]":
    """Return the request to the LLM, its destination, and whether the LLM would be asked at all.

    Raises what `Index.ask` raises.
    """
    from ragqa.generation import request_for, with_sections
    from ragqa.llms import llm_for

    settings = query.index.settings
    spec = options.spec(settings)
    destination = llm_for(spec, settings.llm_url).destination if spec else None
    answer = ask_with(query, question, None)
    request = request_for(
        answer.looked_for,
        with_sections(answer.hits, query.index.current_notes().open),
        max_tokens=settings.llm_prompt_tokens,
    )
    where = f"{destination.backend}, {destination.where}" if destination else ""
    return request, where, answer.answered or options.force


def writer_for(settings: "Settings", options: LLMOptions) -> "Writer | None":
    """Return the LLM writer, or None if no LLM is set; it asks for consent at first use.

    :raises UsageError: the backend is unknown or unusable.
    """
    spec = options.spec(settings)
    if not spec:
        if options.strict or options.force:
            raise UsageError(
                "--strict and --force need an LLM to write the answer, and none is set",
                hint="add --llm KIND:MODEL; to see what is available: ragqa llm list",
            )
        return None
    from ragqa.generation import what_is_sent, writer_of

    writer = writer_of(settings, spec, strict=options.strict, force=options.force)
    what = what_is_sent(settings)

    def allow() -> bool:
        from ragqa.cli.consenting import consented

        return consented(writer.llm.destination, yes=options.yes, what=what)

    return replace(writer, allow=cache(allow))


def print_answer_warnings(answer: "Answer") -> None:
    """Print the warnings of an answer, except a failed LLM: that is the command's error."""
    from ragqa import render
    from ragqa.render.view import warnings_of
    from ragqa.types import Fallback

    failed = answer.written is not None and answer.written.fallback is Fallback.FAILED
    render.print_warnings(answer.warnings if failed else warnings_of(answer))


def exit_code(answer: "Answer") -> int:
    """Return 0 if there is an answer of the requested kind, else 1.

    :raises BackendFailed: the LLM failed; the answer in the notes' own words has been shown.
    """
    from ragqa.types import Fallback

    written = answer.written
    if written is not None and written.fallback is Fallback.FAILED:
        raise BackendFailed(written.why, hint=written.hint)
    grounded = written is None or written.fallback in (None, Fallback.NOT_ASKED)
    return 0 if answer.answered and grounded else 1
