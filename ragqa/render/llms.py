"""LLM backends: the one that is set, the kinds available, and the result of a trial."""

from ragqa.diagnosis import Overview
from ragqa.diagnosis.llm import Trial
from ragqa.errors import RagqaError
from ragqa.llms import BackendKind, Destination
from ragqa.render.documents import Document, fields_of
from ragqa.render.overviews import destination_document, llm_document, llm_line
from ragqa.render.screen import put, put_heading, put_labelled
from ragqa.types import counted

_SHOWN = 300
_MEASURES = ("first_ms", "total_ms", "pieces", "streams", "cites")


def print_overview(overview: Overview) -> None:
    """Print the backend that is set, the allowed hosts, and the kinds available."""
    _row("set", llm_line(overview.choice))
    _row("allowed", ", ".join(overview.hosts) or "no host except this machine")
    for kind in overview.kinds:
        put_heading(kind.form, "heading")
        for line in _about(kind):
            put(line, indent=2)
        if kind.problem and kind.hint:
            put_labelled("try: ", "good", kind.hint, indent=2)


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
    words = " ".join(trial.reply.split())
    _row("backend", f"{trial.destination.backend}, on {trial.destination.where}")
    _row("first text", f"after {trial.first_ms / 1000:.2f} s")
    _row("all of it", f"after {trial.total_ms / 1000:.2f} s")
    pieces = counted(trial.pieces, "piece")
    _row("streams", f"yes, {pieces}" if trial.streams else "no, all at once")
    _row("cites", "yes" if trial.cites else "no: its answers will be marked as unsupported")
    _row("said", words if len(words) <= _SHOWN else f"{words[:_SHOWN]} \u2026")


def trial_document(destination: Destination, result: Trial | RagqaError) -> Document:
    """What `ragqa llm check --json` prints, for a trial or its failure."""
    document = {"backend": destination.backend, **destination_document(destination)}
    if isinstance(result, Trial):
        return {
            **document,
            **fields_of(result, *_MEASURES),
            "said": result.reply,
            "problem": None,
            "fix": None,
        }
    return {
        **document,
        **dict.fromkeys((*_MEASURES, "said")),
        "problem": result.message,
        "fix": result.hint or None,
    }


def _about(kind: BackendKind) -> list[str]:
    if kind.package:
        return [f"provided by the package {kind.package}, which is loaded on first use"]
    if kind.problem:
        return [kind.needs, f"cannot be used: {kind.problem}"]
    if kind.destination is None or kind.destination.is_local:
        return [kind.needs, "can be used; nothing leaves this machine"]
    return [kind.needs, f"can be used; data goes to {kind.destination.where}"]


def _kind_document(kind: BackendKind) -> Document:
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
    put_labelled(f"{name:<12}", "quiet", value)
