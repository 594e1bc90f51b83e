"""Question to hits: two legs, dense and terms, fused by a convex combination of their scores."""

import math
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragqa.analysis import WORD, index_terms, is_latin, query_terms
from ragqa.config import Settings
from ragqa.embedders import Embedder
from ragqa.errors import UsageError
from ragqa.spelling import Spelled, spelled
from ragqa.stores import Snapshot
from ragqa.stores.ranking import BM25_K1
from ragqa.types import Filters, Hit, Kind, Passage, Retrieved, TokenVectors

MAX_QUESTION_BYTES = 8_000

_ALIASES_IN = 5
"""Aliases are looked for in so many of the passages that are best by their terms."""

DENSE_SPAN = 0.5
TERMS_SPAN = 1.25
"""How far a good passage's cosine is above the lowest candidate's, and its BM25 score in lengths of
the question: so both legs' parts of a good passage are about 1 (docs/decisions/fusion.md)."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """How candidates are gathered and fused.

    `dense_weight` is the share of the dense leg. `scripts` says what the embedder can read:
    "latin", or "all"; a question in a script it cannot read is ranked by its terms alone.
    """

    candidates: int = 200
    dense_weight: float = 0.5
    scripts: str = "latin"

    @classmethod
    def of(cls, settings: Settings) -> "Ranking":
        """What the settings say."""
        return cls(
            candidates=settings.candidates,
            dense_weight=settings.dense_weight,
            scripts=settings.embedder_scripts,
        )


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


@dataclass(frozen=True, slots=True)
class Legs:
    """What each leg found for a question, (passage id, score) best first, with what it took.

    `question` and `asked` are as in `Retrieved`, and `spelled` is what lies between them; `query`
    has the question's terms. `dense` has cosines, `terms` BM25 scores. `unread` is True where the
    embedder cannot read the question; then its leg is empty.
    """

    question: str
    asked: str
    spelled: Spelled
    query: Sequence[str]
    dense: Sequence[tuple[int, float]]
    terms: Sequence[tuple[int, float]]
    vectors: TokenVectors
    idf: Mapping[str, float]
    unread: bool

    def fused(self, dense_weight: float) -> list[tuple[int, float]]:
        """Both legs in one list of (passage id, score), best first."""
        weight = 0.0 if self.unread else dense_weight
        return fuse(self.dense, self.terms, dense_weight=weight, length=self.length)

    @property
    def length(self) -> float:
        """The Euclidean length of the question as a vector of what each term can score at most."""
        counts = Counter(self.query)
        return (BM25_K1 + 1) * math.hypot(
            *(n * self.idf[term] for term, n in counts.items())
        ) or 1.0


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
    legs = find_legs(snapshot, embedder, question, k=k, filters=filters, ranking=ranking)
    return to_hits(snapshot, legs, legs.fused(ranking.dense_weight)[:k])


def find_legs(
    snapshot: Snapshot,
    embedder: Embedder,
    question: str,
    *,
    k: int,
    filters: Filters,
    ranking: Ranking,
) -> Legs:
    """Ask both legs for their candidates, at least k of each if there are so many.

    Misspelt words are corrected. A name that notes have among their aliases and nowhere else is
    asked for by the note's title.
    """
    pool = max(k, ranking.candidates)
    right = spelled(snapshot, embedder, question)
    read = _by_title(snapshot, right.question, filters)
    terms = query_terms(read)
    vectors = embedder.embed_query(read)
    unread = ranking.scripts == "latin" and not is_latin(question)
    return Legs(
        question=read,
        asked=question,
        spelled=right,
        query=terms,
        dense=[] if unread else snapshot.dense(vectors.pooled, pool, filters),
        terms=snapshot.terms(terms, pool, filters),
        vectors=vectors,
        idf=snapshot.idf(terms),
        unread=unread,
    )


def _by_title(snapshot: Snapshot, question: str, filters: Filters) -> str:
    """The question with an alias replaced by the title of its note, if texts lack a word of it.

    The embedder knows nothing of such a name, and the sentences that answer do not have it.
    """
    words = list(WORD.finditer(question))
    terms = [" ".join(index_terms(word[0])) for word in words]
    for passage in _best_by_terms(snapshot, query_terms(question), filters):
        for alias in passage.aliases:
            own, size = " ".join(index_terms(alias)), len(WORD.findall(alias))
            runs = [" ".join(terms[at : at + size]) for at in range(len(words) - size + 1)]
            if own and own in runs and not _is_spoken(snapshot, alias, filters):
                first = runs.index(own)
                start, end = words[first].start(), words[first + size - 1].end()
                return f"{question[:start]}{passage.title}{question[end:]}"
    return question


def _is_spoken(snapshot: Snapshot, alias: str, filters: Filters) -> bool:
    """Whether the texts that say most of an alias say all of it; front matter lists it anyway."""
    said = query_terms(alias)
    passages = _best_by_terms(snapshot, said, filters)
    texts = [
        passage.embedded_text
        for passage in passages
        if all(unit.kind is not Kind.PROPERTY for unit in passage.units)
    ]
    spoken = (term for text in texts for term in index_terms(text))
    return frozenset(spoken).issuperset(said)


def _best_by_terms(snapshot: Snapshot, terms: Sequence[str], filters: Filters) -> list[Passage]:
    found = snapshot.terms(terms, _ALIASES_IN, filters)
    return snapshot.passages([id_ for id_, _ in found])


def to_hits(snapshot: Snapshot, legs: Legs, ranked: Sequence[tuple[int, float]]) -> Retrieved:
    """Read the passages of a ranking of these legs."""
    passages = snapshot.passages([passage_id for passage_id, _ in ranked])
    cosines, scores = dict(legs.dense), dict(legs.terms)
    by_dense, by_terms = _ranks(legs.dense), _ranks(legs.terms)
    hits = tuple(
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
    return Retrieved(
        question=legs.question,
        hits=hits,
        vectors=legs.vectors,
        idf=legs.idf,
        by_terms_alone=legs.unread,
        asked=legs.asked,
        spelled=legs.spelled.question,
        corrected=legs.spelled.corrected,
    )


def _ranks(leg: Sequence[tuple[int, float]]) -> dict[int, int]:
    return {passage_id: rank for rank, (passage_id, _) in enumerate(leg, start=1)}


def fuse(
    dense: Sequence[tuple[int, float]],
    terms: Sequence[tuple[int, float]],
    *,
    dense_weight: float,
    length: float = 1.0,
) -> list[tuple[int, float]]:
    """Combine two scored lists into one, best first; ties are broken by id.

    A convex combination (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
    Retrieval", 2023), but neither leg's best is made 1: a cosine counts by how far it stands above
    the lowest candidate's, a BM25 score by its share of the question's length. So a leg that found
    nothing good says little. What a leg did not return counts 0 there.

    :param length: that of the question, by `Legs.length`.
    """
    fused: dict[int, float] = {}
    low = min((score for _, score in dense), default=0.0)
    for passage_id, score in dense:
        fused[passage_id] = dense_weight * (score - low) / DENSE_SPAN
    for passage_id, score in terms:
        part = (1 - dense_weight) * score / (length * TERMS_SPAN)
        fused[passage_id] = fused.get(passage_id, 0.0) + part
    return sorted(fused.items(), key=lambda item: (-item[1], item[0]))
