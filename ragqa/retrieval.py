"""Question to hits: two legs, dense and terms, fused by a convex combination of their scores."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ragqa.analysis import is_latin, query_terms
from ragqa.embedders import Embedder
from ragqa.errors import UsageError
from ragqa.stores import Snapshot
from ragqa.types import Filters, Hit, Retrieved

MAX_QUESTION_BYTES = 8_000


@dataclass(frozen=True, slots=True)
class Ranking:
    """How candidates are gathered and fused.

    `dense_weight` is the share of the dense leg. `scripts` says what the embedder can read:
    "latin", or "all"; a question in a script it cannot read is ranked by its terms alone.
    """

    candidates: int = 200
    dense_weight: float = 0.5
    scripts: str = "latin"


def clean_question(text: str) -> str:
    """The question without control characters and outer white space.

    :raises UsageError: nothing is left to look for, or it is longer than 8,000 bytes.
    """
    readable = text.encode("utf-8", "replace").decode("utf-8")
    words = "".join(c for c in readable if c.isspace() or unicodedata.category(c) != "Cc").split()
    text = " ".join(words)
    size = len(text.encode("utf-8"))
    if size > MAX_QUESTION_BYTES:
        raise UsageError(
            f"the question has {size} bytes; at most {MAX_QUESTION_BYTES} are read",
            hint="ask something shorter",
        )
    if not any(c.isalnum() for c in text):
        raise UsageError(
            "the question is empty" if not text else f"there are no words in the question {text!r}",
            hint='ragqa ask "when should I fine-tune?"',
        )
    return text


def retrieve(
    snapshot: Snapshot,
    embedder: Embedder,
    question: str,
    *,
    k: int,
    filters: Filters,
    ranking: Ranking,
) -> Retrieved:
    """Find the k best passages for a question, best first; ties are broken by passage id."""
    terms = query_terms(question)
    vectors = embedder.embed_query(question)
    pool = max(k, ranking.candidates)
    unread = ranking.scripts == "latin" and not is_latin(question)
    dense = [] if unread else snapshot.dense(vectors.pooled, pool, filters)
    by_terms = snapshot.terms(terms, pool, filters)
    weight = 0.0 if unread else ranking.dense_weight
    ranked = fuse(dense, by_terms, dense_weight=weight)[:k]
    passages = snapshot.passages([passage_id for passage_id, _ in ranked])
    cosines, scores = dict(dense), dict(by_terms)
    hits = tuple(
        Hit(
            passage=passage,
            score=score,
            dense=cosines.get(passage.id),
            terms=scores.get(passage.id),
        )
        for passage, (_, score) in zip(passages, ranked, strict=True)
    )
    return Retrieved(question, hits, vectors, snapshot.idf(terms), unread)


def fuse(
    dense: Sequence[tuple[int, float]],
    terms: Sequence[tuple[int, float]],
    *,
    dense_weight: float,
) -> list[tuple[int, float]]:
    """Combine two scored lists into one, best first; ties are broken by id.

    Cosines are min-max scaled over the list, BM25 scores divided by their maximum, and the two
    added with weights that sum to one; what a leg did not return counts 0 there. See Bruch, Gai
    and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", 2023.
    """
    fused: dict[int, float] = {}
    if dense:
        low = min(score for _, score in dense)
        spread = max(score for _, score in dense) - low
        for passage_id, score in dense:
            scaled = (score - low) / spread if spread > 0 else 1.0
            fused[passage_id] = dense_weight * scaled
    if terms:
        top = max(score for _, score in terms)
        for passage_id, score in terms:
            scaled = score / top if top > 0 else 0.0
            fused[passage_id] = fused.get(passage_id, 0.0) + (1 - dense_weight) * scaled
    return sorted(fused.items(), key=lambda item: (-item[1], item[0]))
