"""Ask a collection questions and measure the results."""

from collections.abc import Callable, Mapping, Sequence

from ragqa.api import MIN_POOL
from ragqa.errors import UsageError
from ragqa.evaluation.collection import Collection
from ragqa.evaluation.measures import METHODS, measure_rankings
from ragqa.evaluation.outcomes import Outcome, answer_scores, why_missed
from ragqa.evaluation.tasks import Task
from ragqa.search.question import Question, clean_question, read_question
from ragqa.search.retrieve import find_legs, hits_of, ranked
from ragqa.types import Answer, Filters, Hit, Progress

Answerer = Callable[[Question, tuple[Hit, ...]], Answer]
"""Answers a question from the passages that were found for it."""


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
        hits: tuple[Hit, ...] = ()
        answer = None
        try:
            typed = clean_question(task.question)
        except UsageError as exc:
            warnings.append(f"question {task.id} counts as zero: {exc.message}")
        else:
            question = read_question(collection.snapshot, collection.embedder, typed)
            rankings, hits = _find(collection, task, question)
            answer = answer_from(question, hits) if answer_from else None
        scores = answer_scores(task, answer) if answer_from else {}
        outcomes.append(_outcome(task, rankings, hits, answer, scores))
    progress("asking", len(tasks), len(tasks))
    return outcomes, warnings


def _find(
    collection: Collection, task: Task, question: Question
) -> tuple[dict[str, list[str]], tuple[Hit, ...]]:
    """The ranking of units by each method, and the best passages by both."""
    snapshot, ranking = collection.snapshot, collection.ranking
    most = max(MIN_POOL, ranking.candidates)
    legs = find_legs(snapshot, question, most=most, filters=Filters())
    fused = ranked(snapshot, question, legs, ranking)
    by_method = {"hybrid": fused, "dense": legs.dense, "terms": legs.terms}
    rankings = {method: _units(task, ids) for method, ids in by_method.items()}
    return rankings, hits_of(snapshot, legs, fused[:MIN_POOL])


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
