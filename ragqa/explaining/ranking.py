"""Rank the passages and sentences of one note among all, and find the filters that exclude it."""

from collections.abc import Sequence
from dataclasses import replace

from ragqa.answering import Assessment, assess
from ragqa.answering.candidates import sources_of
from ragqa.answering.composing import Excerpt
from ragqa.answering.scoring import Scored, citation_of
from ragqa.api import MIN_POOL, Index
from ragqa.explaining.explanation import Lost, Place, Sentence
from ragqa.retrieval import Legs, find_legs, to_hits
from ragqa.stores.filters import note_matcher
from ragqa.types import Filters, Retrieved


def rank_note(
    index: Index, retrieved: Retrieved, path: str, lines: tuple[int, int] | None, filters: Filters
) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """Rank a note's passages, or those that touch `lines`, among all passages.

    :returns: the passages, best first, and the filters that exclude the note. If there are any, the
        ranks are unfiltered.
    """
    snapshot = index.snapshot()
    passages = [
        passage.id
        for passage in snapshot.of_note(path)
        if lines is None or (passage.lines[0] <= lines[1] and lines[0] <= passage.lines[1])
    ]
    left_out = tuple(
        option
        for option, one in _each_filter(filters)
        if passages and not note_matcher(one)(snapshot.notes()[path])
    )
    searched = Filters() if left_out else filters
    legs = _find_legs(index, retrieved.question, searched, k=snapshot.info.passages)
    fused = {id_: (at, score) for at, (id_, score) in enumerate(_fused(index, legs), start=1)}
    scores = [(id_, fused[id_][1] if id_ in fused else 0.0) for id_ in passages]
    read = set() if left_out else {hit.passage.id for hit in sources_of(retrieved.hits)}
    places = [
        Place(
            hit=hit,
            rank=fused[hit.passage.id][0] if hit.passage.id in fused else None,
            read=hit.passage.id in read,
        )
        for hit in to_hits(snapshot, legs, scores).hits
    ]
    return tuple(sorted(places, key=lambda place: place.order)), left_out


def rank_sentences(
    assessment: Assessment, places: Sequence[Place], lines: tuple[int, int] | None
) -> tuple[Sentence, ...]:
    """The candidate sentences of these places, on these lines if given, best first."""
    own = {place.hit.passage.id for place in places}
    found = []
    in_order = sorted(assessment.candidates, key=lambda one: -one.score)
    for rank, one in enumerate(in_order, start=1):
        if one.candidate.hit.passage.id not in own:
            continue
        citation = citation_of(one, rank)
        first, last = citation.lines
        if lines is None or (first <= lines[1] and lines[0] <= last):
            found.append(Sentence(citation, rank, why_lost(one, assessment.excerpts)))
    return tuple(found)


def why_lost(one: Scored, excerpts: Sequence[Excerpt]) -> Lost | None:
    """Why a candidate is not in the answer; None where an excerpt has it."""
    if any(excerpt.overlaps(one.candidate) for excerpt in excerpts):
        return None
    best = max((excerpt.best.score for excerpt in excerpts), default=float("inf"))
    return Lost.PASSED_OVER if one.score >= best else Lost.WEAK


def assess_question(index: Index, retrieved: Retrieved) -> Assessment:
    """Assess what was retrieved, as `ask` does."""
    return assess(retrieved, index.source.embedders.asking, index.answering)


def rank_of(index: Index, question: str, passages: Sequence[int], filters: Filters) -> int | None:
    """The best rank of any of these passages for a question; None if none is found."""
    legs = _find_legs(index, question, filters, k=max(index.settings.top_k, MIN_POOL))
    ranks = (at for at, (id_, _) in enumerate(_fused(index, legs), start=1) if id_ in passages)
    return next(ranks, None)


def _each_filter(filters: Filters) -> list[tuple[str, Filters]]:
    """Each filter by itself, with its command-line options."""
    each = [(f"--tag {tag}", Filters(tags=(tag,))) for tag in filters.tags]
    if filters.paths:
        options = " ".join(f"--path {glob_}" for glob_ in filters.paths)
        each.append((options, Filters(paths=filters.paths)))
    if filters.since:
        each.append((f"--since {filters.since}", Filters(since=filters.since)))
    return each


def _find_legs(index: Index, question: str, filters: Filters, *, k: int) -> Legs:
    embedder = index.source.embedders.asking
    return find_legs(
        index.snapshot(), embedder, question, k=k, filters=filters, ranking=index.ranking
    )


def _fused(index: Index, legs: Legs) -> list[tuple[int, float]]:
    """Fuse the legs as `ask` does, with the same limit of candidates from each."""
    pool = max(index.settings.top_k, MIN_POOL, index.ranking.candidates)
    asked = replace(legs, dense=legs.dense[:pool], terms=legs.terms[:pool])
    return asked.fused(index.ranking.dense_weight)
