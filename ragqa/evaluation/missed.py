"""Find the pipeline stage that lost a missed question."""

from collections.abc import Iterable, Mapping, Sequence

from ragqa.evaluation.excerpts import GOOD_COVERAGE, Score
from ragqa.evaluation.tasks import Found, Missed, Task
from ragqa.stages import LOOKED_AT, losing_leg
from ragqa.types import Hit

_SHOWN = 3

Ranks = Mapping[str, Sequence[int | None]]


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
    if not stage:
        return None
    return Missed(
        stage=stage,
        expected=tuple(task.expect()),
        found=tuple(map(_found, hits[:_SHOWN])),
        said=tuple(said),
    )


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
    return Missed(
        stage=stage,
        expected=tuple(task.expect()),
        found=tuple(map(_found, hits[:_SHOWN])),
        said=(),
    )


def _stage(task: Task, ranks: Ranks, answer: Sequence[float] | None) -> str:
    lost = [at for at in range(len(task.relevant)) if not _seen(ranks["hybrid"][at])]
    if not lost or (task.by_document and len(lost) < len(task.relevant)):
        return "composer" if answer is not None and answer[-1] < 1 else ""
    units = list(task.relevant)
    if all(units[at] in task.unretrievable for at in lost):
        return "chunking"
    dense, terms = (_best(ranks[leg][at] for at in lost) for leg in ("dense", "terms"))
    return losing_leg(dense, terms)


def _seen(rank: int | None) -> bool:
    return rank is not None and rank <= LOOKED_AT


def _best(ranks: Iterable[int | None]) -> int | None:
    return min((rank for rank in ranks if rank is not None), default=None)


def _found(hit: Hit) -> Found:
    passage = hit.passage
    return Found(passage.path, passage.lines, passage.heading, passage.text, round(hit.score, 4))
