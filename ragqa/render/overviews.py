"""Status, findings and settings, for the terminal and as JSON documents."""

from collections.abc import Mapping, Sequence

from rich.text import Text

from ragqa.config import SETTINGS, Loaded, Places
from ragqa.config.setting import shown
from ragqa.diagnosis import Choice, Finding, Severity, Status
from ragqa.llms import Destination
from ragqa.notes.formats import format_of, switched_off
from ragqa.render.documents import Document, fields_of, index_document, skipped_document
from ragqa.render.results import print_skipped
from ragqa.render.screen import put, put_labelled
from ragqa.sanitise import safe_line
from ragqa.types import DenseInfo, counted

_STYLES = {Severity.OK: "good", Severity.WARNING: "warning", Severity.ERROR: "error"}
_COMMON = 4


def print_status(status: Status, places: Places, llm: Choice) -> None:
    """Print what is indexed and whether it is up to date."""
    info = status.info
    by = "ragqa index catches up" if status.kept.is_shared else "the next ask will catch up"
    fresh = "yes" if status.is_fresh else f"no: {status.pending} ({by})"
    rows = [
        ("notes", f"{info.notes} in {places.corpus}"),
        ("index", f"{counted(info.passages, 'passage')} {_kept(status)}"),
        ("generation", f"{info.generation}, made {info.created}"),
        ("embedder", f"{info.embedder.name}, {info.embedder.dimension} dimensions"),
        ("nearest", _nearest(info.dense)),
        ("fresh", fresh),
        ("confidence", f"from {status.confidence.source}"),
        ("LLM", llm_line(llm)),
        ("skipped", str(len(status.skipped))),
    ]
    if status.building:
        rows.append(("building", f"another process is writing the index {status.building}"))
    off = switched_off(status.others)
    if off:
        rows.append(("left out", _switched_off(off, status.formats)))
    if others := {suffix: n for suffix, n in status.others.items() if suffix not in off}:
        rows.append(("not notes", _counts(others)))
    for name, value in rows:
        put_labelled(f"{name:<12}", "quiet", value)
    print_skipped(status.skipped)


def _nearest(dense: DenseInfo) -> str:
    """How the nearest passages are found, and with which recall."""
    if dense.kind == "exact":
        return "found by comparing every embedding"
    if dense.kind == "hnsw":
        return "found with a neighbour graph (HNSW); recall is not measured"
    return (
        f"found in {dense.probes} of {dense.lists} lists, "
        f"recall@10 {dense.recall:.1%} (measured when the index was written)"
    )


def _kept(status: Status) -> str:
    """Where the index is, with its size if it is on this machine's disk."""
    where = status.kept.where
    return (
        f"at {where}" if status.kept.is_on_server else f"in {where} ({status.bytes / 1e6:.1f} MB)"
    )


def status_document(status: Status, places: Places, llm: Choice) -> Document:
    """What `ragqa status --json` prints."""
    dense = status.info.dense
    return {
        "corpus": str(places.corpus),
        "index_path": str(places.index),
        "fresh": status.is_fresh,
        "pending": fields_of(status, "added", "changed", "removed"),
        "building": status.building and fields_of(status.building, "since", "embedded"),
        "skipped": skipped_document(status.skipped),
        "switched_off": switched_off(status.others),
        "other_files": dict(status.others),
        "bytes": status.bytes,
        "store": {
            "kind": status.kept.kind,
            "uri": status.kept.uri or None,
            "name": status.kept.name or None,
            "sent_to": status.kept.host or None,
        },
        "created": status.info.created,
        "dense": {
            **fields_of(dense, "kind", "lists", "probes"),
            "recall@10": None if dense.kind == "hnsw" else dense.recall,
        },
        "calibration": {
            "in_use": status.confidence.calibration,
            "date": status.confidence.date or None,
            "problem": status.confidence.problem or None,
        },
        "llm": llm_document(llm),
        "index": index_document(status.info),
    }


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
            name: {"value": value, "origin": loaded.origins[name]}
            for name, value in values_of(loaded).items()
        }
    }


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


def values_of(loaded: Loaded) -> dict[str, object]:
    """The value of every setting by name; `corpus` and `index` as resolved paths."""
    values = {name: getattr(loaded.settings, name) for name in SETTINGS}
    if loaded.found is not None:
        values["corpus"] = str(loaded.found.corpus)
        values["index"] = str(loaded.found.index)
    return values


def _switched_off(off: Mapping[str, int], formats: Sequence[str]) -> str:
    """The files whose format is switched off, and the command that switches it on."""
    names = sorted({*formats, *(format_of(suffix).name for suffix in off)})
    return f"{_counts(off)}; to read them: ragqa config set formats {','.join(names)}"


def _counts(by_suffix: Mapping[str, int]) -> str:
    common = sorted(by_suffix.items(), key=lambda item: (-item[1], item[0]))
    listed = ", ".join(
        f"{count} {suffix or 'without a suffix'}" for suffix, count in common[:_COMMON]
    )
    rest = sum(count for _, count in common[_COMMON:])
    return f"{listed}, {counted(rest, 'other')}" if rest else listed
