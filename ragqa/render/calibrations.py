"""The result of a calibration on the terminal, within 80 columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from ragqa.render.screen import print_columns, put, put_heading
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
    rows = []
    for one in bins:
        bar = ["#" if at < round(one["answerable"] * _BAR) else " " for at in range(_BAR + 1)]
        bar[round(one["confidence"] * _BAR)] = "|"
        figures = [f"{one[name]:.2f}" for name in ("confidence", "answerable")]
        span = f"{one['low']:.1f} to {one['high']:.1f}"
        rows.append([span, str(one["questions"]), *figures, "".join(bar)])
    head = ["confidence", "questions", "mean", "answerable", "# answerable, | confidence"]
    print_columns(head, rows, align="<>>><")


def _print_measures(document: Document, when: Sequence[str]) -> None:
    names = {"auroc": "AUROC (more is better)", "ece": "calibration error (less)"}
    rows = [["", *when]]
    for name, label in names.items():
        found = [(document[one][name], *document[one][f"{name}_interval"]) for one in when]
        rows.append([label, *(f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in found)])
    put()
    print_columns([], rows)


def _print_answered(document: Document) -> None:
    before, after = document["before"], document["after"]
    put_heading(
        f"Answered at a confidence of at least {after['threshold']:.2f}, before "
        f"{before['threshold']:.2f}"
    )
    rows = []
    for kind, found in after["answered"].items():
        cells = [
            f"{found[name]:>4} ({found[name] - before['answered'][kind][name]:+})"
            for name in ("answered", "confident")
        ]
        rows.append([_KINDS[kind], str(document["questions"][kind]), *cells])
    head = [" " * 35, "questions", f"{'answered':<12}", f"with {SURE_FROM} or more"]
    print_columns(head, rows, align="<><<")
