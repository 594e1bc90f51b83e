"""Fit the model of confidence that ragqa ships, on public question sets, and say how good it is.

    python eval/fit_confidence.py ../shared/data --out ragqa/answering/confidence.json

Each set is made into a folder of notes and indexed by ragqa itself. Its questions are asked in
three ways: as they are; with the passages that hold the answer taken out of what was retrieved,
so that the notes no longer answer them (near misses); and over the notes of another set
(off topic). A logistic model over the features of `ragqa.answering.confidence` then learns which
were answered. Half of the weight is on those, a quarter on each kind of the others, and each set
counts the same. The quality that is printed and written is that of a model which has not seen the
set.
"""

import argparse
import json
import random
import tempfile
from collections import Counter
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
from ragqa.answering.reading import read
from ragqa.answering.scoring import measure
from ragqa.indexing import Embedders, Source, refresh
from ragqa.passages import Chunking
from ragqa.retrieval import Ranking, retrieve
from ragqa.stores import open_store
from ragqa.types import Filters, Hit

SEED = 7
POOL = 40
KEPT = 10
COST_OF_SILENCE = 9
"""Not answering what the notes answer is held to be so many times as bad as quoting the nearest
sentences where they do not: a reader sees quotes and confidence either way."""

SETS = ("nq_open_oracle", "anthropic_docs", "chunking_evaluation")
MODELS = {
    "all": ("passage_cosine", "passage_gap", "sentence_cosine", "coverage"),
    "terms": ("coverage",),
}
SHARES = {"answerable": 0.5, "near": 0.25, "off topic": 0.25}


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
    """One question's features, and how it was asked: a key of `SHARES`."""

    features: dict[str, float]
    kind: str


def main() -> None:
    """Fit, check, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--limit", type=int, default=800, help="questions a set")
    args = parser.parse_args()
    examples = {}
    for name in SETS:
        others = [
            question for other in SETS if other != name for question in texts(args.data / other)
        ]
        with tempfile.TemporaryDirectory() as folder:
            made = make_examples(args.data / name, Path(folder), others, args.limit)
            examples[name] = list(made)
        print(f"{name}: {len(examples[name])} examples", flush=True)
    document: dict[str, Any] = {
        "provenance": {
            "made_by": "eval/fit_confidence.py",
            "date": datetime.now(UTC).date().isoformat(),
            "sets": {name: len(rows) for name, rows in examples.items()},
            "method": "logistic regression on standardised features; questions asked as they are, "
            "with the passages of the answer taken out (near), and over another set (off topic)",
            "threshold": f"where both mistakes cost the same, not answering being held to be "
            f"{COST_OF_SILENCE} times as bad as quoting what does not answer",
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


def texts(data: Path) -> list[str]:
    """The questions of a set."""
    if (data / "docs").is_dir():
        return [row["question"] for row in _rows(data / "questions.jsonl")]
    return [row["text"] for row in _rows(data / "queries.jsonl")]


def make_examples(data: Path, work: Path, others: list[str], limit: int) -> Iterator[Example]:
    """Index the set and compute the features of its questions, and of those of other sets."""
    corpus, questions = (
        read_spans(data, work) if (data / "docs").is_dir() else read_beir(data, work)
    )
    chance = random.Random(SEED)  # noqa: S311 - sampling, not secrecy
    chance.shuffle(questions)
    chance.shuffle(others)
    foreign = [Question(text, frozenset()) for text in others[: limit // 2]]
    source = Source(corpus, work / "index", Embedders("all-MiniLM-L6-v2"), Chunking(), 50_000_000)
    store = open_store(source.index)
    refresh(store, source)
    embedder = source.embedders.asking
    with closing(store.snapshot()) as snapshot:
        for number, question in enumerate(questions[:limit] + foreign):
            kind = "answerable" if number % 2 == 0 else "near"
            kind = kind if question.notes else "off topic"
            found = retrieve(
                snapshot, embedder, question.text, k=POOL, filters=Filters(), ranking=Ranking()
            )
            hits = [hit for hit in found.hits if kind != "near" or not question.is_answered_by(hit)]
            found = replace(found, hits=tuple(hits[:KEPT]))
            reading = read(found, embedder)
            candidates = candidates_of(reading.retrieved.hits)
            if candidates:
                signals = measure(reading, candidates)
                yield Example(features(reading.retrieved, signals), kind)


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
    x, y, weights, _ = _table(examples, columns)
    means, deviations = x.mean(axis=0), x.std(axis=0) + 1e-9
    fitted = LogisticRegression(C=1.0).fit((x - means) / deviations, y, sample_weight=weights)
    return {
        "features": list(columns),
        "means": [round(float(value), 5) for value in means],
        "deviations": [round(float(value), 5) for value in deviations],
        "weights": [round(float(value), 5) for value in fitted.coef_[0]],
        "intercept": round(float(fitted.intercept_[0]), 5),
        "threshold": round(1 / (1 + COST_OF_SILENCE), 4),
    }


def probabilities(model: dict[str, Any], x: np.ndarray) -> np.ndarray:
    """What the model says of each row."""
    z = (x - np.array(model["means"])) / np.array(model["deviations"])
    logits = z @ np.array(model["weights"]) + model["intercept"]
    return np.asarray(1 / (1 + np.exp(-logits)))


def leave_one_out(
    examples: dict[str, list[Example]], columns: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    """The quality on each set of a model fitted on the others."""
    quality = {}
    for name, rows in examples.items():
        model = fit({other: kept for other, kept in examples.items() if other != name}, columns)
        x, y, weights, off_topic = _table({name: rows}, columns)
        p, near = probabilities(model, x), (y == 0) & ~off_topic
        answered = p >= model["threshold"]
        quality[name] = {
            "auroc_near": round(float(roc_auc_score(y[~off_topic], p[~off_topic])), 3),
            "auroc_off_topic": round(float(roc_auc_score(y[~near], p[~near])), 3),
            "ece": round(_calibration_error(p, y, weights), 3),
            "answered_answerable": round(float(answered[y == 1].mean()), 3),
            "answered_near": round(float(answered[near].mean()), 3),
            "answered_off_topic": round(float(answered[off_topic].mean()), 3),
        }
    return quality


def _table(
    examples: dict[str, list[Example]], columns: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Features, labels, weights and which are off topic, one row an example."""
    x, y, weights, off_topic = [], [], [], []
    for rows in examples.values():
        count = Counter(example.kind for example in rows)
        for example in rows:
            x.append([example.features[name] for name in columns])
            y.append(int(example.kind == "answerable"))
            weights.append(SHARES[example.kind] / count[example.kind])
            off_topic.append(example.kind == "off topic")
    scale = len(x) / sum(weights)
    return np.array(x), np.array(y), np.array(weights) * scale, np.array(off_topic)


def _calibration_error(p: np.ndarray, y: np.ndarray, weights: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error over bins of equal width (Naeini et al., 2015)."""
    which = np.minimum((p * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(np.average(p[which == b] - y[which == b], weights=weights[which == b]))
            * weights[which == b].sum()
            for b in range(bins)
            if (which == b).any()
        )
        / weights.sum()
    )


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


if __name__ == "__main__":
    main()
