"""Hybrid retrieval: dense and term hits, fused by a convex combination of their scores."""

import math
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ragqa.config import Settings
from ragqa.embedders import Embedder
from ragqa.errors import UsageError
from ragqa.queries import languages_for, query_for, terms_for
from ragqa.spelling import correct_spelling
from ragqa.stores import Snapshot
from ragqa.stores.ranking import BM25_K1
from ragqa.text.words import WORD, index_terms, query_terms
from ragqa.types import Filters, Hit, Kind, Passage, Retrieved, Vector

MAX_QUESTION_BYTES = 8_000

_ALIAS_PASSAGES = 5
"""Aliases are looked up in this many of the best passages by terms."""

DENSE_SPAN = 0.5
TERMS_SPAN = 1.25
"""What a good passage scores: its cosine above the lowest candidate's, and its BM25 score per
question length. Divided by these, both legs are about 1 (docs/decisions/fusion.md)."""

CONTEXT_WEIGHT = 0.3
"""What a context's cosine counts (docs/decisions/folders.md)."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """How candidates are retrieved and fused.

    Each leg gives `candidates`; `dense_weight` is the weight of the dense one, 0 to 1, for a
    question that the embedder can read. `contexts` has the embeddings of the contexts of several
    folders, by the folder's name.
    """

    candidates: int = 200
    dense_weight: float = 0.5
    contexts: Mapping[str, Vector] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, contexts: Mapping[str, Vector] | None = None) -> "Ranking":
        """The ranking that the settings ask for."""
        return cls(
            candidates=settings.candidates,
            dense_weight=settings.dense_weight,
            contexts=contexts or {},
        )


def clean_question(text: str) -> str:
    """The question without control characters, and with single spaces.

    :raises UsageError: it has no words, or more than 8,000 bytes.
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


@dataclass(frozen=True, slots=True)
class Legs:
    """The hits of each leg as (passage id, score), best first, and the query they are for.

    `retrieved` has no hits yet. `query` maps each term of the question, and of the parts of its
    compounds, to the most that it can score. `dense` has cosines, and is empty if the embedder
    cannot read the question; `terms` has BM25 scores.
    """

    retrieved: Retrieved
    query: Mapping[str, float]
    dense: Sequence[tuple[int, float]]
    terms: Sequence[tuple[int, float]]

    def fused(self, dense_weight: float) -> list[tuple[int, float]]:
        """Both legs fused into one list of (passage id, score), best first."""
        weight = dense_weight * self.retrieved.readable
        return fuse(self.dense, self.terms, dense_weight=weight, length=self.length)

    @property
    def length(self) -> float:
        """The Euclidean length of the question as a vector of its terms' highest scores."""
        return math.hypot(*self.query.values()) or 1.0


def retrieve(
    snapshot: Snapshot,
    embedder: Embedder,
    question: str,
    *,
    k: int,
    filters: Filters,
    ranking: Ranking,
) -> Retrieved:
    """Return the k best passages for a question, best first; ties are broken by passage id."""
    legs = find_legs(snapshot, embedder, question, k=k, filters=filters, ranking=ranking)
    return to_hits(snapshot, legs, ranked(snapshot, legs, ranking)[:k])


def ranked(snapshot: Snapshot, legs: Legs, ranking: Ranking) -> list[tuple[int, float]]:
    """Both legs fused into one list of (passage id, score), best first.

    A passage scores more the nearer the context of its folder is to the question.
    """
    fused = legs.fused(ranking.dense_weight)
    if not ranking.contexts or legs.retrieved.by_terms_alone:
        return fused
    question = legs.retrieved.vectors.pooled
    near = {folder: float(vector @ question) for folder, vector in ranking.contexts.items()}
    low = min(near.values())
    passages = snapshot.passages([passage_id for passage_id, _ in fused])
    scores = {
        passage.id: score + CONTEXT_WEIGHT * (near.get(passage.path.partition("/")[0], low) - low)
        for passage, (_, score) in zip(passages, fused, strict=True)
    }
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def find_legs(
    snapshot: Snapshot,
    embedder: Embedder,
    question: str,
    *,
    k: int,
    filters: Filters,
    ranking: Ranking,
) -> Legs:
    """Retrieve the candidates of both legs, at least k of each if there are that many.

    Misspelt words are corrected. An alias that stands only in a note's front matter is replaced by
    the note's title.
    """
    pool = max(k, ranking.candidates)
    spelled = correct_spelling(snapshot, embedder, question)
    rewritten = _with_title(snapshot, spelled.question, filters)
    query = query_for(snapshot, embedder, rewritten)
    searched = [*query.terms, *query.parts]
    idf = snapshot.idf(searched)
    most = {term: (BM25_K1 + 1) * n * idf[term] for term, n in Counter(searched).items()}
    retrieved = Retrieved(
        question=rewritten,
        hits=(),
        vectors=embedder.embed_query(rewritten),
        idf={term: idf[term] for term in query.terms},
        languages=query.languages,
        readable=query.readable,
        asked=question,
        spelled=spelled.question,
        corrected=spelled.corrected,
    )
    near = (
        [] if retrieved.by_terms_alone else snapshot.dense(retrieved.vectors.pooled, pool, filters)
    )
    return Legs(retrieved, query=most, dense=near, terms=snapshot.terms(searched, pool, filters))


def _with_title(snapshot: Snapshot, question: str, filters: Filters) -> str:
    """The question with an alias replaced by its note's title, if no text has the alias.

    The embedder does not know such a name, and the sentences that answer do not use it.
    """
    words = list(WORD.finditer(question))
    languages = languages_for(snapshot, question)
    terms = [" ".join(index_terms(word[0], languages[0])) for word in words]
    for passage in _best_by_terms(snapshot, query_terms(question, languages), filters):
        for alias in passage.aliases:
            alias_terms = " ".join(index_terms(alias, languages[0]))
            size = len(WORD.findall(alias))
            runs = [" ".join(terms[at : at + size]) for at in range(len(words) - size + 1)]
            if alias_terms and alias_terms in runs and not _is_in_text(snapshot, alias, filters):
                first = runs.index(alias_terms)
                start, end = words[first].start(), words[first + size - 1].end()
                return f"{question[:start]}{passage.title}{question[end:]}"
    return question


def _is_in_text(snapshot: Snapshot, alias: str, filters: Filters) -> bool:
    """Whether the texts that match an alias best have all of it; front matter does not count."""
    languages = languages_for(snapshot, alias)
    wanted = terms_for(snapshot, alias, languages)
    passages = _best_by_terms(snapshot, wanted, filters)
    texts = [
        passage.embedded_text
        for passage in passages
        if all(unit.kind is not Kind.PROPERTY for unit in passage.units)
    ]
    found = (term for text in texts for term in query_terms(text, languages))
    return frozenset(found).issuperset(wanted)


def _best_by_terms(snapshot: Snapshot, terms: Sequence[str], filters: Filters) -> list[Passage]:
    found = snapshot.terms(terms, _ALIAS_PASSAGES, filters)
    return snapshot.passages([id_ for id_, _ in found])


def to_hits(snapshot: Snapshot, legs: Legs, ranked: Sequence[tuple[int, float]]) -> Retrieved:
    """Load the ranked passages of these legs as hits."""
    passages = snapshot.passages([passage_id for passage_id, _ in ranked])
    cosines, scores = dict(legs.dense), dict(legs.terms)
    by_dense, by_terms = _ranks(legs.dense), _ranks(legs.terms)
    hits = (
        Hit(
            passage=passage,
            score=score,
            dense=cosines.get(passage.id),
            terms=scores.get(passage.id),
            dense_rank=by_dense.get(passage.id),
            terms_rank=by_terms.get(passage.id),
        )
        for passage, (_, score) in zip(passages, ranked, strict=True)
    )
    return replace(legs.retrieved, hits=tuple(hits))


def _ranks(leg: Sequence[tuple[int, float]]) -> dict[int, int]:
    return {passage_id: rank for rank, (passage_id, _) in enumerate(leg, start=1)}


def fuse(
    dense: Sequence[tuple[int, float]],
    terms: Sequence[tuple[int, float]],
    *,
    dense_weight: float,
    length: float = 1.0,
) -> list[tuple[int, float]]:
    """Fuse two scored lists into one, best first; ties are broken by id.

    A convex combination (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
    Retrieval", 2023), but without scaling each leg's best to 1: a cosine counts by its distance
    from the lowest candidate's, a BM25 score relative to the question's length. So a leg without
    good hits adds little. A passage that a leg did not return scores 0 in it.

    :param length: of the question, as `Legs.length` gives it.
    """
    fused: dict[int, float] = {}
    low = min((score for _, score in dense), default=0.0)
    for passage_id, score in dense:
        fused[passage_id] = dense_weight * (score - low) / DENSE_SPAN
    for passage_id, score in terms:
        part = (1 - dense_weight) * score / (length * TERMS_SPAN)
        fused[passage_id] = fused.get(passage_id, 0.0) + part
    return sorted(fused.items(), key=lambda item: (-item[1], item[0]))
