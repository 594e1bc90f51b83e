"""Ask a collection questions and measure the results."""

from collections.abc import Callable, Mapping, Sequence

from ragqa.api import MIN_POOL
from ragqa.errors import UsageError
from ragqa.evaluation.collection import Collection
from ragqa.evaluation.measures import METHODS, measure_rankings
from ragqa.evaluation.outcomes import Outcome, answer_scores, why_missed
from ragqa.evaluation.tasks import Task
from ragqa.retrieval import clean_question, find_legs, ranked, to_hits
from ragqa.types import Answer, Filters, Hit, Progress, Retrieved

Answerer = Callable[[Retrieved], Answer]
"""Answers the question that passages were retrieved for."""


def ask_all(
    collection: Collection,
    tasks: Sequence[Task],
    progress: Progress,
    answer_from: Answerer | None = None,
) -> tuple[list[Outcome], list[str]]:
    """Ask every question; returns the outcomes in order, and warnings about those that failed.

    :param answer_from: how to answer; None to measure rankings alone.
    """
    outcomes: list[Outcome] = []
    warnings: list[str] = []
    for done, task in enumerate(tasks):
        progress("asking", done, len(tasks))
        rankings: dict[str, list[str]] = {method: [] for method in METHODS}
        hits: Sequence[Hit] = ()
        answer = None
        try:
            question = clean_question(task.question)
        except UsageError as exc:
            warnings.append(f"question {task.id} counts as zero: {exc.message}")
        else:
            rankings, retrieved = _retrieve(collection, task, question)
            hits = retrieved.hits
            answer = answer_from(retrieved) if answer_from else None
        scores = answer_scores(task, answer) if answer_from else {}
        outcomes.append(_outcome(task, rankings, hits, answer, scores))
    progress("asking", len(tasks), len(tasks))
    return outcomes, warnings


def _retrieve(
    collection: Collection, task: Task, question: str
) -> tuple[dict[str, list[str]], Retrieved]:
    """The ranking of units by each method, and the best passages by both."""
    snapshot, ranking = collection.snapshot, collection.ranking
    legs = find_legs(
        snapshot, collection.embedder, question, k=MIN_POOL, filters=Filters(), ranking=ranking
    )
    fused = ranked(snapshot, legs, ranking)
    by_method = {"hybrid": fused, "dense": legs.dense, "terms": legs.terms}
    rankings = {method: _units(task, ids) for method, ids in by_method.items()}
    return rankings, to_hits(snapshot, legs, fused[:MIN_POOL])


def _units(task: Task, ranked: Sequence[tuple[int, float]]) -> list[str]:
    """The ranking of units, each at its first occurrence; a passage with two takes two ranks."""
    ranking: dict[str, None] = {}
    for passage_id, _ in ranked:
        new = [unit for unit in task.units_of(passage_id) if unit not in ranking]
        if not new and not task.by_document:
            new = [f"again {passage_id}"]
        ranking.update(dict.fromkeys(new))
    return list(ranking)


def _outcome(
    task: Task,
    rankings: Mapping[str, Sequence[str]],
    hits: Sequence[Hit],
    answer: Answer | None,
    scores: Mapping[str, float],
) -> Outcome:
    ranks = {
        method: tuple(
            ranking.index(unit) + 1 if unit in ranking else None for unit in task.relevant
        )
        for method, ranking in rankings.items()
    }
    relevant = dict.fromkeys(METHODS, task.relevant)
    answered = answer is not None and answer.answered
    return Outcome(
        task,
        measures=measure_rankings(relevant, rankings) if task.relevant else {},
        ranks=ranks,
        empty=tuple(method for method, ranking in rankings.items() if not ranking),
        scores=scores,
        missed=why_missed(task, ranks, scores, hits, answered=answered),
        answer=answer,
    )
