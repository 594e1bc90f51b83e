"""`ragqa index`, `status` and `doctor`: build the index, look at it and repair it."""

import shlex
import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.opening import build_notice, load, open_index
from ragqa.cli.options import AsJson, PlaceOptions, grouped_options, with_places
from ragqa.errors import NotAllowed, NotesSkipped, UsageError

if TYPE_CHECKING:
    from ragqa.api import Index
    from ragqa.config import Loaded
    from ragqa.diagnosis import Finding


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build; `yes` is consent to send passages to the workers."""

    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build everything from scratch.")] = (
        False
    )
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for another process that is writing the index.")
    ] = False
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 7 if any note was skipped.")
    ] = False
    workers: Annotated[
        str | None,
        typer.Option(
            "--workers",
            metavar="ray[:HOST:PORT]",
            help="Embed with Ray: on all cores and GPUs of this machine, or of the cluster there.",
        ),
    ] = None
    yes: Annotated[
        bool, typer.Option("--yes", help="Allow passages to be sent to the workers from now on.")
    ] = False


@grouped_options()
def index(
    notes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CORPUS]...", help="The folder of notes, or several."),
    ] = None,
    *,
    how: BuildOptions,
    given: PlaceOptions,
    json: AsJson = False,
) -> int:
    """Build the index, or bring it up to date.

    Example: ragqa index ~/notes
    """
    from ragqa import render

    if notes and given.corpus:
        hint = f"ragqa index {shlex.join(notes)}"
        raise UsageError("the folder of notes was given twice", hint=hint)
    loaded = load(replace(given, corpus=notes or given.corpus))
    with open_index(loaded) as opened, render.ProgressLine() as progress:
        if how.workers is not None:
            _use_workers(opened, how.workers, yes=how.yes)
        _announce(opened, how)
        report = opened.refresh(rebuild=how.rebuild, wait=how.wait, progress=progress)
        where = opened.kept.where
    report = replace(report, warnings=report.warnings + _reader_warnings(loaded.settings.reader))
    if json:
        from ragqa.render.documents import report_document

        render.print_document(report_document(report))
    else:
        render.print_report(report, where)
    render.print_warnings(report.warnings)
    if how.strict and report.skipped:
        raise NotesSkipped(
            f"notes skipped: {len(report.skipped)}; the first is {report.skipped[0].path}: "
            f"{report.skipped[0].reason}",
            hint="fix them, or list them in .ragqaignore",
        )
    return 0


def _announce(opened: "Index", how: BuildOptions) -> None:
    """Say what makes the command take long, if anything does."""
    from ragqa import render

    if how.wait and (building := opened.building()):
        render.say(f"Waiting for another process that is writing the index {building}.")
    elif how.workers is None and (notice := build_notice(opened, rebuild=how.rebuild)):
        render.say(notice)


def _reader_warnings(reader: str) -> tuple[str, ...]:
    """Prepare the reader; the index is complete without it, so a failure is only a warning."""
    from ragqa.readers import prepare

    try:
        prepare(reader)
    except UsageError as exc:
        return (f"{exc.message}; {exc.hint}",)
    return ()


def _use_workers(index: "Index", spec: str, *, yes: bool) -> None:
    """Make the index embed with these workers; nothing is sent yet.

    :raises UsageError: the spec is malformed, or Ray is not installed.
    :raises NotAllowed: the user does not allow sending passages to the workers' host.
    """
    from ragqa.embedders.spread import cluster_in, ray_workers

    cluster = cluster_in(spec)
    if cluster and not cluster.is_loopback:
        from ragqa.cli.consenting import consented
        from ragqa.consent import Use
        from ragqa.llms import Destination

        host, what = (
            cluster.host_and_port,
            "the text of every passage of your notes that is new or has changed",
        )
        if not consented(Destination("Ray", host), yes=yes, what=what, use=Use.STORE):
            raise NotAllowed(
                f"nothing was sent to {host}, and nothing was embedded",
                hint="ragqa index, without --workers",
            )
    index.source.embedders.workers = partial(ray_workers, cluster=cluster)


@grouped_options()
def status(*, given: PlaceOptions, json: AsJson = False) -> int:
    """Show what is indexed and whether it is up to date.

    Example: ragqa status --json
    """
    from ragqa import render
    from ragqa.diagnosis import choice_of, status_of
    from ragqa.render.documents import status_document
    from ragqa.render.overviews import print_status

    loaded = load(given)
    with open_index(loaded) as opened:
        found = status_of(opened)
    choice = choice_of(loaded)
    if json:
        render.print_document(status_document(found, loaded.places, choice))
    else:
        print_status(found, loaded.places, choice)
    return 0


@grouped_options()
def doctor(
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Compare everything the index holds, and recompute some embeddings."
        ),
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Rebuild what is damaged, and nothing else.")
    ] = False,
    *,
    given: PlaceOptions,
    json: AsJson = False,
) -> int:
    """Find what is wrong and name the command that fixes it; show which LLM is set.

    Reads the whole index and the notes that may have changed, and asks no LLM. Exits with 0 if
    nothing is wrong, or if the repair fixed everything.

    Example: ragqa doctor --deep
    """
    from ragqa import render
    from ragqa.render import overviews

    loaded = load(given)
    found, done, is_repaired = _examine(loaded, deep=deep, repair=repair)
    findings = [replace(one, fix=with_places(one.fix, sys.argv[1:])) for one in found]
    if json:
        render.print_document(overviews.findings_document(findings, done if repair else None))
    else:
        if done or is_repaired:
            overviews.print_repair(done)
        overviews.print_findings(findings)
    return max((finding.exit_code for finding in findings), default=0)


def _examine(
    loaded: "Loaded", *, deep: bool, repair: bool
) -> "tuple[list[Finding], list[str], bool]":
    """What is wrong, what a repair did, and whether that fixed everything."""
    from ragqa import diagnosis, render
    from ragqa.api import index_from

    done: list[str] = []
    failed: list[Finding] = []
    with index_from(loaded) as opened, render.ProgressLine() as progress:
        if repair:
            done, failed = diagnosis.repair(opened, progress=progress)
        found = failed or diagnosis.diagnose(opened, deep=deep or bool(done), progress=progress)
    llm = diagnosis.diagnose_llm(diagnosis.choice_of(loaded))
    return [*found, *llm], done, repair and not failed
