"""The training data of a calibration: questions, with the features of their results."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib import resources
from itertools import chain

from ragqa.answering.candidates import candidates_of
from ragqa.answering.confidence import features
from ragqa.answering.reading import read
from ragqa.answering.scoring import score
from ragqa.api import MIN_POOL
from ragqa.errors import UsageError
from ragqa.evaluation.collection import Collection
from ragqa.evaluation.tasks import Task
from ragqa.retrieval import clean_question, retrieve
from ragqa.types import Filters, Hit, Progress

MIN_EVERYDAY = 20
"""With fewer everyday questions that are off topic for the notes, none is used."""

COVERED_FROM = 0.6
"""An everyday question counts as covered by the notes if one sentence contains at least this share
of its words, weighted by rarity. In collections that answer none, the highest share was .59."""

_POOL = 60


class ExampleKind(StrEnum):
    """Whether the notes answer a question, and if not, why."""

    ANSWERABLE = "answerable"
    UNANSWERABLE = "unanswerable"
    NEAR = "near"
    EVERYDAY = "everyday"


@dataclass(frozen=True, slots=True)
class Example:
    """A question and its confidence features.

    `near` questions are answerable ones, asked without the passages that answer them;
    `unanswerable` ones are labelled so; `everyday` ones are shipped with ragqa.
    """

    question: str
    kind: ExampleKind
    features: Mapping[str, float]


Examples = Sequence[Example]


def count(examples: Examples) -> dict[ExampleKind, int]:
    """Count the examples of each kind."""
    counts = Counter(example.kind for example in examples)
    return {kind: counts[kind] for kind in ExampleKind}


def gather(
    collection: Collection, tasks: Sequence[Task], progress: Progress
) -> tuple[list[Example], list[str]]:
    """Ask these and the everyday questions; returns the examples, and warnings about the rest.

    A question gives no example if the embedder cannot read it, or if no passage contains its
    answer any more.
    """
    everyday = everyday_questions()
    asking = chain(
        (_of_task(collection, task) for task in tasks),
        (_example(collection, question, ExampleKind.EVERYDAY) for question in everyday),
    )
    found: list[list[Example]] = []
    total = len(tasks) + len(everyday)
    for done, examples in enumerate(asking):
        progress("asking", done, total)
        found.append(list(examples))
    progress("asking", total, total)
    own, others = found[: len(tasks)], chain.from_iterable(found[len(tasks) :])
    lost = sum(not examples for examples in own)
    off_topic = [one for one in others if one.features["coverage"] < COVERED_FROM]
    warnings = []
    if lost:
        warnings.append(
            f"questions left out: {lost} (no passage holds their answer, or the embedder cannot "
            "read them)"
        )
    if len(off_topic) < MIN_EVERYDAY:
        warnings.append(
            f"the notes seem to cover {len(everyday) - len(off_topic)} of the {len(everyday)} "
            "everyday questions, so none was used"
        )
        off_topic = []
    return [*chain.from_iterable(own), *off_topic], warnings


def everyday_questions() -> list[str]:
    """The questions about everyday life that are shipped with ragqa."""
    file = resources.files("ragqa.evaluation.calibrating").joinpath("everyday.txt")
    lines = file.read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _of_task(collection: Collection, task: Task) -> Iterator[Example]:
    """The examples of a question: as it is and, if answerable, without the answering passages."""
    if not task.answerable:
        yield from _example(collection, task.question, ExampleKind.UNANSWERABLE)
        return
    if task.unretrievable.issuperset(task.relevant):
        return

    def is_no_answer(hit: Hit) -> bool:
        return task.relevant.keys().isdisjoint(task.units_of(hit.passage.id))

    yield from _example(collection, task.question, ExampleKind.ANSWERABLE)
    yield from _example(collection, task.question, ExampleKind.NEAR, is_no_answer)


def features_of(
    collection: Collection, question: str, keep: Callable[[Hit], bool] | None = None
) -> Mapping[str, float] | None:
    """The confidence features of a question, asked against the passages that `keep` accepts.

    None if no sentence is found or the embedder cannot read the question; the terms-only model
    for that case has other features.

    :raises UsageError: it cannot be asked.
    """
    found = retrieve(
        collection.snapshot,
        collection.embedder,
        clean_question(question),
        k=_POOL,
        filters=Filters(),
        ranking=collection.ranking,
    )
    if found.by_terms_alone:
        return None
    hits = tuple(filter(keep, found.hits)) if keep else found.hits
    reading = read(replace(found, hits=hits[:MIN_POOL]), collection.embedder)
    scored = score(reading, candidates_of(reading.hits, asked=reading.question.terms))
    return features(reading, scored) if scored else None


def _example(
    collection: Collection,
    question: str,
    kind: ExampleKind,
    keep: Callable[[Hit], bool] | None = None,
) -> Iterable[Example]:
    """Ask a question as `features_of` does; one example or none."""
    try:
        seen = features_of(collection, question, keep)
    except UsageError:
        return []
    return [Example(clean_question(question), kind, seen)] if seen else []
