"""Calibrate confidence on the user's notes, with their own questions or generated ones.

`examples` asks the questions, `fitting` fits, `judging` measures. Generated questions are too
unlike people's to fit weights on (docs/decisions/calibrate.md), so they only set the threshold.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ragqa import __version__
from ragqa.answering import Models, shipped
from ragqa.answering.calibration_file import FILE, Refitted, own_document
from ragqa.api import Index
from ragqa.atomic_write import write_whole
from ragqa.clock import today
from ragqa.errors import IndexNotWritable, UsageError
from ragqa.evaluation.calibrating.examples import Example, Examples, Kind, count, gather
from ragqa.evaluation.calibrating.fitting import (
    Mixture,
    answering_threshold,
    cross_validated,
    probabilities,
    raise_threshold,
    refit,
)
from ragqa.evaluation.calibrating.judging import Document, answered, quality
from ragqa.evaluation.collection import open_collection
from ragqa.evaluation.evaluating import read_notes, tasks_about
from ragqa.evaluation.generating import generate_questions
from ragqa.evaluation.questions import Question
from ragqa.evaluation.statistics import Values
from ragqa.types import EmbedderInfo, Progress

__all__ = ["MIN_ANSWERABLE", "calibrate", "reset"]

MIN_ANSWERABLE = 30
"""With fewer answerable questions nothing is fitted: a single one could decide the result."""


def calibrate(
    index: Index,
    questions: Sequence[Question] | None,
    *,
    generate: int,
    seed: int,
    progress: Progress,
) -> Document:
    """Fit confidence on an index's notes, save it beside the index, and report what it changes.

    :param questions: the user's; if None, `generate` questions are made from the notes.
    :raises UsageError: too few of them can be used.
    :raises IndexNotWritable: the result cannot be written.
    :raises RagqaError: as `Index.refresh` does.
    """
    report = index.refresh(progress=progress)
    asked = questions
    if asked is None:
        notes, _ = read_notes(index.source, progress)
        asked = generate_questions(notes, generate, seed=seed)
    examples, warnings = _ask(index, asked, progress)
    _check_enough(examples, own=questions is not None)
    if questions is None:
        models, document = _with_threshold(examples)
    else:
        models, document = _with_weights(examples, seed)
    path = index.places.index / FILE
    document |= {
        "date": today().isoformat(),
        "ragqa": __version__,
        "path": str(path),
        "index": {"embedder": report.info.embedder.name, "notes": report.info.notes},
        "warnings": [*report.warnings, *warnings],
    }
    _write(path, _file(models, document, report.info.embedder))
    return document


def reset(index: Index) -> bool:
    """Return to the shipped model; False if it was already in use.

    :raises IndexNotWritable: the calibration file cannot be removed.
    """
    path = index.places.index / FILE
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise IndexNotWritable(
            f"{path} cannot be removed: {exc.strerror}", hint="remove it by hand"
        ) from exc
    return True


def _ask(
    index: Index, questions: Sequence[Question], progress: Progress
) -> tuple[list[Example], list[str]]:
    with open_collection(index) as collection:
        tasks, gone = tasks_about(index, collection, questions)
        examples, left_out = gather(collection, tasks, progress)
    return examples, [*gone, *left_out]


def _check_enough(examples: Examples, *, own: bool) -> None:
    usable = count(examples)[Kind.ANSWERABLE]
    if usable >= MIN_ANSWERABLE:
        return
    whose = "of your questions" if own else "questions made from the notes"
    hint = "write more of them" if own else "write questions of your own"
    raise UsageError(
        f"{usable} {whose} can be used; {MIN_ANSWERABLE} that the notes answer are needed",
        hint=f"{hint} (docs/evaluation.md says how): ragqa calibrate --questions FILE",
    )


def _with_weights(examples: Examples, seed: int) -> tuple[Models, Document]:
    """The shipped model with refitted weights, judged by cross-validation."""
    models, mixture = shipped(), Mixture.of(examples)
    before = probabilities(models.all, examples)
    after = cross_validated(models.all, examples, mixture, seed=seed)
    fitted = replace(
        refit(models.all, examples, mixture.weights(examples)),
        threshold=answering_threshold(after, examples),
    )
    return replace(models, all=fitted), {
        "refitted": Refitted.WEIGHTS,
        **_about(examples, mixture),
        "before": _judged(before, models.all.threshold, examples, mixture),
        "after": _judged(after, fitted.threshold, examples, mixture),
    }


def _with_threshold(examples: Examples) -> tuple[Models, Document]:
    """The shipped model with its threshold raised if necessary."""
    models, mixture = shipped(), Mixture.of(examples)
    confidence = probabilities(models.all, examples)
    fitted = replace(models.all, threshold=raise_threshold(models.all, examples))
    return replace(models, all=fitted), {
        "refitted": Refitted.THRESHOLD,
        **_about(examples, mixture),
        "before": _judged(confidence, models.all.threshold, examples, mixture),
        "after": _judged(confidence, fitted.threshold, examples, mixture),
    }


def _about(examples: Examples, mixture: Mixture) -> Document:
    return {
        "questions": {str(kind): n for kind, n in count(examples).items()},
        "answerable_share": round(mixture.answerable, 3),
        "answerable_share_from": "your questions" if mixture.is_own else "an assumption",
    }


def _judged(confidence: Values, threshold: float, examples: Examples, mixture: Mixture) -> Document:
    return {
        "threshold": threshold,
        **quality(confidence, examples, mixture.weights(examples)),
        "answered": answered(confidence, threshold, examples),
    }


def _file(models: Models, document: Document, embedder: EmbedderInfo) -> Document:
    """The calibration file: the models and their provenance."""
    kept = ("ragqa", "questions", "answerable_share", "answerable_share_from")
    quality_of = {
        when: {name: value for name, value in document[when].items() if name != "reliability"}
        for when in ("before", "after")
    }
    return {
        **own_document(models, document["refitted"], embedder, day=today()),
        "provenance": {**{name: document[name] for name in kept}, **quality_of},
    }


def _write(path: Path, document: Document) -> None:
    try:
        write_whole(path, json.dumps(document, indent=2) + "\n")
    except OSError as exc:
        raise IndexNotWritable(
            f"{path} cannot be written: {exc.strerror}", hint="make its folder writable"
        ) from exc
