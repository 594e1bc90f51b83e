"""The result of a calibration on the terminal, within 80 columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from ragqa.render.screen import emit, stdout
from ragqa.sanitise import safe_line
from ragqa.types import SURE_FROM, counted

Document = Mapping[str, Any]

_KINDS = {
    "answerable": "answered by the notes",
    "unanswerable": "marked unanswerable by you",
    "near": "without the passages that answer",
    "everyday": "about everyday things",
}
_WHY_THRESHOLD_ONLY = (
    "Generated questions share words with the notes and are easier than people's: fitting on them",
    "made confidence in people's questions worse. So only the threshold may change, if everyday",
    "questions come too close. To fit the rest, write 30 or more questions of your own:",
    "ragqa calibrate --questions FILE",
)
_BAR = 30


def print_calibration(document: Document) -> None:
    """Print the questions, the confidence before and after, and what changes."""
    weights = document["refitted"] == "weights"
    whose = "your questions" if weights else "questions generated from the notes"
    index = document["index"]
    _say(f"Calibrated on {whose}, over {counted(index['notes'], 'note')}, {index['embedder']}")
    _print_asked(document)
    when = ("before", "after") if weights else ("before",)
    for name in when:
        _heading(f"Confidence {name}" if weights else "Confidence, which stays as it is")
        _print_reliability(document[name]["reliability"])
    _print_measures(document, when)
    _print_answered(document)
    _say("")
    if not weights:
        for line in _WHY_THRESHOLD_ONLY:
            _say(line)
    _say(f"Saved in {document['path']}")
    _say("try: ragqa calibrate --reset to undo this")


def print_reset(*, removed: bool) -> None:
    """Print which confidence model is in use now."""
    done = "removed your calibration" if removed else "you had no calibration"
    _say(f"{done}; confidence comes from the model that ragqa ships")


def _print_asked(document: Document) -> None:
    _heading("Asked")
    for kind, questions in document["questions"].items():
        if questions:
            _say(f"{questions:>5}  {_KINDS[kind]}")
    share, source = document["answerable_share"], document["answerable_share_from"]
    basis = "as in your questions" if source == "your questions" else "an assumption"
    _say(f"They count as if the notes answered {share:.0%} of all questions, {basis}.")


def _print_reliability(bins: Sequence[Document]) -> None:
    """Print a row per bin, with a bar for the share answerable and a mark for the confidence."""
    head = f"{'confidence':<10}  {'questions':>9}  {'mean':>4}  {'answerable':>10}"
    emit(stdout(), Text(f"{head}  # answerable, | confidence", style="quiet"))
    for one in bins:
        bar = ["#" if at < round(one["answerable"] * _BAR) else " " for at in range(_BAR + 1)]
        bar[round(one["confidence"] * _BAR)] = "|"
        _say(
            f"{one['low']:.1f} to {one['high']:.1f}  {one['questions']:>9}  "
            f"{one['confidence']:>4.2f}  {one['answerable']:>10.2f}  {''.join(bar).rstrip()}"
        )


def _print_measures(document: Document, when: Sequence[str]) -> None:
    names = {"auroc": "AUROC (more is better)", "ece": "calibration error (less)"}
    emit(stdout(), Text(f"\n{'':<24}" + "".join(f"  {name:<20}" for name in when).rstrip()))
    for name, label in names.items():
        cells = [
            f"{found[name]:.3f} [{found[f'{name}_interval'][0]:.3f}, "
            f"{found[f'{name}_interval'][1]:.3f}]"
            for found in (document[one] for one in when)
        ]
        _say(f"{label:<24}" + "".join(f"  {cell:<20}" for cell in cells).rstrip())


def _print_answered(document: Document) -> None:
    before, after = document["before"], document["after"]
    _heading(
        f"Answered at a confidence of at least {after['threshold']:.2f}, before "
        f"{before['threshold']:.2f}"
    )
    emit(
        stdout(),
        Text(f"{'':<35}  questions  {'answered':<12}  with {SURE_FROM} or more", style="quiet"),
    )
    for kind, found in after["answered"].items():
        cells = [
            f"{found[name]:>4} ({found[name] - before['answered'][kind][name]:+})"
            for name in ("answered", "confident")
        ]
        _say(f"{_KINDS[kind]:<35}  {document['questions'][kind]:>9}  {cells[0]:<12}  {cells[1]}")


def _heading(text: str) -> None:
    emit(stdout(), Text(f"\n{safe_line(text)}", style="bold"))


def _say(text: str) -> None:
    emit(stdout(), Text(safe_line(text)))
