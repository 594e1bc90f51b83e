"""Ask an index questions: what was measured of each, and the stage that lost a missed one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ragqa.api import Index
from ragqa.errors import UsageError
from ragqa.evaluation.measures import (
    GOOD_COVERAGE,
    METHODS,
    answer_found,
    measure_ranking,
    score_citations,
)
from ragqa.evaluation.questions import Expected, Task
from ragqa.search.retrieve import Retrieved
from ragqa.text.words import unspaced_count
from ragqa.types import Answer, Citation, Hit, Progress
from ragqa.why import LOOKED_AT, losing_leg

Ranks = Mapping[str, Sequence[int | None]]

_SHOWN = 3
_FOUND = ("path", "lines", "heading", "text")


@dataclass(frozen=True, slots=True)
class Missed:
    """A missed question: the stage that lost it, what was expected, and what was found."""

    stage: str
    expected: tuple[Expected, ...]
    found: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one question.

    `measures` and `ranks` are by method; nothing is measured if nothing is judged. Ranks are those
    of the relevant units, from 1, None for one that is not a candidate. `scores` are the measures
    of the answer that apply. `answer` is None if none was composed.
    """

    task: Task
    measures: Mapping[str, Mapping[str, float]]
    ranks: Ranks
    scores: Mapping[str, float]
    missed: Missed | None
    answer: Answer | None = None


def ask_all(
    index: Index, tasks: Sequence[Task], progress: Progress
) -> tuple[list[Outcome], list[str]]:
    """Ask every question; returns the outcomes in order, and warnings about those that failed."""
    outcomes, warnings = list[Outcome](), list[str]()
    for done, task in enumerate(tasks):
        progress("asking", done, len(tasks))
        ids: Mapping[str, Sequence[int]] = dict.fromkeys(METHODS, ())
        hits: tuple[Hit, ...] = ()
        answer = None
        try:
            found = index.find(task.question, refresh=False)
        except UsageError as exc:
            warnings.append(f"question {task.id} counts as zero: {exc.message}")
        else:
            ids, hits = rankings_of(found.retrieved), found.hits
            answer = index.answer_from(found, index.evidence(found))
        rankings = {method: _units(task, ranked) for method, ranked in ids.items()}
        ranks, scores = ranks_of(task, rankings), answer_scores(task, answer)
        judged = rankings if task.relevant else {}
        measures = {name: measure_ranking(task.relevant, units) for name, units in judged.items()}
        answered = answer is not None and answer.answered
        missed = why_missed(task, ranks, scores, hits, answered=answered)
        outcomes.append(Outcome(task, measures, ranks, scores, missed, answer))
    progress("asking", len(tasks), len(tasks))
    return outcomes, warnings


def rankings_of(retrieved: Retrieved) -> dict[str, list[int]]:
    """The passages as each method ranks them."""
    scored = retrieved.by_both, retrieved.by_meaning, retrieved.by_words
    return {
        method: [id_ for id_, _ in ranking] for method, ranking in zip(METHODS, scored, strict=True)
    }


def ranks_of(task: Task, rankings: Mapping[str, Sequence[str]]) -> Ranks:
    """The rank of each relevant unit in each ranking, from 1."""
    return {
        method: tuple(units.index(u) + 1 if u in units else None for u in task.relevant)
        for method, units in rankings.items()
    }


def _units(task: Task, passages: Sequence[int]) -> list[str]:
    """The ranking of units, each at its first occurrence; a passage with two takes two ranks."""
    ranking: dict[str, None] = {}
    for passage_id in passages:
        new = [unit for unit in task.units_of(passage_id) if unit not in ranking]
        ranking.update(dict.fromkeys(new or [f"again {passage_id}"]))
    return list(ranking)


def answer_scores(task: Task, answer: Answer | None) -> dict[str, float]:
    """The measures of what is shown: an answer, and after it the further excerpts, one by one.

    A question that is not answered shows nothing. Short answers are measured by the share of the
    question's parts whose answer is shown.

    :param answer: None if the question cannot be asked.
    """
    shown: Sequence[Sequence[Citation]] = ()
    if answer and answer.answered:
        shown = [answer.citations, *((citation,) for citation in answer.also)][:_SHOWN]
    first = shown[0] if shown else ()
    whole = [
        replace(citation, chars=citation.around or citation.chars, quote=citation.shown)
        for group in shown
        for citation in group
    ]
    scores: dict[str, float] = {}
    partly = False
    if task.gold:
        score = score_citations(first, task.gold)
        partly = score.partly
        anywhere = any(score_citations(group, task.gold).good for group in shown)
        scores |= {"good": score.good, "good@3": anywhere, "coverage": score.coverage}
        scores["coverage@3"] = score_citations(whole, task.gold).coverage
        scores |= {} if score.noise is None else {"noise": score.noise}
    elif task.answers:
        scores["shown@1"] = _share_found(task, first)
        scores["shown@3"] = _share_found(task, whole)
        partly = scores["shown@1"] > 0
    scores["sure"] = answer is not None and answer.sure
    if scores["sure"] and (task.gold or task.answers or not task.answerable):
        scores["wrong"] = not partly
    if shown:
        scores["words@1"] = _words(first)
        scores["words@3"] = _words(whole)
    return scores


def _share_found(task: Task, citations: Sequence[Citation]) -> float:
    """The share of short answers in the quotes, each below its table's head or the like."""
    texts = [f"{citation.context}\n{citation.quote}" for citation in citations]
    are_found = [answer_found(texts, answers) for answers in task.answers]
    return sum(are_found) / len(are_found)


def _words(citations: Sequence[Citation]) -> int:
    """The words of these quotes; in scripts without spaces, two characters are a word."""
    quotes = [citation.quote for citation in citations]
    return sum(len(quote.split()) + unspaced_count(quote) // 2 for quote in quotes)


def why_missed(
    task: Task,
    ranks: Ranks,
    scores: Mapping[str, float],
    hits: Sequence[Hit],
    *,
    answered: bool = False,
) -> Missed | None:
    """What was missed of an answerable question; None if nothing was.

    With gold excerpts, a question is missed if its answer is not good. Otherwise it is missed if
    any of its parts ranks below fifth, or if a short answer is not in the first three excerpts
    shown.

    :param ranks: the rank of each relevant unit, by method.
    :param scores: the measures of the answer; empty if none was wanted.
    """
    if not task.answerable or scores.get("good"):
        return None
    if scores.get("coverage", 0) >= GOOD_COVERAGE:
        stage = "noise"
    else:
        stage = _lost_by_ranking(task, ranks)
        if not stage and ("good" in scores or scores.get("shown@3", 1) < 1):
            stage = "composer" if answered else "confidence"
    if not stage:
        return None
    best = tuple({name: getattr(hit.passage, name) for name in _FOUND} for hit in hits[:_SHOWN])
    return Missed(stage, tuple(task.expected), best)


def _lost_by_ranking(task: Task, ranks: Ranks) -> str:
    hybrid = ranks["hybrid"]
    lost = [at for at, rank in enumerate(hybrid) if rank is None or rank > LOOKED_AT]
    if not lost:
        return ""
    units = list(task.relevant)
    if all(units[at] in task.unretrievable for at in lost):
        return "chunking"
    by_leg = ([r for at in lost if (r := ranks[leg][at])] for leg in ("dense", "terms"))
    return losing_leg(*(min(known, default=None) for known in by_leg))
