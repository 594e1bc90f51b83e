"""Asks an index that `building.py` made, in one process, and says how fast and how right it is.

    python eval/bench/warm.py NOTES INDEX --out warm.json

The questions are made of words of passages. The real model embeds them where it is said so; else
they have made-up embeddings, which are as far from the passages as real ones, and take no time.
What is found is held against an exact search of all vectors of the store.
"""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from running import write_down
from synthetic import make_question, synthetic_embedder
from vaults import HALF_TAG, RARE_TAG

from ragqa import Index, open_index
from ragqa.embedders import Embedder
from ragqa.index import Snapshot
from ragqa.search.question import read_question
from ragqa.search.retrieve import CANDIDATES, retrieve
from ragqa.text.words import query_terms
from ragqa.types import Filters, Vectors

T = TypeVar("T")

QUESTIONS = 200
_UNCOUNTED = 5
_K = 10
_TOLERANCE = 1e-5
"""Cosines that differ by less are taken for the same."""

TAGS = (RARE_TAG, HALF_TAG)
FILTERS = {"all": Filters()} | {tag: Filters(tags=(tag,)) for tag in TAGS}

Found = dict[str, list[list[tuple[int, float]]]]
"""By filter, what was found for each question: (passage id, cosine), best first."""


class Laps:
    """How long each of several things took, again and again."""

    def __init__(self) -> None:
        self._taken: defaultdict[str, list[float]] = defaultdict(list)

    def time(self, name: str, work: Callable[[], T]) -> T:
        """Do it and count how long it takes."""
        begun = time.perf_counter()
        result = work()
        self._taken[name].append(1000 * (time.perf_counter() - begun))
        return result

    def quantiles(self) -> dict[str, dict[str, float]]:
        """The 50th and 95th percentile of each, in milliseconds."""
        return {
            name: {f"p{q}_ms": round(float(np.percentile(taken, q)), 2) for q in (50, 95)}
            for name, taken in self._taken.items()
        }


def ask_all(
    index: Index, made: Embedder, questions: Sequence[str]
) -> tuple[dict[str, dict[str, float]], Found]:
    """Ask every question in every way; how long each way took, and what the dense leg found."""
    laps, found = Laps(), _nothing()
    for number, question in enumerate([*questions[:_UNCOUNTED], *questions]):
        if number == _UNCOUNTED:
            laps, found = Laps(), _nothing()
        _ask(index, made, question, laps, found)
    return laps.quantiles(), found


def _nothing() -> Found:
    return {name: [] for name in FILTERS}


def _ask(index: Index, made: Embedder, question: str, laps: Laps, found: Found) -> None:
    snapshot = index.snapshot()
    vector = made.embed_query(question).pooled
    terms = query_terms(question)

    def retrieved(embedder: Embedder, filters: Filters) -> object:
        read = read_question(snapshot, embedder, question, filters=filters)
        return retrieve(snapshot, read, _K, filters=filters, contexts=index.contexts)

    laps.time("terms", lambda: snapshot.best(terms, CANDIDATES, FILTERS["all"]))
    # The store remembers the last filter, so no two calls in a row have the same.
    for name, filters in FILTERS.items():
        laps.time(f"retrieve, {name}", partial(retrieved, made, filters))
    for name, filters in FILTERS.items():
        search = partial(snapshot.nearest, vector, CANDIDATES, filters)
        found[name].append(laps.time(f"dense, {name}", search))
    laps.time(
        "retrieve, all, embedded by the real model",
        lambda: retrieved(index.source.embedders.asking, FILTERS["all"]),
    )
    laps.time("ask", lambda: index.ask(question, refresh=False))


def find_exactly(
    snapshot: Snapshot, vectors: Vectors, k: int
) -> dict[str, npt.NDArray[np.float32]]:
    """By filter, the cosines of the k nearest passages of each vector, fewer where there are fewer.

    What is returned has the shape (len(vectors), k), best first.
    """
    best = {name: np.empty((len(vectors), 0), np.float32) for name in FILTERS}
    records = snapshot.notes()
    for path, record in records.items():
        passages = snapshot.passages(at=[path])
        stored = snapshot.engine.vectors([passage.embedding_key for passage in passages])
        if stored:
            cosines = vectors @ np.array(list(stored.values())).T
            for name in ("all", *(tag for tag in TAGS if tag in record.tags)):
                best[name] = -np.sort(-np.hstack([best[name], cosines]), axis=1)[:, :k]
    return best


def judge(found: Found, snapshot: Snapshot, vectors: Vectors) -> dict[str, dict[str, float]]:
    """By filter, recall@10 and the share of questions whose ten nearest are the true ones.

    A passage that is as near as the true tenth is right, too.
    """
    verdicts = {}
    for name, cosines in find_exactly(snapshot, vectors, _K).items():
        shares = [
            sum(near >= true[-1] - _TOLERANCE for _, near in got[: len(true)]) / len(true)
            for got, true in zip(found[name], cosines, strict=True)
            if len(true)
        ]
        verdicts[name] = {
            "recall_at_10": round(float(np.mean(shares)), 4) if shares else 1.0,
            "exact_share": round(float(np.mean(np.array(shares) == 1.0)), 4) if shares else 1.0,
        }
    return verdicts


def measure(corpus: Path, index: Path) -> dict[str, object]:
    """Ask questions about passages drawn from an index."""
    made = synthetic_embedder()
    rng = random.Random(1)  # noqa: S311 - no secret is made of it
    with open_index(corpus, index=index) as opened:
        snapshot = opened.snapshot()
        paths = sorted(snapshot.notes())
        passages = [
            rng.choice(snapshot.passages(at=[path]))
            for path in rng.sample(paths, min(QUESTIONS, len(paths)))
        ]
        questions = [make_question(rng, passage.embedded_text) for passage in passages]
        timings, found = ask_all(opened, made, questions)
        nearest = judge(found, snapshot, made.embed_passages(questions))
    return {"timings": timings, "nearest": nearest}


def main() -> None:
    """Ask one index and write down how it went."""
    write_down(measure, about=__doc__)


if __name__ == "__main__":
    main()
