"""LLM backends: the one that is set, the kinds available, and the result of a trial."""

from rich.text import Text

from ragqa.diagnosis import Overview
from ragqa.diagnosis.llm import Trial
from ragqa.errors import RagqaError
from ragqa.llms import Destination, Kind
from ragqa.render.documents import Document
from ragqa.render.overviews import destination_document, llm_document, llm_line
from ragqa.render.screen import emit, stdout
from ragqa.sanitise import safe_line
from ragqa.types import counted

_SHOWN = 300


def print_overview(overview: Overview) -> None:
    """Print the backend that is set, the allowed hosts, and the kinds available."""
    _row("set", llm_line(overview.choice))
    _row("allowed", ", ".join(overview.hosts) or "no host except this machine")
    for kind in overview.kinds:
        emit(stdout(), Text.assemble("\n", (safe_line(kind.form), "heading")))
        for line in _about(kind):
            emit(stdout(), Text(safe_line(line)), indent=2)
        if kind.problem and kind.hint:
            emit(stdout(), Text.assemble(("try: ", "good"), safe_line(kind.hint)), indent=2, hang=5)


def overview_document(overview: Overview) -> Document:
    """What `ragqa llm list --json` prints."""
    return {
        "set": llm_document(overview.choice),
        "kinds": [_kind_document(kind) for kind in overview.kinds],
        "allowed": list(overview.hosts),
        "warnings": list(overview.warnings),
    }


def print_trial(trial: Trial) -> None:
    """Print the result of a trial: speed, streaming, citations and the reply."""
    streams = f"yes, {counted(trial.pieces, 'piece')}" if trial.streams else "no, all at once"
    cites = "yes" if trial.cites else "no: its answers will be marked as unsupported"
    _row("backend", f"{trial.destination.backend}, on {trial.destination.where}")
    _row("first text", f"after {trial.first_ms / 1000:.2f} s")
    _row("all of it", f"after {trial.total_ms / 1000:.2f} s")
    _row("streams", streams)
    _row("cites", cites)
    _row("said", _shortened(trial.reply))


def trial_document(trial: Trial) -> Document:
    """What `ragqa llm check --json` prints."""
    return {
        "backend": trial.destination.backend,
        **destination_document(trial.destination),
        "first_ms": trial.first_ms,
        "total_ms": trial.total_ms,
        "pieces": trial.pieces,
        "streams": trial.streams,
        "cites": trial.cites,
        "said": trial.reply,
        "problem": None,
        "fix": None,
    }


def failed_trial_document(destination: Destination, failure: RagqaError) -> Document:
    """The document of a trial without an answer."""
    return {
        "backend": destination.backend,
        **destination_document(destination),
        **dict.fromkeys(("first_ms", "total_ms", "pieces", "streams", "cites", "said")),
        "problem": failure.message,
        "fix": failure.hint or None,
    }


def _about(kind: Kind) -> list[str]:
    if kind.package:
        return [f"provided by the package {kind.package}, which is loaded on first use"]
    if kind.problem:
        return [kind.needs, f"cannot be used: {kind.problem}"]
    if kind.destination is None or kind.destination.is_local:
        return [kind.needs, "can be used; nothing leaves this machine"]
    return [kind.needs, f"can be used; data goes to {kind.destination.where}"]


def _kind_document(kind: Kind) -> Document:
    return {
        "kind": kind.name,
        "form": kind.form,
        "needs": kind.needs or None,
        "package": kind.package or None,
        "usable": None if kind.package else not kind.problem,
        **destination_document(kind.destination),
        "problem": kind.problem or None,
        "fix": kind.hint or None,
    }


def _row(name: str, value: str) -> None:
    emit(stdout(), Text.assemble((f"{name:<12}", "quiet"), safe_line(value)), hang=12)


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]} \u2026"
