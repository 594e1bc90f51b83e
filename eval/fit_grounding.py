"""Fit the model of the support check that ragqa ships, on the tune half of a file of sentences.

    python eval/fit_grounding.py eval/grounding.jsonl --out ragqa/claims/support.json

The model is small on purpose, and fitted in two steps. First how far a claim is met (3 numbers),
on the supported sentences and on those that their passages do not say at all, or only in part;
among them each supported sentence with the passages of another note. The other sentences are as
close to their passages as supported ones, or closer, and could only teach that closeness speaks
against a claim. Then one share for each sort of doubt, drawn towards `PRIOR`, since few rows have
each of them.

The tune half has many more sentences of some kinds than of others, so each kind counts as in `MIX`.
The threshold is where `FLAGGED` of the supported sentences are flagged when each is judged by a
model that was fitted without the rows on its note.
"""

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from grounding import LabelledSentence, idf_of, read_grounding
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

from ragqa.claims.sources import read_sources
from ragqa.claims.support import About, signals_of, strengths
from ragqa.embedders import embedder_for

FLAGGED = 0.10
PRIOR = 0.9
FOLDS = 10
FAR = "far"
UNSAID = ("not-in-passage", "wrong-citation", FAR)
"""The kinds of which the passages do not say all."""

MIX = {
    "quote": 10, "paraphrase": 40, "merged": 20, "inferred": 5, "number": 12, "name": 12, "date": 8,
    "negation": 12, "wrong-citation": 14, "not-in-passage": 12, "relation": 8, FAR: 20,
}  # fmt: skip
"""How many there are of each kind in a half as it was first written, and of `FAR` beside them."""

SEED = 7
LEAST = 1e-4

_PULL = 0.5
_PULL_OF_WEIGHTS = 0.02
_WEIGHT = 4.0


@dataclass(frozen=True, slots=True)
class Table:
    """What is fitted on: `met` and `doubts` of each row, its label, weight, kind and note."""

    met: np.ndarray
    doubts: np.ndarray
    supported: np.ndarray
    weights: np.ndarray
    kinds: np.ndarray
    notes: np.ndarray

    def only(self, kept: np.ndarray) -> "Table":
        """Some of the rows."""
        return Table(*(getattr(self, field.name)[kept] for field in fields(self)))


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
        threshold = quantile(held_out, table, FLAGGED)
        near = table.kinds != FAR
        auroc = roc_auc_score(table.supported[near], held_out[near])
        print(f"{name}: AUROC {auroc:.3f}, {threshold=:.3f}")
        for kind in MIX:
            flags = held_out[table.kinds == kind] < threshold
            print(f"    {kind}: {flags.sum()} of {len(flags)} flagged")
        unsupported = near & ~table.supported
        flags = (held_out < threshold)[unsupported]
        share = np.average(flags, weights=table.weights[unsupported])
        print(f"    {share:.3f} of the unsupported, {FLAGGED:.2f} of the supported, as in the mix")
        models[name] = document(fit(table), threshold)
    given.out.write_text(json.dumps({"models": models}, indent=2) + "\n", encoding="utf-8")


def measure(
    rows: Sequence[LabelledSentence],
    everything: Sequence[LabelledSentence],
    embedder: str,
    *,
    by_terms_alone: bool,
) -> Table:
    """What the support check sees of each row that has words."""
    model, idf = embedder_for(embedder, building=False), idf_of(everything)
    found = []
    for row in (*rows, *far_rows(rows)):
        sources = read_sources(row.sources, model, by_terms_alone=by_terms_alone)
        signals = signals_of(row.sentence, row.cited, sources, idf)
        if not isinstance(signals, str):
            strength = strengths(signals.doubts)
            found.append((signals.coverage, [strength[about] for about in About], row))
    kinds = np.array([row.kind for _, _, row in found])
    count = {kind: int((kinds == kind).sum()) for kind in MIX}
    return Table(
        met=np.array([met for met, _, _ in found]),
        doubts=np.array([doubts for _, doubts, _ in found]),
        supported=np.array([row.supported for _, _, row in found]),
        weights=np.array([MIX[kind] / count[kind] for kind in kinds]),
        kinds=kinds,
        notes=np.array([row.paths[0] for _, _, row in found]),
    )


def far_rows(rows: Sequence[LabelledSentence]) -> list[LabelledSentence]:
    """Each supported sentence with the passages of a row on another note."""
    chance = random.Random(SEED)  # noqa: S311 - sampling, not secrecy
    found = []
    for row in rows:
        if row.supported:
            other = chance.choice([one for one in rows if not set(one.paths) & set(row.paths)])
            found.append(replace(row, sources=other.sources, supported=False, kind=FAR))
    return found


def fit(table: Table) -> np.ndarray:
    """Intercept, two weights and the logits of the shares, by penalised likelihood."""
    said = table.only(table.supported | np.isin(table.kinds, UNSAID))

    def loss_of_met(values: np.ndarray) -> float:
        pull = _PULL_OF_WEIGHTS * ((values[1:] - _WEIGHT) ** 2).sum()
        return float(pull - _likelihood(_logistic(values[0] + said.met @ values[1:]), said))

    met = minimize(loss_of_met, np.array([-4.0, _WEIGHT, _WEIGHT]), method="L-BFGS-B").x
    near = table.only(table.kinds != FAR)
    prior = np.log(PRIOR / (1 - PRIOR))

    def loss_of_shares(shares: np.ndarray) -> float:
        pull = _PULL * ((shares - prior) ** 2).sum()
        return float(pull - _likelihood(probabilities(np.concatenate([met, shares]), near), near))

    start = np.full(table.doubts.shape[1], prior)
    return np.concatenate([met, minimize(loss_of_shares, start, method="L-BFGS-B").x])


def probabilities(values: np.ndarray, table: Table) -> np.ndarray:
    """The probability of each row that it is supported: as `Model.probability`, for all at once."""
    met = _logistic(values[0] + table.met @ values[1:3])
    return np.asarray(met * np.prod(1 - _logistic(values[3:]) * table.doubts, axis=1))


def quantile(values: np.ndarray, table: Table, share: float) -> float:
    """The value below which a share of the supported rows is, by their weight."""
    supported, weights = values[table.supported], table.weights[table.supported]
    order = np.argsort(supported)
    below = np.cumsum(weights[order]) / weights.sum()
    return float(supported[order][np.searchsorted(below, share)])


def cross_validated(table: Table) -> np.ndarray:
    """The probability of each row by a model fitted without the rows on its note."""
    names = sorted(set(table.notes.tolist()))
    folds = {name: i % FOLDS for i, name in enumerate(names)}
    fold = np.array([folds[note] for note in table.notes])
    found = np.zeros(len(table.notes))
    for i in range(FOLDS):
        found[fold == i] = probabilities(fit(table.only(fold != i)), table.only(fold == i))
    return found


def document(values: np.ndarray, threshold: float) -> dict[str, object]:
    """A model as `ragqa.claims.support` reads it."""
    shares = zip(About, _logistic(values[3:]), strict=True)
    return {
        "intercept": round(float(values[0]), 4),
        "weights": [round(float(value), 4) for value in values[1:3]],
        "shares": {str(about): round(float(share), 4) for about, share in shares},
        "threshold": round(threshold, 4),
    }


def _likelihood(values: np.ndarray, table: Table) -> float:
    p = np.clip(values, LEAST, 1 - LEAST)
    each = np.where(table.supported, np.log(p), np.log(1 - p))
    return float((table.weights * each).sum())


def _logistic(values: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-values)))


if __name__ == "__main__":
    main()
