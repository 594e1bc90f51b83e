"""Evaluations of the support check on the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from ragqa.render.screen import emit, stdout
from ragqa.sanitise import safe_line
from ragqa.types import counted

Document = Mapping[str, Any]

_COUNTS = f"{'sentences':>9}  {'flagged':>7}  share"
_KIND = 24


def print_grounding(document: Document) -> None:
    """Print how many sentences were flagged, overall and by kind, with 95% intervals."""
    half = f" ({document['half']})" if document["half"] else ""
    _say(
        f"{document['dataset']}{half}: {counted(document['sentences'], 'sentence')}, "
        f"{document['embedder']}"
    )
    _head("\n" + "".ljust(_KIND))
    for name, found in document["flagged"].items():
        _say(f"{name:<{_KIND}}{_counts(found)}")
    if "auroc" in document:
        low, high = document["auroc_interval"]
        _say(f"AUROC (more is better): {document['auroc']:.3f} [{low:.3f}, {high:.3f}]")
    for name, supported in (("Unsupported", False), ("Supported", True)):
        kinds = [found for found in document["kinds"] if found["supported"] is supported]
        if kinds:
            _print_kinds(f"{name}, by kind", kinds)


def _print_kinds(title: str, kinds: Sequence[Document]) -> None:
    emit(stdout(), Text(f"\n{title}", style="bold"))
    _head("".ljust(_KIND))
    for found in kinds:
        shown = found["kind"][: _KIND - 2] or "-"
        _say(f"{shown:<{_KIND}}{_counts(found)}")


def _counts(found: Document) -> str:
    counts = f"{found['sentences']:>9}  {found['flagged']:>7}"
    if not found["sentences"]:
        return counts
    low, high = found["interval"]
    return f"{counts}  {found['share']:.2f} [{low:.2f}, {high:.2f}]"


def _head(before: str) -> None:
    emit(stdout(), Text(f"{before}{_COUNTS}", style="quiet"))


def _say(text: str) -> None:
    emit(stdout(), Text(safe_line(text)))
