"""Hybrid retrieval: dense and term hits, fused by a convex combination of their scores."""

import operator
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from types import MappingProxyType
from typing import TypeAlias

from ragqa.index import EVERYTHING, Snapshot
from ragqa.index.ranking import rank
from ragqa.index.source import Embedders
from ragqa.search.question import Question
from ragqa.text.dates import Period, months_of
from ragqa.types import Corpus, Filters, Hit, Vector

DENSE_SPAN = 0.5
TERMS_SPAN = 1.25
"""What a good passage scores: its cosine above the lowest candidate's, and its BM25 score per
question length. Divided by these, both legs are about 1 (docs/decisions/search.md)."""

BY_TERMS_ALONE = (
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

Ranks: TypeAlias = tuple[int | None, int | None, int | None]
"""The ranks of a passage by meaning, by words and by both, from 1; None where it has none."""


def contexts_of(corpus: Corpus, embedders: Embedders) -> dict[str, Vector]:
    """The embeddings of the contexts of several folders, by the folder's name."""
    folders = corpus.folders
    texts = {
        folder.name: folder.context for folder in folders if folder.context and len(folders) > 1
    }
    if not texts:
        return {}
    return dict(zip(texts, embedders.asking.embed_passages(list(texts.values())), strict=True))


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The passages found for a question.

    `hits` are the best ones, first those of a time that the question names. The others rank every
    candidate as (passage id, score), best first: `by_meaning` by cosine, `by_words` by BM25, and
    `by_both` by the two fused. There are none by meaning if the embedder cannot read the question.
    """

    hits: tuple[Hit, ...]
    by_meaning: Scored
    by_words: Scored
    by_both: Scored

    def ranks(self, ids: Collection[int]) -> Ranks:
        """The ranks of the best of these passages."""

        def best(scored: Scored) -> int | None:
            return next((n for n, (id_, _) in enumerate(scored, start=1) if id_ in ids), None)

        return best(self.by_meaning), best(self.by_words), best(self.by_both)


def retrieve(
    snapshot: Snapshot,
    question: Question,
    k: int,
    *,
    filters: Filters = EVERYTHING,
    contexts: Contexts = MappingProxyType({}),
    every: bool = False,
    embedded: Mapping[int, Vector] = MappingProxyType({}),
) -> Retrieved:
    """Find the k best passages for a question, and as many of a time that it names.

    Ties are broken by passage id.

    :param embedded: by passage id, embeddings that the index does not have, shape (dimension,).
    :param every: rank every passage by meaning and by words, not the best ones alone.
    """
    found = _retrieved(snapshot, question, k, filters, contexts, embedded, every=every)
    if not question.period:
        return found
    since, until = max(question.period.since, filters.since), question.period.until
    until = min(filter(None, (until, filters.until)), default="")
    within = replace(filters, since=since, until=until)
    own = _retrieved(snapshot, question, k, within, contexts, embedded).hits
    return replace(found, hits=_of_period_first(question.period, own, found.hits))


def _retrieved(
    snapshot: Snapshot,
    question: Question,
    k: int,
    filters: Filters,
    contexts: Contexts,
    embedded: Mapping[int, Vector],
    *,
    every: bool = False,
) -> Retrieved:
    """Find the k best passages for a question, whatever time it names."""
    most = max(k, CANDIDATES)
    depth = max(snapshot.info.passages, most) if every else most
    near: Scored = ()
    if not question.by_terms_alone:
        near = snapshot.nearest(question.vectors.pooled, depth, filters)
    terms = snapshot.best([*question.searched, *question.parts], depth, filters)
    if embedded and not question.by_terms_alone:
        asked = question.vectors.pooled
        own = [(id_, float(embedded[id_] @ asked)) for id_, _ in terms if id_ in embedded]
        near = rank([*near, *own])
    fused: Scored = fuse(
        near[:most],
        terms[:most],
        dense_weight=DENSE_WEIGHT * question.readable,
        length=question.length,
    )
    if contexts and not question.by_terms_alone:
        fused = _with_contexts(snapshot, question, fused, contexts)
    passages = snapshot.passages([passage_id for passage_id, _ in fused[:k]])
    cosines, scores = dict(near[:most]), dict(terms[:most])
    hits = (
        Hit(passage, score, cosines.get(passage.id), scores.get(passage.id))
        for passage, (_, score) in zip(passages, fused, strict=False)
    )
    return Retrieved(tuple(hits), near, terms, fused)


def _with_contexts(
    snapshot: Snapshot, question: Question, fused: Scored, contexts: Contexts
) -> Scored:
    """The fused passages, which score more the nearer the context of their folder is."""
    asked = question.vectors.pooled
    near = {folder: float(vector @ asked) for folder, vector in contexts.items()}
    low = min(near.values())
    passages = snapshot.passages([passage_id for passage_id, _ in fused])
    scores = {
        passage.id: score + CONTEXT_WEIGHT * (near.get(passage.path.partition("/")[0], low) - low)
        for passage, (_, score) in zip(passages, fused, strict=True)
    }
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


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
