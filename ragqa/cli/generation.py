"""Options, consent and exit code of the commands that can use an LLM."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.errors import BackendFailed, UsageError

if TYPE_CHECKING:
    from ragqa.cli.opening import Query
    from ragqa.config import Settings
    from ragqa.generation import Request, Writer
    from ragqa.types import Answer

_MAX_TEMPLATE_BYTES = 20_000

Yes = Annotated[
    bool, typer.Option("--yes", help="Allow the LLM's host from now on, without asking.")
]


@dataclass(frozen=True, slots=True)
class LLMOptions:
    """The options of the commands that can have an LLM write the answer."""

    llm: Annotated[
        str | None,
        typer.Option(
            "--llm",
            metavar="KIND:MODEL",
            help="The LLM that writes the answer (see ragqa llm list), or none.",
        ),
    ] = None
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
        from ragqa.llms import NO_LLM

        spec = settings.llm if self.llm is None else self.llm
        return "" if spec == NO_LLM else spec


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
                from ragqa.render.generation import Stream

                stream = stack.enter_context(Stream(query.progress))
                writer = replace(writer, on_sentence=stream)
        return query.index.ask(question, writer=writer, **query.arguments)


def request_in(query: "Query", question: str, options: LLMOptions) -> "tuple[Request, str, bool]":
    """Return the request to the LLM, its destination, and whether the LLM would be asked at all.

    Raises what `Index.ask` raises.
    """
    from ragqa.api.answers import with_sections
    from ragqa.generation import request_for
    from ragqa.llms import llm_for

    settings = query.index.settings
    spec = options.spec(settings)
    destination = llm_for(spec).destination if spec else None
    answer = ask_with(query, question, None)
    request = request_for(
        answer.looked_for,
        with_sections(answer.hits, query.index.open_note),
        max_tokens=settings.llm_prompt_tokens,
        instructions=_instructions(settings),
    )
    where = f"{destination.backend}, {destination.where}" if destination else ""
    return request, where, answer.answered or options.force


def writer_for(
    settings: "Settings", options: LLMOptions, *, asked: str = "what you ask"
) -> "Writer | None":
    """Return the LLM writer, or None if no LLM is set; it asks for consent at first use.

    :param asked: what is sent beside passages, in words.
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
    from ragqa.generation import Writer
    from ragqa.llms import llm_for
    from ragqa.types import counted

    llm = llm_for(spec)
    passages = counted(settings.top_k, "passage")
    what = f"{asked} and up to {passages} of your notes (ragqa ask --show-prompt shows them)"

    def allow() -> bool:
        from ragqa.cli.consenting import consented

        return consented(llm.destination, yes=options.yes, what=what)

    return Writer(
        llm,
        instructions=_instructions(settings),
        prompt_tokens=settings.llm_prompt_tokens,
        answer_tokens=settings.llm_answer_tokens,
        deadline_s=settings.llm_deadline_s,
        strict=options.strict,
        force=options.force,
        allow=cache(allow),
    )


def with_failure(answer: "Answer", writer: "Writer", failure: BackendFailed) -> "Answer":
    """Return the answer in the notes' own words, with the failure of the LLM recorded."""
    from ragqa.types import Fallback, Written

    written = Written(
        writer.llm.destination.backend,
        fallback=Fallback.FAILED,
        why=failure.message,
        hint=failure.hint,
    )
    return replace(answer, written=written)


def print_answer_warnings(answer: "Answer") -> None:
    """Print the warnings of an answer, except a failed LLM: that is the command's error."""
    from ragqa import render
    from ragqa.types import Fallback

    failed = answer.written is not None and answer.written.fallback is Fallback.FAILED
    render.print_warnings(answer.warnings if failed else render.warnings_of(answer))


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


def _instructions(settings: "Settings") -> str:
    """Return the user's instructions for the LLM, or the built-in ones.

    They are sanitised, so that what is sent is exactly what is shown.

    :raises UsageError: the user's file cannot be read, is blank or is too long.
    """
    from ragqa.generation import INSTRUCTIONS
    from ragqa.sanitise import safe_text

    if not settings.llm_template:
        return INSTRUCTIONS
    path = Path(settings.llm_template).expanduser()
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_TEMPLATE_BYTES + 1)
        if len(data) > _MAX_TEMPLATE_BYTES:
            reason = f"it holds more than {_MAX_TEMPLATE_BYTES} bytes"
        elif text := safe_text(data.decode("utf-8-sig")).strip():
            return f"{text}\n"
        else:
            reason = "it is empty"
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
    raise UsageError(
        f"the instructions for the LLM cannot be read from {path}: {reason}",
        hint="ragqa config set llm_template FILE, or ragqa config unset llm_template",
    )
