"""Options, consent and exit code of the commands that can use an LLM."""

from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.errors import BackendFailed, UsageError

if TYPE_CHECKING:
    from ragqa.api import Index
    from ragqa.config import Settings
    from ragqa.render import ProgressLine
    from ragqa.types import Answer, Filters
    from ragqa.writing import Request, Writer

_MAX_TEMPLATE_BYTES = 20_000

WithLLM = Annotated[
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
Strict = Annotated[
    bool, typer.Option("--strict", help="Leave out sentences that their sources do not support.")
]
Force = Annotated[
    bool, typer.Option("--force", help="Ask the LLM even if the notes do not seem to answer.")
]
ShowPrompt = Annotated[
    bool, typer.Option("--show-prompt", help="Show what would be sent to an LLM; send nothing.")
]


@dataclass(frozen=True, slots=True)
class LLMOptions:
    """The LLM options as given; with `streams`, a terminal shows the answer as it arrives."""

    llm: WithLLM = None
    yes: Yes = False
    strict: Strict = False
    force: Force = False
    streams: bool = False


def ask_with(
    index: "Index",
    question: str,
    *,
    llm_options: LLMOptions,
    filters: "Filters",
    refresh: bool,
    progress: "ProgressLine",
) -> "Answer":
    """Ask the index, with an LLM if one is set; raise what `Index.ask` raises."""
    return ask_written(
        index,
        question,
        writer=writer_for(index.settings, llm_options),
        streams=llm_options.streams,
        filters=filters,
        refresh=refresh,
        progress=progress,
    )


def ask_written(
    index: "Index",
    question: str,
    *,
    writer: "Writer | None",
    streams: bool,
    filters: "Filters",
    refresh: bool,
    progress: "ProgressLine",
) -> "Answer":
    """Like `ask_with`, with a given writer or None."""
    ask = partial(index.ask, question, filters=filters, refresh=refresh, progress=progress)
    if writer is None:
        return ask()
    consent = writer.allow

    def allow() -> bool:
        progress.stop()  # the bar would overwrite the question to the user
        return consent()

    writer = replace(writer, allow=allow)
    if not streams:
        return ask(writer=writer)
    from ragqa.render.writing import Stream

    with Stream(progress) as stream:
        return ask(writer=replace(writer, on_sentence=stream))


def request_in(
    index: "Index",
    question: str,
    *,
    llm_options: LLMOptions,
    filters: "Filters",
    refresh: bool,
    progress: "ProgressLine",
) -> "tuple[Request, str, bool]":
    """Return the request to the LLM, its destination, and whether the LLM would be asked at all.

    Raises what `Index.ask` raises.
    """
    from ragqa.api.answers import with_sections
    from ragqa.llms import NO_LLM, llm_for
    from ragqa.writing import request_for

    settings = index.settings
    spec = settings.llm if llm_options.llm is None else llm_options.llm
    destination = llm_for(spec).destination if spec not in ("", NO_LLM) else None
    answer = index.ask(question, filters=filters, refresh=refresh, progress=progress)
    request = request_for(
        answer.looked_for,
        with_sections(answer.hits, index.open_note),
        max_tokens=settings.llm_prompt_tokens,
        instructions=_instructions(settings),
    )
    where = f"{destination.backend}, {destination.where}" if destination else ""
    return request, where, answer.answered or llm_options.force


def writer_for(
    settings: "Settings", llm_options: LLMOptions, *, asked: str = "what you ask"
) -> "Writer | None":
    """Return the LLM writer, or None if no LLM is set; it asks for consent at first use.

    :param asked: what is sent beside passages, in words.
    :raises UsageError: the backend is unknown or unusable.
    """
    spec = llm_options.llm if llm_options.llm is not None else settings.llm
    from ragqa.llms import NO_LLM, llm_for

    if spec in ("", NO_LLM):
        if llm_options.strict or llm_options.force:
            raise UsageError(
                "--strict and --force need an LLM to write the answer, and none is set",
                hint="add --llm KIND:MODEL; to see what is available: ragqa llm list",
            )
        return None
    from ragqa.cli.consenting import consented
    from ragqa.types import counted
    from ragqa.writing import Writer

    llm = llm_for(spec)
    consent = partial(
        consented,
        llm.destination,
        yes=llm_options.yes,
        what=f"{asked} and up to {counted(settings.top_k, 'passage')} of your notes "
        "(ragqa ask --show-prompt shows them)",
    )
    return Writer(
        llm,
        instructions=_instructions(settings),
        prompt_tokens=settings.llm_prompt_tokens,
        answer_tokens=settings.llm_answer_tokens,
        deadline_s=settings.llm_deadline_s,
        strict=llm_options.strict,
        force=llm_options.force,
        allow=cache(consent),
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

    :raises UsageError: the user's file cannot be read, is blank or is too long.
    """
    from ragqa.writing import INSTRUCTIONS

    if not settings.llm_template:
        return INSTRUCTIONS
    path = Path(settings.llm_template).expanduser()
    try:
        return _template_in(path)
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise UsageError(
            f"the instructions for the LLM cannot be read from {path}: {reason}",
            hint="ragqa config set llm_template FILE, or ragqa config unset llm_template",
        ) from exc


def _template_in(path: Path) -> str:
    """Return the sanitised text of a file, so that what is sent is exactly what is shown.

    :raises OSError: the file cannot be read.
    :raises ValueError: it is too large, not UTF-8, or blank.
    """
    from ragqa.sanitise import safe_text

    with path.open("rb") as file:
        data = file.read(_MAX_TEMPLATE_BYTES + 1)
    if len(data) > _MAX_TEMPLATE_BYTES:
        raise ValueError(f"it holds more than {_MAX_TEMPLATE_BYTES} bytes")
    text = safe_text(data.decode("utf-8-sig")).strip()
    if not text:
        raise ValueError("it is empty")
    return f"{text}\n"
