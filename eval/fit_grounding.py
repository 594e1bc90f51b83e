"""Fit the model of the support check that ragqa ships, on the tune half of a file of sentences.

    python eval/fit_grounding.py eval/grounding.jsonl --out ragqa/grounding/grounding.json

The model is small on purpose: how far a claim's weakest stretch is met (two numbers), and one share
for each sort of doubt, drawn towards `PRIOR` since few rows have each of them. All rows are about
what their passages are about, so each supported sentence is also held against the passages of
another note, as an unsupported one that counts `FAR_WEIGHT`. The threshold is where `FLAGGED` of
the supported sentences are flagged when each is judged by a model that was fitted without the rows
on its note.
"""

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from ragqa.embedders import embedder_for
from ragqa.evaluation.grounding import Row, idf_of, read_grounding
from ragqa.evaluation.statistics import auroc
from ragqa.grounding import read_sources, signals_of
from ragqa.grounding.doubts import About, strengths

FLAGGED = 0.10
PRIOR = 0.85
FOLDS = 10
FAR_WEIGHT = 0.5
FAR = "far"
SEED = 7
LEAST = 1e-4

_PULL = 0.2
_PULL_OF_SLOPE = 0.005
_SLOPE = 8.0


@dataclass(frozen=True, slots=True)
class Table:
    """What is fitted on: `met` and `doubts` of each row, its label and weight, and its note."""

    met: np.ndarray
    doubts: np.ndarray
    supported: np.ndarray
    weights: np.ndarray
    notes: Sequence[str]

    def only(self, kept: np.ndarray) -> "Table":
        """Some of the rows."""
        notes = [note for note, keep in zip(self.notes, kept, strict=True) if keep]
        return Table(
            self.met[kept], self.doubts[kept], self.supported[kept], self.weights[kept], notes
        )


def main() -> None:
    """Fit the model for embeddings and words, and that for words alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    everything = read_grounding(given.rows)
    rows = [row for row in everything if row.half == "tune"]
    models = {}
    for name, by_terms_alone in (("all", False), ("terms", True)):
        table = measure(rows, everything, given.embedder, by_terms_alone=by_terms_alone)
        held_out = cross_validated(table)
        threshold = float(np.quantile(held_out[table.supported], FLAGGED))
        near = table.weights == 1
        flagged, far = (
            float((held_out[~table.supported & which] < threshold).mean())
            for which in (near, ~near)
        )
        print(
            f"{name}: AUROC {auroc(held_out[near], table.supported[near]):.3f}, threshold "
            f"{threshold:.3f}: {flagged:.3f} of the unsupported flagged, {far:.3f} of those with "
            f"passages of another note, {FLAGGED:.2f} of the supported"
        )
        models[name] = document(fit(table), threshold)
    given.out.write_text(json.dumps({"models": models}, indent=2) + "\n", encoding="utf-8")


def measure(
    rows: Sequence[Row], everything: Sequence[Row], embedder: str, *, by_terms_alone: bool
) -> Table:
    """What the support check sees of each row that has words."""
    model, idf = embedder_for(embedder, building=False), idf_of(everything)
    found = []
    for row in (*rows, *far_rows(rows)):
        sources = read_sources(row.sources, model, by_terms_alone=by_terms_alone)
        signals = signals_of(row.sentence, row.cited, sources, idf)
        if not isinstance(signals, str):
            strength = strengths(signals.doubts)
            found.append((signals.met, [strength[about] for about in About], row))
    return Table(
        met=np.array([met for met, _, _ in found]),
        doubts=np.array([doubts for _, doubts, _ in found]),
        supported=np.array([row.supported for _, _, row in found]),
        weights=np.array([FAR_WEIGHT if row.kind == FAR else 1.0 for _, _, row in found]),
        notes=[row.paths[0] for _, _, row in found],
    )


def far_rows(rows: Sequence[Row]) -> list[Row]:
    """Each supported sentence with the passages of a row on another note."""
    chance = random.Random(SEED)  # noqa: S311 - sampling, not secrecy
    found = []
    for row in rows:
        if row.supported:
            other = chance.choice([one for one in rows if not set(one.paths) & set(row.paths)])
            found.append(replace(row, sources=other.sources, supported=False, kind=FAR))
    return found


def fit(table: Table) -> np.ndarray:
    """Intercept, slope and the logits of the shares, by penalised likelihood."""
    prior = np.log(PRIOR / (1 - PRIOR))

    def loss(values: np.ndarray) -> float:
        p = np.clip(probabilities(values, table), LEAST, 1 - LEAST)
        each = np.where(table.supported, np.log(p), np.log(1 - p))
        likelihood = (table.weights * each).sum()
        pull = _PULL * ((values[2:] - prior) ** 2).sum()
        return float(pull + _PULL_OF_SLOPE * (values[1] - _SLOPE) ** 2 - likelihood)

    start = np.array([-2.0, _SLOPE, *[prior] * table.doubts.shape[1]])
    return np.asarray(minimize(loss, start, method="L-BFGS-B").x)


def probabilities(values: np.ndarray, table: Table) -> np.ndarray:
    """The probability of each row that it is supported: as `Model.probability`, for all at once."""
    met = _logistic(values[0] + values[1] * table.met)
    return np.asarray(met * np.prod(1 - _logistic(values[2:]) * table.doubts, axis=1))


def cross_validated(table: Table) -> np.ndarray:
    """The probability of each row by a model fitted without the rows on its note."""
    names = sorted(set(table.notes))
    folds = {name: i % FOLDS for i, name in enumerate(names)}
    fold = np.array([folds[note] for note in table.notes])
    found = np.zeros(len(table.notes))
    for i in range(FOLDS):
        found[fold == i] = probabilities(fit(table.only(fold != i)), table.only(fold == i))
    return found


def document(values: np.ndarray, threshold: float) -> dict[str, object]:
    """A model as `ragqa.grounding.model` reads it."""
    shares = zip(About, _logistic(values[2:]), strict=True)
    return {
        "intercept": round(float(values[0]), 4),
        "weight": round(float(values[1]), 4),
        "shares": {str(about): round(float(share), 4) for about, share in shares},
        "threshold": round(threshold, 4),
    }


def _logistic(values: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-values)))


if __name__ == "__main__":
    main()
