"""Whether two stores that hold the same passages and embeddings answer alike."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from copying import copy_index

from ragqa.api import Index
from ragqa.config import load_settings
from ragqa.embedders import DEFAULT_MODEL
from ragqa.evaluation.collection import Collection, build_collection, note_of
from ragqa.evaluation.evaluating import evaluate_questions
from ragqa.evaluation.measures import measure_rankings
from ragqa.evaluation.questions import Chosen, Question
from ragqa.evaluation.sets import read_beir
from ragqa.retrieval import clean_question, retrieve
from ragqa.stores import open_store
from ragqa.types import Citation, Filters, Hit, no_progress

MEASURES = ("recall@5", "ndcg@10", "answer@3")
_POOL = 50
"""So many passages are ranked for a public set, and documents by the best of them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one question brought: hits best first, and what is cited."""

    hits: Sequence[Hit]
    cited: Sequence[Citation] = ()

    def ids(self, most: int) -> list[int]:
        """The first passages."""
        return [hit.passage.id for hit in self.hits[:most]]


def agreement(local: Index, lite: Index, questions: Sequence[Question]) -> Iterator[str]:
    """A table about the questions of an evaluation, in Markdown."""
    pairs = [(_ask(local, one.question), _ask(lite, one.question)) for one in questions]
    yield f"| {len(questions)} questions | local | Milvus Lite |"
    yield "| --- | ---: | ---: |"
    measured = [_measure(index, questions) for index in (local, lite)]
    for name in MEASURES:
        yield f"| {name} | {measured[0][name]:.4f} | {measured[1][name]:.4f} |"
    cited = [_cited(a.cited) == _cited(b.cited) for a, b in pairs]
    yield f"| the same citations | | {mean(cited):.2%} |"
    yield from _alike(pairs, 5)


def agreement_on_set(folder: Path) -> Iterator[str]:
    """The same about a set in BEIR layout; its documents are ranked by their best passage."""
    beir = read_beir(folder)
    asked = [query for query in beir.queries if query.id in beir.qrels]
    documents = list(beir.read_documents())
    settings = load_settings({"embedder": DEFAULT_MODEL}).settings
    notes = (note_of(d.id, d.text or d.title, title=d.title) for d in documents)
    with (
        build_collection(notes, len(documents), settings, no_progress) as (collection, passages),
        tempfile.TemporaryDirectory() as place,
    ):
        store = open_store(Path(place), kind="milvus")
        copy_index(collection.snapshot, store)
        with closing(store.snapshot()) as snapshot:
            theirs = replace(collection, snapshot=snapshot)
            pairs = [(_find(collection, one.text), _find(theirs, one.text)) for one in asked]
    yield f"| {folder.name}: {len(asked)} questions, {len(passages)} passages | local | Lite |"
    yield "| --- | ---: | ---: |"
    measured = []
    for side in range(2):
        rankings = {
            query.id: list(dict.fromkeys(hit.passage.path for hit in pair[side].hits))
            for query, pair in zip(asked, pairs, strict=True)
        }
        measured.append(measure_rankings(beir.qrels, rankings).values())
    for name in ("ndcg@10", "recall@10"):
        means = [mean(each[name] for each in found) for found in measured]
        yield f"| {name} | {means[0]:.4f} | {means[1]:.4f} |"
    yield from _alike(pairs, 10)


def _alike(pairs: Sequence[tuple[Asked, Asked]], most: int) -> Iterator[str]:
    same = mean(a.ids(most) == b.ids(most) for a, b in pairs)
    yield f"| the same first {most} passages in the same order | | {same:.2%} |"
    furthest = max(
        abs(mine.score - theirs.score)
        for a, b in pairs
        for mine, theirs in zip(a.hits[:most], b.hits[:most], strict=False)
    )
    yield f"| largest difference of a score there | | {furthest:.1e} |"


def _measure(index: Index, questions: Sequence[Question]) -> dict[str, float]:
    document = evaluate_questions(index, Chosen("", questions), no_progress)
    known = {**document["methods"]["hybrid"], **document}
    return {name: known[name] for name in MEASURES}


def _ask(index: Index, question: str) -> Asked:
    answer = index.ask(question, refresh=False)
    return Asked(answer.hits, answer.citations)


def _find(collection: Collection, question: str) -> Asked:
    found = retrieve(
        collection.snapshot,
        collection.embedder,
        clean_question(question),
        k=_POOL,
        filters=Filters(),
        ranking=collection.ranking,
    )
    return Asked(found.hits)


def _cited(citations: Sequence[Citation]) -> list[tuple[str, tuple[int, int]]]:
    return [(citation.path, citation.chars) for citation in citations]
