"""The outcome of a question, and the pipeline stage that lost a missed one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragqa.evaluation.excerpts import GOOD_COVERAGE, Marked, Score
from ragqa.evaluation.tasks import Expected, Task
from ragqa.stages import LOOKED_AT, losing_leg
from ragqa.types import Citation, Hit

Ranks = Mapping[str, Sequence[int | None]]

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A passage retrieved for a question."""

    path: str
    lines: tuple[int, int]
    heading: tuple[str, ...]
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Missed:
    """A missed question: the stage that lost it, what was expected, and what was found."""

    stage: str
    expected: tuple[Expected, ...]
    found: tuple[Found, ...]
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quoted:
    """What an answer cited, scored against the gold excerpts.

    `score` is None for a question that the notes do not answer. `marked` shows the wanted and the
    cited text in the notes.
    """

    cited: tuple[Citation, ...]
    score: Score | None
    marked: tuple[Marked, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one question.

    `measures` and `ranks` are by method; nothing is measured if nothing is judged. Ranks are those
    of the relevant units, from 1, None for one that is not a candidate. `answer` has answer@1 to 3;
    it, `confidence` and `answered` are None if no answer was composed. `empty` are the methods that
    found nothing. `quoted` is None if citations are not measured.
    """

    task: Task
    measures: Mapping[str, Mapping[str, float]]
    ranks: Ranks
    empty: tuple[str, ...]
    missed: Missed | None
    answer: tuple[float, ...] | None = None
    confidence: float | None = None
    answered: bool | None = None
    missing: tuple[str, ...] = ()
    quoted: Quoted | None = None


def why_missed(
    task: Task,
    ranks: Ranks,
    answer: Sequence[float] | None,
    hits: Sequence[Hit],
    said: Sequence[str],
) -> Missed | None:
    """What was missed of an answerable question; None if nothing was.

    A question is missed if any of its parts, or all of its relevant documents, rank below fifth,
    or if its gold answer is not in the first three sentences.

    :param ranks: the rank of each relevant unit, by method.
    :param answer: answer@1 to 3, if answers are measured.
    """
    stage = _stage(task, ranks, answer)
    return _missed(stage, task, hits, said) if stage else None


def why_not_good(
    task: Task, ranks: Ranks, score: Score, hits: Sequence[Hit], *, answered: bool
) -> Missed | None:
    """What lost a question with gold excerpts; None if its answer is good.

    :param ranks: as for `why_missed`.
    """
    if score.good:
        return None
    if score.coverage >= GOOD_COVERAGE:
        stage = "noise"
    else:
        stage = _stage(task, ranks, None) or ("composer" if answered else "confidence")
    return _missed(stage, task, hits, ())


def _missed(stage: str, task: Task, hits: Sequence[Hit], said: Sequence[str]) -> Missed:
    passages = [(hit.passage, round(hit.score, 4)) for hit in hits[:_SHOWN]]
    found = tuple(Found(p.path, p.lines, p.heading, p.text, score) for p, score in passages)
    return Missed(stage, tuple(task.expect()), found, tuple(said))


def _stage(task: Task, ranks: Ranks, answer: Sequence[float] | None) -> str:
    hybrid = ranks["hybrid"]
    lost = [at for at, rank in enumerate(hybrid) if rank is None or rank > LOOKED_AT]
    if not lost or (task.by_document and len(lost) < len(task.relevant)):
        return "composer" if answer is not None and answer[-1] < 1 else ""
    units = list(task.relevant)
    if all(units[at] in task.unretrievable for at in lost):
        return "chunking"
    known = ([r for at in lost if (r := ranks[leg][at])] for leg in ("dense", "terms"))
    return losing_leg(*(min(found, default=None) for found in known))
