"""Ask a collection questions and measure the results."""

from collections.abc import Mapping, Sequence

from ragqa.answering import Assessment, assess
from ragqa.answering.scoring import choose
from ragqa.api import MIN_POOL
from ragqa.errors import UsageError
from ragqa.evaluation.collection import Collection
from ragqa.evaluation.measures import (
    ANSWERS_AT,
    METHODS,
    answer_found,
    measure_rankings,
)
from ragqa.evaluation.outcomes import Outcome, why_missed
from ragqa.evaluation.tasks import Task
from ragqa.search.question import clean_question, read_question
from ragqa.search.retrieve import find_legs, hits_of, ranked
from ragqa.types import Filters, Hit, Progress


def ask_all(
    collection: Collection, tasks: Sequence[Task], progress: Progress, *, compose: bool
) -> tuple[list[Outcome], list[str]]:
    """Ask every question; returns the outcomes in order, and warnings about those that failed.

    :param compose: also measure answers and the confidence in them.
    """
    outcomes: list[Outcome] = []
    warnings: list[str] = []
    for done, task in enumerate(tasks):
        progress("asking", done, len(tasks))
        try:
            question = clean_question(task.question)
        except UsageError as exc:
            warnings.append(f"question {task.id} counts as zero: {exc.message}")
            outcomes.append(_outcome(task, dict.fromkeys(METHODS, ()), compose=compose))
        else:
            outcomes.append(_ask(collection, task, question, compose=compose))
    progress("asking", len(tasks), len(tasks))
    return outcomes, warnings


def _ask(collection: Collection, task: Task, question: str, *, compose: bool) -> Outcome:
    snapshot, embedder, ranking = collection.snapshot, collection.embedder, collection.ranking
    asked = read_question(snapshot, embedder, question)
    most = max(MIN_POOL, ranking.candidates)
    legs = find_legs(snapshot, asked, most=most, filters=Filters())
    fused = ranked(snapshot, asked, legs, ranking)
    hits = hits_of(snapshot, legs, fused[:MIN_POOL])
    legs_of = {"hybrid": fused, "dense": legs.dense, "terms": legs.terms}
    rankings = {method: _units(task, ids) for method, ids in legs_of.items()}
    weighed = assess(asked, hits, embedder, collection.answering) if compose else None
    return _outcome(task, rankings, hits, weighed, compose=compose)


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
    hits: Sequence[Hit] = (),
    weighed: Assessment | None = None,
    *,
    compose: bool,
) -> Outcome:
    """Measure what was found; `rankings` are of units, by method."""
    ranks = {
        method: tuple(
            ranking.index(unit) + 1 if unit in ranking else None for unit in task.relevant
        )
        for method, ranking in rankings.items()
    }
    said = _sentences(weighed)
    answer = _answer(task, said) if compose and task.answers else None
    return Outcome(
        task,
        measures=measure_rankings(dict.fromkeys(METHODS, task.relevant), rankings)
        if task.relevant
        else {},
        ranks=ranks,
        empty=tuple(method for method, ranking in rankings.items() if not ranking),
        answer=answer,
        confidence=weighed.confidence if weighed else None,
        answered=weighed.answered if weighed else None,
        missing=weighed.missing if weighed else (),
        missed=why_missed(task, ranks, answer, hits, [shown for shown, _ in said]),
    )


def _sentences(weighed: Assessment | None) -> list[tuple[str, str]]:
    """(text, quote) of the best answer sentences, best first, shown or not."""
    if weighed is None:
        return []
    best = choose(weighed.candidates, ANSWERS_AT[-1])
    return [(one.candidate.text, one.candidate.quote) for one in best]


def _answer(task: Task, said: Sequence[tuple[str, str]]) -> tuple[float, ...]:
    """The share of the question's parts answered within the first 1, 2 and 3 sentences."""
    shares = []
    for n in ANSWERS_AT:
        texts = [text for both in said[:n] for text in both]
        answered = [answer_found(texts, answers) for answers in task.answers]
        shares.append(sum(answered) / len(answered))
    return tuple(shares)
