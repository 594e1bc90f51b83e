"""Fit the model of confidence that ragqa ships, on public question sets, and say how good it is.

    python eval/fit_confidence.py ../shared/data --out ragqa/answering/confidence.json

Each set is made into a folder of notes and indexed by ragqa itself. For every other question the
passages that hold its answer are taken out of what was retrieved, so that the notes no longer
answer it. A logistic model over the features of `ragqa.answering.confidence` then learns to tell
the two apart. Each set counts the same, whatever its size; the quality that is printed and written
is that of a model which has not seen the set.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ragqa.answering.candidates import candidates_of
from ragqa.answering.confidence import features
from ragqa.answering.scoring import measure
from ragqa.indexing import Embedders, Source, refresh
from ragqa.passages import Chunking
from ragqa.retrieval import Ranking, retrieve
from ragqa.stores import open_store
from ragqa.types import Filters, Hit

SEED = 7
POOL = 40
KEPT = 10
MODELS = {
    "all": (
        "passage_cosine",
        "passage_gap",
        "sentence_cosine",
        "sentence_maxsim",
        "weakest_token",
        "coverage",
        "own_coverage",
    ),
    "terms": ("coverage", "own_coverage"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """A question and where it is answered: notes, or spans of one note."""

    text: str
    notes: frozenset[str]
    spans: tuple[tuple[int, int], ...] = ()

    def is_answered_by(self, hit: Hit) -> bool:
        """Whether a hit holds the answer or a part of it."""
        passage = hit.passage
        if passage.path not in self.notes:
            return False
        return not self.spans or any(
            start < passage.end and passage.start < end for start, end in self.spans
        )


@dataclass(frozen=True, slots=True)
class Example:
    """One question's features, and whether the notes still answer it."""

    features: dict[str, float]
    answerable: bool


def main() -> None:
    """Fit, check, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--limit", type=int, default=800, help="questions a set")
    args = parser.parse_args()
    examples = {}
    for name in ("nq_open_oracle", "anthropic_docs", "chunking_evaluation"):
        with tempfile.TemporaryDirectory() as folder:
            examples[name] = list(make_examples(args.data / name, Path(folder), args.limit))
        print(f"{name}: {len(examples[name])} examples")
    document: dict[str, Any] = {
        "provenance": {
            "made_by": "eval/fit_confidence.py",
            "date": datetime.now(UTC).date().isoformat(),
            "sets": {name: len(rows) for name, rows in examples.items()},
            "method": "logistic regression on standardised features; for every other question the "
            "passages with its answer were taken out of the hits; each set weighs the same",
            "threshold": "the confidence at which answering and abstaining are as likely right",
        },
        "models": {},
    }
    for name, columns in MODELS.items():
        document["models"][name] = fit(examples, columns) | {
            "on_sets_not_seen": leave_one_out(examples, columns)
        }
        print(name, json.dumps(document["models"][name], indent=2))
    if args.out:
        args.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def make_examples(data: Path, work: Path, limit: int) -> Iterator[Example]:
    """Index the set and compute the features of its questions."""
    corpus, questions = (
        read_spans(data, work) if (data / "docs").is_dir() else read_beir(data, work)
    )
    random.Random(SEED).shuffle(questions)  # noqa: S311 - sampling, not secrecy
    source = Source(corpus, work / "index", Embedders("all-MiniLM-L6-v2"), Chunking(), 50_000_000)
    store = open_store(source.index)
    refresh(store, source)
    embedder = source.embedders.asking
    with closing(store.snapshot()) as snapshot:
        for number, question in enumerate(questions[:limit]):
            answerable = number % 2 == 0
            found = retrieve(
                snapshot, embedder, question.text, k=POOL, filters=Filters(), ranking=Ranking()
            )
            hits = [hit for hit in found.hits if answerable or not question.is_answered_by(hit)]
            found = replace(found, hits=tuple(hits[:KEPT]))
            candidates = candidates_of(found.hits)
            if candidates:
                signals = measure(found, candidates, embedder)
                yield Example(features(found, signals), answerable)


def read_beir(data: Path, work: Path) -> tuple[Path, list[Question]]:
    """Write the documents of a BEIR folder as notes; the questions with the notes that answer."""
    corpus = work / "notes"
    corpus.mkdir()
    names = {}
    for number, row in enumerate(_rows(data / "corpus.jsonl")):
        names[row["_id"]] = f"{number}.md"
        title = " ".join(str(row["title"]).split()) or f"Note {number}"
        head = f"---\ntitle: {json.dumps(title)}\n---\n\n"
        (corpus / f"{number}.md").write_text(head + row["text"], encoding="utf-8")
    gold: dict[str, set[str]] = {}
    for line in (data / "qrels" / "test.tsv").read_text("utf-8").splitlines()[1:]:
        query, document, relevance = line.split("\t")
        if int(relevance) > 0:
            gold.setdefault(query, set()).add(names[document])
    return corpus, [
        Question(row["text"], frozenset(gold[row["_id"]]))
        for row in _rows(data / "queries.jsonl")
        if row["_id"] in gold
    ]


def read_spans(data: Path, work: Path) -> tuple[Path, list[Question]]:
    """Copy the documents of a chunking set; the questions with the spans that answer."""
    corpus = work / "notes"
    corpus.mkdir()
    for path in (data / "docs").iterdir():
        (corpus / path.name).write_bytes(path.read_bytes())
    return corpus, [
        Question(
            row["question"],
            frozenset({row["doc"]}),
            tuple((start, end) for start, end in row["spans"]),
        )
        for row in _rows(data / "questions.jsonl")
    ]


def fit(examples: dict[str, list[Example]], columns: tuple[str, ...]) -> dict[str, Any]:
    """Fit one model on all these sets."""
    x, y, weights = _table(examples, columns)
    means, deviations = x.mean(axis=0), x.std(axis=0) + 1e-9
    model = LogisticRegression(C=1.0).fit((x - means) / deviations, y, sample_weight=weights)
    return {
        "features": list(columns),
        "means": [round(float(value), 5) for value in means],
        "deviations": [round(float(value), 5) for value in deviations],
        "weights": [round(float(value), 5) for value in model.coef_[0]],
        "intercept": round(float(model.intercept_[0]), 5),
        "threshold": 0.5,
    }


def leave_one_out(
    examples: dict[str, list[Example]], columns: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    """The quality on each set of a model fitted on the others."""
    quality = {}
    for name, rows in examples.items():
        model = fit({other: kept for other, kept in examples.items() if other != name}, columns)
        x, y, _ = _table({name: rows}, columns)
        z = (x - np.array(model["means"])) / np.array(model["deviations"])
        p = 1 / (1 + np.exp(-(z @ np.array(model["weights"]) + model["intercept"])))
        answered = p >= model["threshold"]
        quality[name] = {
            "auroc": round(float(roc_auc_score(y, p)), 3),
            "ece": round(_calibration_error(p, y), 3),
            "answerable_answered": round(float(answered[y == 1].mean()), 3),
            "unanswerable_answered": round(float(answered[y == 0].mean()), 3),
        }
    return quality


def _table(
    examples: dict[str, list[Example]], columns: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = [(example, 1 / len(kept)) for kept in examples.values() for example in kept]
    x = np.array([[example.features[name] for name in columns] for example, _ in rows])
    y = np.array([int(example.answerable) for example, _ in rows])
    weights = np.array([weight for _, weight in rows])
    return x, y, weights * len(rows) / weights.sum()


def _calibration_error(p: np.ndarray, y: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error over bins of equal width (Naeini et al., 2015)."""
    which = np.minimum((p * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(p[which == b].mean() - y[which == b].mean()) * (which == b).mean()
            for b in range(bins)
            if (which == b).any()
        )
    )


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


if __name__ == "__main__":
    main()
