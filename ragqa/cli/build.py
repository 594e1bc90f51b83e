"""`ragqa index`, `status` and `eval`: build the index, see what is wrong, measure its answers."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.opening import consented, finish, load, open_index, write_file
from ragqa.cli.options import AsJson, Folders, IndexFolder, with_places
from ragqa.errors import NotAllowed, NotesSkipped, UsageError

QUESTIONS = "eval/questions.jsonl"

if TYPE_CHECKING:
    from ragqa.api import Index


def build_index(
    notes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CORPUS]...", help="The folder of notes, or several."),
    ] = None,
    *,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build everything from scratch.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for another process that is writing the index.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 7 if any note was skipped.")
    ] = False,
    workers: Annotated[
        str | None,
        typer.Option(
            metavar="ray[:HOST:PORT]",
            help="Embed with Ray: on all cores and GPUs of this machine, or of the cluster there.",
        ),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Allow the hosts of the store and the workers from now on."),
    ] = False,
    in_parts: Annotated[bool, typer.Option("--in-parts", hidden=True)] = False,  # for a server
    corpus: Folders = None,
    index: IndexFolder = None,
    json: AsJson = False,
) -> int:
    """Build the index, or bring it up to date.

    Example: ragqa index ~/notes
    """
    from ragqa import render
    from ragqa.api.catch_up import read_on
    from ragqa.render.overviews import print_report
    from ragqa.types import by_kind

    loaded = load([*(notes or ()), *(corpus or ())] or None, index)
    with open_index(loaded, yes=yes) as opened, render.ProgressLine() as progress:
        if workers is not None:
            _use_workers(opened, workers, yes=yes)
        if wait and (building := opened.building()):
            render.say(f"Waiting for another process that is writing the index {building}.")
        refresh = partial(opened.refresh, rebuild=rebuild, wait=wait)
        report = read_on(opened, progress) if in_parts else refresh(progress=progress)
        where = opened.kept.where
    finish(
        report, lambda: print_report(report, where), json=json, warnings=by_kind(report.warnings)
    )
    skipped = report.unread
    if strict and skipped:
        raise NotesSkipped(
            f"notes skipped: {len(skipped)}; the first is {skipped[0].path}: {skipped[0].reason}",
            hint="fix them, or list them in .ragqaignore",
        )
    return 0


def _use_workers(index: "Index", spec: str, *, yes: bool) -> None:
    """Make the index embed with these workers, if the user allows it; nothing is sent yet."""
    from ragqa.embedders.spread import cluster_in, ray_workers

    cluster = cluster_in(spec)
    if cluster:  # even at an address of this machine: it may have nodes on others
        from ragqa.llms import Destination
        from ragqa.user_data.consent import Use

        there = Destination("Ray", cluster.host_and_port)
        what = "the text of every passage of your notes that is new or has changed"
        if not consented(there, yes=yes, what=what, use=Use.STORE):
            raise NotAllowed(
                f"nothing was sent to {there.host}, and nothing was embedded",
                hint="ragqa index, without --workers",
            )
    index.source.embedders.workers = partial(ray_workers, cluster=cluster)


def status(corpus: Folders = None, index: IndexFolder = None, json: AsJson = False) -> int:
    """Show what is indexed, what is wrong and what mends it, and where anything may be sent.

    Example: ragqa status --json
    """
    from msgspec.structs import replace

    from ragqa.render import overviews
    from ragqa.status import choice_of, status_of
    from ragqa.types import by_kind

    loaded = load(corpus, index)
    with open_index(loaded) as opened:
        state = status_of(opened, choice_of(loaded))
    problems = [replace(each, fix=with_places(each.fix, sys.argv[1:])) for each in state.problems]
    state = replace(state, problems=tuple(problems))
    return finish(
        state, lambda: overviews.print_status(state), json=json, warnings=by_kind(state.warnings)
    )


def evaluate(
    questions: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help=f"Questions about the notes. Default: {QUESTIONS}.",
            show_default=False,
        ),
    ] = QUESTIONS,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Use only the first N questions.")
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MEASURE=X", help="Exit with 1 if a measure is lower, such as recall@5=0.9."
        ),
    ] = None,
    report: Annotated[
        str,
        typer.Option(
            metavar="FILE.html",
            help="Write the evaluation and each missed question as one HTML page.",
        ),
    ] = "",
    corpus: Folders = None,
    index: IndexFolder = None,
    json: AsJson = False,
) -> int:
    """Measure how well questions about your notes are answered.

    Example: ragqa eval --fail-under recall@5=0.9 --report report.html
    """
    from ragqa.evaluation import evaluate_questions, summary
    from ragqa.evaluation.questions import read_questions
    from ragqa.render import ProgressLine, evaluations

    # What is wrong with the command line is said before the work starts.
    targets = [summary.parse_target(text) for text in fail_under or []]
    if report and not report.lower().endswith((".html", ".htm")):
        raise UsageError(f"the report is an HTML page, so {report} must end in .html")
    if report and not Path(report).absolute().parent.is_dir():
        raise UsageError(f"the folder of the report {report} does not exist")
    loaded, path = load(corpus, index), Path(questions)
    rows = read_questions(path)
    with ProgressLine() as progress, open_index(loaded) as opened:
        document = evaluate_questions(opened, rows, progress, name=path.stem, limit=limit)
    if report:
        write_file(report, evaluations.report_page(document))
    finish(
        document, lambda: evaluations.print_evaluation(document),
        json=json, warnings=document.get("warnings", ()),
    )  # fmt: skip
    if targets:
        summary.check_targets(document, targets)
    return 0
