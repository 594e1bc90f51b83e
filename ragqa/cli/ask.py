"""`ragqa ask` and what goes on from an answer: `more` and `open`; how an LLM is asked."""

import shlex
import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from ragqa.cli.opening import Query, consented, finish, load, open_query, question_in
from ragqa.cli.options import (
    AsJson,
    Folders,
    IndexFolder,
    Scope,
    TopK,
    Writing,
    complete_path,
    expanded,
)
from ragqa.errors import BackendFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.config import Settings
    from ragqa.generation import Writer
    from ragqa.render import Document
    from ragqa.types import Answer


AnswerFormat: TypeAlias = Literal["text", "markdown", "json"]

Now: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--now",
        help="Answer before everything is read, from the notes that have the question's words; on "
        "a terminal this is usual.",
    ),
]


@expanded
def ask(
    question: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUESTION", help="The question; - or nothing reads standard input."),
    ] = None,
    *,
    scope: Scope,
    top_k: TopK = None,
    corpus: Folders = None,
    index: IndexFolder = None,
    output: Annotated[
        AnswerFormat | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="text, as on a terminal; markdown, as elsewhere (ragqa verify can check it "
            "later); or json.",
        ),
    ] = None,
    json: AsJson = False,
    now: Now = False,
    writing: Writing,
    show_prompt: Annotated[
        bool, typer.Option("--show-prompt", help="Show what would be sent to an LLM; send nothing.")
    ] = False,
) -> int:
    """Answer a question from the notes, with citations.

    Builds the index if there is none, and brings it up to date if notes changed; on a
    terminal, what takes long is done after the answer. The answer is excerpts of the notes, unless
    an LLM writes it. Exits with 1 if the notes do not seem to answer. The word `ask` may be left
    out before a question in quotes.

    Example: ragqa ask "when should I fine-tune?" --tag fine-tuning
    """
    if output is None:
        output = "json" if json else "text" if sys.stdout.isatty() else "markdown"
    if json and output != "json":
        raise UsageError(f"--json and --format {output} cannot go together")
    text, goes_on = question_in(question), output == "text" and sys.stdout.isatty()
    with open_query(corpus, index, scope, top_k=top_k, asks=True, yes=writing.yes) as query:
        if show_prompt:
            return _show_request(request_in(query, text, writing), query, json=output == "json")
        writer, at_once = writer_for(query.index.settings, writing), now or goes_on
        answer = ask_with(query, text, writer, streams=output == "text", at_once=at_once)
        query.progress.stop()
        finish(
            answer,
            lambda: _print_answer(answer, query, output),
            json=output == "json", warnings=own_warnings(answer),
        )  # fmt: skip
        if query.refresh and at_once:
            _read_on(query, text, answer, goes_on=goes_on)
    return exit_code(answer)


def _show_request(request: "Document", query: Query, *, json: bool) -> int:
    from ragqa.render.results import print_request

    query.progress.stop()
    return finish(request, lambda: print_request(request), json=json)


def _read_on(query: Query, question: str, answer: "Answer", *, goes_on: bool) -> None:
    """Say which notes an answer at once is from, read the others, and tell a better answer."""
    from ragqa.api.catch_up import read_on
    from ragqa.render import say

    waiting = answer.waiting
    if not waiting and not query.index.info().not_embedded:
        return
    if waiting:
        total = len(query.index.source.walk().files)
        said = f"Answered from {total - waiting:,} of {total:,} notes, first those with your words."
    else:
        said = "Answered before all passages have an embedding."
    if not goes_on:
        say(f"{said} To read the others: ragqa index")
        return
    then = "Reading the others" if waiting else "Embedding the others"
    say(f"\n{said} {then}; Ctrl-C is safe, the next question goes on from there.")
    read_on(query.index, query.progress)
    query.progress.stop()
    again = query.index.ask(question, filters=query.filters, refresh=False)
    if answer.written is None and _place(again) != _place(answer):
        said = "With everything read, the answer is another"
        say(f"{said}: ragqa ask {shlex.quote(question)}")


def _place(answer: "Answer") -> tuple[object, ...]:
    """Where the excerpts of an answer stand; nothing where there is none."""
    cited = answer.citations if answer.answered else ()
    return tuple((citation.path, citation.chars) for citation in cited)


def _print_answer(answer: "Answer", query: Query, output: AnswerFormat) -> None:
    """Print an answer as text or Markdown, and keep what was asked."""
    from ragqa import render
    from ragqa.user_data.asked import Asked, remember

    asked = Asked.of(answer, query.filters)
    is_kept, warning = remember(asked, query.index.settings, query.index.places.corpus)
    if output == "markdown":
        from ragqa.render.as_markdown import answer_markdown

        render.print_as_is(answer_markdown(answer))
    else:
        from ragqa.render.results import print_answer

        print_answer(answer, query.linker, "ragqa more" if is_kept else "")
    render.print_warnings([warning] * bool(warning))


def ask_with(
    query: Query,
    question: str,
    writer: "Writer | None",
    *,
    streams: bool = False,
    at_once: bool = False,
) -> "Answer":
    """Ask the index, with an LLM if there is a writer; `streams` shows its text as it arrives."""
    at_once = at_once and query.refresh
    if writer is None:
        return query.index.ask(question, at_once=at_once, **query.arguments)
    from ragqa.render.results import streaming

    consent = writer.allow

    def allow() -> bool:
        query.progress.stop()  # the bar would overwrite the question to the user
        return consent()

    with streaming(query.progress) if streams else nullcontext(writer.on_sentence) as show:
        writer = replace(writer, allow=allow, on_sentence=show)
        return query.index.ask(question, writer=writer, at_once=at_once, **query.arguments)


def request_in(query: Query, question: str, writing: Writing) -> "Document":
    """What an LLM would be sent, where, and whether it would be asked at all."""
    from ragqa.generation import request_for, with_sections
    from ragqa.llms import llm_for

    settings = query.index.settings
    spec = llm_named(settings, writing.llm)
    destination = llm_for(spec, settings.llm_url).destination if spec else None
    answer = query.index.ask(question, **query.arguments)
    notes = query.index.opened_notes().layouts(hit.passage for hit in answer.hits)
    request = request_for(
        answer.looked_for,
        with_sections(answer.hits, notes),
        max_tokens=settings.llm_prompt_tokens,
    )
    return {
        "instructions": request.prompt.instructions,
        "message": request.prompt.message,
        "tokens": request.tokens,
        "passages": len(request.hits),
        "left_out": request.left_out,
        "would_go_to": f"{destination.backend}, {destination.where}" if destination else None,
        "would_be_asked": answer.answered or writing.force,
    }


def llm_named(settings: "Settings", given: str | None) -> str:
    """The backend to use, `KIND:MODEL`, or "" for none; `given` is the option `--llm`."""
    spec = settings.llm if given is None else given
    return "" if spec == "none" else spec


def writer_for(settings: "Settings", writing: Writing) -> "Writer | None":
    """The LLM writer, which asks for consent at first use; None if no LLM is set."""
    spec = llm_named(settings, writing.llm)
    if not spec:
        if writing.strict or writing.force:
            raise UsageError(
                "--strict and --force need an LLM to write the answer, and none is set",
                hint="add --llm KIND:MODEL, such as --llm ollama:llama3.2",
            )
        return None
    from ragqa.generation import what_is_sent, writer_of

    writer = writer_of(settings, spec, strict=writing.strict, force=writing.force)

    def allow() -> bool:
        return consented(writer.llm.destination, yes=writing.yes, what=what_is_sent(settings))

    return replace(writer, allow=cache(allow))


def own_warnings(answer: "Answer") -> "Sequence[str]":
    """The warnings of an answer, except a failed LLM: that is the command's error."""
    from ragqa.types import Fallback

    failed = answer.written is not None and answer.written.fallback is Fallback.FAILED
    return answer.warnings if failed else answer.every_warning


def exit_code(answer: "Answer") -> int:
    """Return 0 if there is an answer of the requested kind, else 1.

    :raises BackendFailed: the LLM failed; the answer in the notes' own words has been shown.
    """
    from ragqa.types import Fallback

    written = answer.written
    if written is not None and written.fallback is Fallback.FAILED:
        raise BackendFailed(written.why, hint=written.hint)
    as_asked = written is None or written.fallback in (None, Fallback.NOT_ASKED)
    return 0 if answer.answered and as_asked else 1


def more(corpus: Folders = None, index: IndexFolder = None) -> int:
    """Show the further excerpts of the last question whole; asked again, the next ones.

    The question is asked again of the notes as they are now. Exits with 1 if there are no more.

    Example: ragqa more
    """
    from ragqa import render
    from ragqa.render.results import print_further
    from ragqa.user_data.asked import keep, last_asked

    with open_query(corpus, index) as query:
        about = query.index.settings, query.index.places.corpus
        ask = partial(query.index.ask, progress=query.progress)
        answer, asked = last_asked(*about).ask_on(ask)
    _, warning = keep(asked, *about)
    print_further(answer, query.linker)
    render.print_warnings([*answer.warnings, *[warning] * bool(warning)])
    return 0 if answer.also else 1


def open_source(
    source: Annotated[
        str,
        typer.Argument(
            metavar="N|NOTE[:LINES]",
            help="The number of a source or further excerpt, or a place as ragqa get takes it.",
            autocompletion=complete_path,
        ),
    ],
    corpus: Folders = None,
    index: IndexFolder = None,
) -> int:
    """Open a source of the last answer at its line, in $VISUAL or $EDITOR, else in Obsidian.

    Obsidian shows the section that it is in. PDF and Word files open where they always do.

    Example: ragqa open 1
    """
    from ragqa.cli import editor
    from ragqa.user_data.asked import last_asked

    if source.isdecimal():
        loaded = load(corpus, index)
        notes = loaded.places.corpus
        place = last_asked(loaded.settings, notes).source(int(source))
    else:
        from ragqa.lookup import get_part

        with open_query(corpus, index) as query:
            part = get_part(query.index, source, progress=query.progress)
        notes, place = query.index.places.corpus, (part.note.path, part.lines[0])
    return 1 if editor.open_at(place, notes) else 0
