"""`ragqa index` and `status`: build the index, look at it, and see what is wrong."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.opening import finish, load, open_index
from ragqa.cli.options import AsJson, Folders, IndexFolder, with_places
from ragqa.errors import NotAllowed, NotesSkipped

if TYPE_CHECKING:
    from ragqa.api import Index


Rebuild = Annotated[bool, typer.Option("--rebuild", help="Build everything from scratch.")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait for another process that is writing the index.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 7 if any note was skipped.")]
Workers = Annotated[
    str | None,
    typer.Option(
        metavar="ray[:HOST:PORT]",
        help="Embed with Ray: on all cores and GPUs of this machine, or of the cluster there.",
    ),
]
Yes = Annotated[
    bool,
    typer.Option("--yes", help="Allow the hosts of the store and the workers from now on."),
]


def build_index(
    notes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CORPUS]...", help="The folder of notes, or several."),
    ] = None,
    *,
    rebuild: Rebuild = False,
    wait: Wait = False,
    strict: Strict = False,
    workers: Workers = None,
    yes: Yes = False,
    corpus: Folders = None,
    index: IndexFolder = None,
    json: AsJson = False,
) -> int:
    """Build the index, or bring it up to date.

    Example: ragqa index ~/notes
    """
    from ragqa import render
    from ragqa.render.overviews import print_report
    from ragqa.types import by_kind

    loaded = load([*(notes or ()), *(corpus or ())] or None, index)
    with open_index(loaded, yes=yes) as opened, render.ProgressLine() as progress:
        if workers is not None:
            _use_workers(opened, workers, yes=yes)
        if wait and (building := opened.building()):
            render.say(f"Waiting for another process that is writing the index {building}.")
        report = opened.refresh(rebuild=rebuild, wait=wait, progress=progress)
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
    """Make the index embed with these workers; nothing is sent yet.

    :raises UsageError: the spec is malformed, or Ray is not installed.
    :raises NotAllowed: the user does not allow sending passages to the workers' host.
    """
    from ragqa.embedders.spread import cluster_in, ray_workers

    cluster = cluster_in(spec)
    if cluster and not cluster.is_loopback:
        from ragqa.cli.consenting import consented
        from ragqa.llms import Destination
        from ragqa.state.consent import Use

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

    from ragqa.diagnosis import choice_of, status_of
    from ragqa.render import overviews
    from ragqa.types import by_kind

    loaded = load(corpus, index)
    with open_index(loaded) as opened:
        state = status_of(opened, choice_of(loaded))
    problems = [replace(each, fix=with_places(each.fix, sys.argv[1:])) for each in state.problems]
    state = replace(state, problems=tuple(problems))
    return finish(
        state, lambda: overviews.print_status(state), json=json, warnings=by_kind(state.warnings)
    )
