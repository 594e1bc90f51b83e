"""Hybrid retrieval: dense and term hits, fused by a convex combination of their scores."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import TypeAlias

from ragqa.index import Snapshot
from ragqa.search.question import Question
from ragqa.text.dates import Period, months_of
from ragqa.types import Filters, Hit, Vector

DENSE_SPAN = 0.5
TERMS_SPAN = 1.25
"""What a good passage scores: its cosine above the lowest candidate's, and its BM25 score per
question length. Divided by these, both legs are about 1 (docs/decisions/search.md)."""

_BY_TERMS_ALONE = (
    "the embedder cannot read this language, so this was found by its words alone; a multilingual "
    "model may read it: ragqa config set embedder intfloat/multilingual-e5-small"
)

CONTEXT_WEIGHT = 0.3
"""How much the cosine of its folder's context adds to a passage (docs/decisions/search.md)."""


CANDIDATES = 200
"""The candidates of each leg."""

DENSE_WEIGHT = 0.5
"""The weight of the dense leg for a question that the embedder can read."""

Contexts: TypeAlias = Mapping[str, Vector]
"""The embeddings of the contexts of several folders, by the folder's name."""

Scored: TypeAlias = Sequence[tuple[int, float]]
"""Passages as (id, score), best first."""

Legs: TypeAlias = tuple[Scored, Scored]
"""The passages nearest in meaning, by cosine, and those that have the words, by BM25.

There are none of the first if the embedder cannot read the question.
"""


def retrieve(
    snapshot: Snapshot, question: Question, *, k: int, filters: Filters, contexts: Contexts
) -> tuple[Hit, ...]:
    """The k best passages for a question, best first; ties are broken by passage id."""
    legs = find_legs(snapshot, question, most=max(k, CANDIDATES), filters=filters)
    return hits_of(snapshot, legs, ranked(snapshot, question, legs, contexts)[:k])


def find_legs(snapshot: Snapshot, question: Question, *, most: int, filters: Filters) -> Legs:
    """Find the candidates of both legs, at most so many of each."""
    near: Scored = ()
    if not question.by_terms_alone:
        near = snapshot.dense(question.vectors.pooled, most, filters)
    return near, snapshot.terms([*question.searched, *question.parts], most, filters)


def ranked(
    snapshot: Snapshot, question: Question, legs: Legs, contexts: Contexts
) -> list[tuple[int, float]]:
    """Both legs fused into one list of (passage id, score), best first.

    A passage scores more the nearer the context of its folder is to the question.
    """
    weight = DENSE_WEIGHT * question.readable
    fused = fuse(*legs, dense_weight=weight, length=question.length)
    if not contexts or question.by_terms_alone:
        return fused
    asked = question.vectors.pooled
    near = {folder: float(vector @ asked) for folder, vector in contexts.items()}
    low = min(near.values())
    passages = snapshot.passages([passage_id for passage_id, _ in fused])
    scores = {
        passage.id: score + CONTEXT_WEIGHT * (near.get(passage.path.partition("/")[0], low) - low)
        for passage, (_, score) in zip(passages, fused, strict=True)
    }
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def hits_of(snapshot: Snapshot, legs: Legs, ranked: Scored) -> tuple[Hit, ...]:
    """Load the ranked passages of these legs as hits."""
    passages = snapshot.passages([passage_id for passage_id, _ in ranked])
    cosines, scores = map(dict, legs)
    return tuple(
        Hit(
            passage=passage,
            score=score,
            dense=cosines.get(passage.id),
            terms=scores.get(passage.id),
        )
        for passage, (_, score) in zip(passages, ranked, strict=True)
    )


def find_hits(
    snapshot: Snapshot,
    question: Question,
    filters: Filters,
    *,
    wanted: int,
    contexts: Contexts,
    keep: Callable[[Sequence[Hit]], tuple[list[Hit], list[str]]],
) -> tuple[tuple[Hit, ...], list[str]]:
    """The best hits that stand in their notes, first those of a time asked for; warnings.

    :param wanted: how many hits, if there are that many.
    :param keep: gives those that stand in their notes, and warnings of the others.
    """

    def standing(only: Filters) -> tuple[tuple[Hit, ...], list[str]]:
        k = wanted
        while True:
            best = retrieve(snapshot, question, k=k, filters=only, contexts=contexts)
            kept, warnings = keep(best)
            if len(kept) >= wanted or len(best) < k:
                return tuple(kept[:wanted]), warnings
            k *= 4

    hits, warnings = standing(filters)
    if question.period:
        since, until = max(question.period.since, filters.since), question.period.until
        until = min(filter(None, (until, filters.until)), default="")
        own, _ = standing(replace(filters, since=since, until=until))
        hits = _of_period_first(question.period, own, hits)
    return hits, warnings + [_BY_TERMS_ALONE] * question.by_terms_alone


def _of_period_first(period: Period, own: Sequence[Hit], hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The hits, first those of notes of a time, then those that name a date of it."""
    ids = {hit.passage.id for hit in own}
    others = [hit for hit in hits if hit.passage.id not in ids]
    within = [any(map(period.has, months_of(hit.passage.searched_text))) for hit in others]
    return (*own, *compress(others, within), *compress(others, map(operator.not_, within)))


def fuse(
    dense: Scored, terms: Scored, *, dense_weight: float, length: float = 1.0
) -> list[tuple[int, float]]:
    """Fuse two scored lists into one, best first; ties are broken by id.

    A convex combination (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
    Retrieval", 2023), but without scaling each leg's best to 1: a cosine counts by its distance
    from the lowest candidate's, a BM25 score relative to the question's `length`. So a leg without
    good hits adds little. A passage that a leg did not return scores 0 in it.
    """
    fused: dict[int, float] = {}
    low = min((score for _, score in dense), default=0.0)
    for passage_id, score in dense:
        fused[passage_id] = dense_weight * (score - low) / DENSE_SPAN
    for passage_id, score in terms:
        part = (1 - dense_weight) * score / (length * TERMS_SPAN)
        fused[passage_id] = fused.get(passage_id, 0.0) + part
    return sorted(fused.items(), key=lambda item: (-item[1], item[0]))
