"""The result of a calibration on the terminal, within 80 columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from ragqa.render.screen import put, put_heading
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
    put(f"Calibrated on {whose}, over {counted(index['notes'], 'note')}, {index['embedder']}")
    _print_asked(document)
    when = ("before", "after") if weights else ("before",)
    for name in when:
        put_heading(f"Confidence {name}" if weights else "Confidence, which stays as it is")
        _print_reliability(document[name]["reliability"])
    _print_measures(document, when)
    _print_answered(document)
    put()
    if not weights:
        for line in _WHY_THRESHOLD_ONLY:
            put(line)
    put(f"Saved in {document['path']}")
    put("try: ragqa calibrate --reset to undo this")


def print_reset(*, removed: bool) -> None:
    """Print which confidence model is in use now."""
    done = "removed your calibration" if removed else "you had no calibration"
    put(f"{done}; confidence comes from the model that ragqa ships")


def _print_asked(document: Document) -> None:
    put_heading("Asked")
    for kind, questions in document["questions"].items():
        if questions:
            put(f"{questions:>5}  {_KINDS[kind]}")
    share, source = document["answerable_share"], document["answerable_share_from"]
    basis = "as in your questions" if source == "your questions" else "an assumption"
    put(f"They count as if the notes answered {share:.0%} of all questions, {basis}.")


def _print_reliability(bins: Sequence[Document]) -> None:
    """Print a row per bin, with a bar for the share answerable and a mark for the confidence."""
    head = f"{'confidence':<10}  {'questions':>9}  {'mean':>4}  {'answerable':>10}"
    put(f"{head}  # answerable, | confidence", "quiet")
    for one in bins:
        bar = ["#" if at < round(one["answerable"] * _BAR) else " " for at in range(_BAR + 1)]
        bar[round(one["confidence"] * _BAR)] = "|"
        put(
            f"{one['low']:.1f} to {one['high']:.1f}  {one['questions']:>9}  "
            f"{one['confidence']:>4.2f}  {one['answerable']:>10.2f}  {''.join(bar).rstrip()}"
        )


def _print_measures(document: Document, when: Sequence[str]) -> None:
    names = {"auroc": "AUROC (more is better)", "ece": "calibration error (less)"}
    put()
    put((f"{'':<24}" + "".join(f"  {name:<20}" for name in when)).rstrip())
    for name, label in names.items():
        cells = [
            f"{found[name]:.3f} [{found[f'{name}_interval'][0]:.3f}, "
            f"{found[f'{name}_interval'][1]:.3f}]"
            for found in (document[one] for one in when)
        ]
        put(f"{label:<24}" + "".join(f"  {cell:<20}" for cell in cells).rstrip())


def _print_answered(document: Document) -> None:
    before, after = document["before"], document["after"]
    put_heading(
        f"Answered at a confidence of at least {after['threshold']:.2f}, before "
        f"{before['threshold']:.2f}"
    )
    put(f"{'':<35}  questions  {'answered':<12}  with {SURE_FROM} or more", "quiet")
    for kind, found in after["answered"].items():
        cells = [
            f"{found[name]:>4} ({found[name] - before['answered'][kind][name]:+})"
            for name in ("answered", "confident")
        ]
        put(f"{_KINDS[kind]:<35}  {document['questions'][kind]:>9}  {cells[0]:<12}  {cells[1]}")
