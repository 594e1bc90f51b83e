"""Findings, settings and LLMs, for the terminal and as JSON documents."""

from collections.abc import Sequence

from rich.text import Text

from ragqa.config import SETTINGS, Loaded
from ragqa.config.settings import Value, as_written, shown
from ragqa.diagnosis import Choice, Finding, Overview, Severity
from ragqa.diagnosis.llm import Trial
from ragqa.errors import RagqaError
from ragqa.kept import KeptIndex
from ragqa.llms import BackendKind, Destination
from ragqa.render.documents import Document, fields_of
from ragqa.render.screen import put, put_heading, put_labelled
from ragqa.safe import safe_line
from ragqa.types import counted

_STYLES = {Severity.OK: "good", Severity.WARNING: "warning", Severity.ERROR: "error"}
_REPLY_CHARS = 300
_MEASURES = ("first_ms", "total_ms", "pieces", "streams", "cites")


def print_findings(findings: Sequence[Finding]) -> None:
    """Print each finding with its fix."""
    for finding in findings:
        put_labelled(f"{finding.severity:<8}", _STYLES[finding.severity], finding.what)
        if finding.fix:
            put_labelled("try: ", "good", finding.fix, indent=8)


def print_repair(done: Sequence[str]) -> None:
    """Print what a repair did."""
    for what in done or ["nothing is damaged, so nothing was changed"]:
        put_labelled(f"{'repair':<8}", "heading", what)


def findings_document(
    findings: Sequence[Finding], repaired: Sequence[str] | None = None
) -> Document:
    """What `ragqa doctor --json` prints.

    :param repaired: what a repair did; None if none was requested.
    """
    done: Document = {} if repaired is None else {"repaired": list(repaired)}
    return done | {
        "sound": all(finding.severity is not Severity.ERROR for finding in findings),
        "findings": [fields_of(finding, "severity", "what", "fix") for finding in findings],
    }


def print_settings(loaded: Loaded) -> None:
    """Print every setting with its value, origin and help."""
    width = max(map(len, SETTINGS))
    for name, value in values_of(loaded).items():
        line = Text.assemble((f"{name:<{width}}  ", "heading"), safe_line(str(shown(value))))
        line.append(f"  ({safe_line(loaded.origins[name])})", style="quiet")
        put(line, hang=width + 2)
        put(SETTINGS[name].help, "quiet", indent=width + 2)


def settings_document(loaded: Loaded) -> Document:
    """What `ragqa config --json` prints."""
    return {
        "settings": {
            name: {"value": as_written(value), "origin": loaded.origins[name]}
            for name, value in values_of(loaded).items()
        }
    }


def print_indexes(found: Sequence[KeptIndex]) -> None:
    """Print the indexes of the data folder."""
    for one in found:
        put_heading(one.name)
        print_row("notes", one.about)
        print_row("size", f"{one.bytes / 1e6:.1f} MB")
        print_row("last used", one.last_used)


def llm_line(choice: Choice) -> str:
    """The backend that is set and where it sends data, on one line; not sanitised."""
    if not choice.spec:
        return f"none: {choice.other_traffic}"
    backend = f"{choice.spec}, set by {choice.origin}"
    if choice.destination is None:
        return f"{backend}: {choice.problem}"
    if choice.destination.is_local:
        return f"{backend}; {choice.other_traffic}"
    allowed = "" if choice.allowed else " (not allowed yet)"
    return f"{backend}; data goes to {choice.destination.where}{allowed}"


def llm_document(choice: Choice) -> Document:
    """The backend that is set, in `ragqa status --json` and `ragqa llm list --json`."""
    return {
        "llm": choice.spec or None,
        "origin": choice.origin or None,
        **destination_document(choice.destination),
        "allowed": choice.allowed if choice.spec else None,
        "problem": choice.problem or None,
        "fix": choice.fix or None,
    }


def destination_document(destination: Destination | None) -> Document:
    """Where data goes; every value is null if the destination is unknown (None)."""
    if destination is None:
        return {"local": None, "host": None, "proxy": None}
    host, proxy = destination.host or None, destination.proxy or None
    return {"local": destination.is_local, "host": host, "proxy": proxy}


def values_of(loaded: Loaded) -> dict[str, Value]:
    """The value of every setting by name; `corpus` and `index` as resolved paths."""
    values = {name: getattr(loaded.settings, name) for name in SETTINGS}
    if loaded.found is not None:
        values["corpus"] = loaded.found.corpus.folders
        values["index"] = str(loaded.found.index)
    return values


def print_overview(overview: Overview) -> None:
    """Print the backend that is set, the allowed hosts, and the kinds available."""
    print_row("set", llm_line(overview.choice))
    print_row("allowed", ", ".join(overview.hosts) or "no host except this machine")
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
    print_row("backend", f"{trial.destination.backend}, on {trial.destination.where}")
    print_row("first text", f"after {trial.first_ms / 1000:.2f} s")
    print_row("all of it", f"after {trial.total_ms / 1000:.2f} s")
    pieces = counted(trial.pieces, "piece")
    print_row("streams", f"yes, {pieces}" if trial.streams else "no, all at once")
    print_row("cites", "yes" if trial.cites else "no: its answers will be marked as unsupported")
    print_row("said", words if len(words) <= _REPLY_CHARS else f"{words[:_REPLY_CHARS]} \u2026")


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


def print_row(name: str, value: str) -> None:
    """Print a value below or beside its name."""
    put_labelled(f"{name:<12}", "quiet", value)
