"""Calibrate confidence on the user's notes, with their own questions or generated ones.

`examples` asks the questions, `fitting` fits and measures. Generated questions are too
unlike people's to fit weights on (docs/decisions/calibrate.md), so they only set the threshold.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from ragqa import __version__
from ragqa.answering.calibration_file import FILE, Refitted, own_document
from ragqa.answering.confidence import Models, shipped
from ragqa.api import Index
from ragqa.clock import today
from ragqa.errors import IndexNotWritable, UsageError
from ragqa.evaluation.calibrating import fitting
from ragqa.evaluation.calibrating.examples import ExampleKind, Examples, count, gather
from ragqa.evaluation.collection import open_collection
from ragqa.evaluation.evaluating import read_notes, tasks_about
from ragqa.evaluation.generating import generate_questions
from ragqa.evaluation.questions import Question
from ragqa.evaluation.statistics import Values
from ragqa.evaluation.summary import Document
from ragqa.private import write_private
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
    own = questions is not None
    if questions is None:
        questions = generate_questions(read_notes(index.source, progress)[0], generate, seed=seed)
    with open_collection(index) as collection:
        tasks, gone = tasks_about(index, collection, questions)
        examples, left_out = gather(collection, tasks, progress)
    _check_enough(examples, own=own)
    models, document = _fit(examples, own=own, seed=seed)
    path = index.places.index / FILE
    document |= {
        "date": today().isoformat(),
        "ragqa": __version__,
        "path": str(path),
        "index": {"embedder": report.info.embedder.name, "notes": report.info.notes},
        "warnings": [*report.warnings, *gone, *left_out],
    }
    file = _file(models, document, report.info.embedder)
    try:
        write_private(path, json.dumps(file, indent=2) + "\n")
    except OSError as exc:
        problem = f"{path} cannot be written: {exc.strerror}"
        raise IndexNotWritable(problem, hint="make its folder writable") from exc
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


def _check_enough(examples: Examples, *, own: bool) -> None:
    usable = count(examples)[ExampleKind.ANSWERABLE]
    if usable >= MIN_ANSWERABLE:
        return
    whose = "of your questions" if own else "questions made from the notes"
    hint = "write more of them" if own else "write questions of your own"
    raise UsageError(
        f"{usable} {whose} can be used; {MIN_ANSWERABLE} that the notes answer are needed",
        hint=f"{hint} (docs/evaluation.md says how): ragqa calibrate --questions FILE",
    )


def _fit(examples: Examples, *, own: bool, seed: int) -> tuple[Models, Document]:
    """The shipped model with refitted weights, judged by cross-validation.

    From generated questions, only its threshold is raised if necessary.
    """
    models, mixture = shipped(), fitting.Mixture.of(examples)
    before = after = fitting.probabilities(models.all, examples)
    if own:
        after = fitting.cross_validated(models.all, examples, mixture, seed=seed)
        fitted = replace(
            fitting.refit(models.all, examples, mixture.weights(examples)),
            threshold=fitting.answering_threshold(after, examples),
        )
    else:
        fitted = replace(models.all, threshold=fitting.raise_threshold(models.all, examples))

    def judged(confidence: Values, threshold: float) -> Document:
        return {
            "threshold": threshold,
            **fitting.quality(confidence, examples, mixture.weights(examples)),
            "answered": fitting.answered(confidence, threshold, examples),
        }

    return replace(models, all=fitted), {
        "refitted": Refitted.WEIGHTS if own else Refitted.THRESHOLD,
        "questions": {str(kind): n for kind, n in count(examples).items()},
        "answerable_share": round(mixture.answerable, 3),
        "answerable_share_from": "your questions" if mixture.is_own else "an assumption",
        "before": judged(before, models.all.threshold),
        "after": judged(after, fitted.threshold),
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
