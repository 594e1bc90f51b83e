"""Fit the model of confidence that ragqa ships, on question sets, and say how good it is.

    python eval/fit_confidence.py ../shared/data --out ragqa/answering/confidence.json

Every set gives questions that its notes answer, questions whose answers were taken out of what was
found (near), and questions about something else (far):

- the question-answering sets, with half of the documents that hold answers left out, some draws;
- the chunking set, once as it is and once without the passages that touch a gold span;
- the golden set's half for choosing settings, which has questions of all three kinds itself.

A logistic model over the features of `ragqa.answering.confidence` learns which are answered. Each
set counts the same; the questions of public sets are weighted to be answered half of the time. The
quality that is printed and written is that of models which had not seen the set, or, of the golden
half, had not seen the sixth that the question is in.

Half of the questions of the public sets have no answer; of the questions that people ask their own
notes most have. So the first model's log-odds are at last scaled and shifted (Platt 1999) to fit
the tune halves of the golden questions, the natural ones, and those of `--also`, each of the three
counting the same. That changes no ranking and no refusal. `--from FILE` does only this, to a file
of models fitted before.
"""

import argparse
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from ragqa.answering.candidates import candidates_of
from ragqa.answering.confidence import features
from ragqa.answering.reading import read
from ragqa.answering.scoring import score
from ragqa.api import MIN_POOL, open_index
from ragqa.config import load_settings
from ragqa.evaluation.collection import (
    Collection,
    build_collection,
    note_of,
    open_collection,
)
from ragqa.evaluation.questions import read_questions
from ragqa.evaluation.sets import Beir, read_qa, relevant
from ragqa.evaluation.statistics import auroc, calibration
from ragqa.retrieval import clean_question, retrieve
from ragqa.types import Filters, Hit, Note

SEED = 7
FAR = 300
POOL = 60
MODELS = {
    "all": ("score", "score_gap", "closest", "match"),
    "terms": ("coverage",),
}
SHARES = {"answerable": 0.5, "near": 0.25, "far": 0.25}
GOLDEN = "golden, tune"
FOLDS = 6
SILENT = 0.1
"""The threshold is the highest at which so many of the golden questions with an answer get none."""

DRAWS = {"nq_open_oracle": 1, "anthropic_docs": 8}
"""How often the documents that hold answers are drawn anew: the second set has few questions."""

Keep = Callable[[Hit], bool]


@dataclass(frozen=True, slots=True)
class Example:
    """One question's features, and its kind: a key of `SHARES`."""

    features: Mapping[str, float]
    kind: str


Examples = Mapping[str, Sequence[Example]]


def main() -> None:
    """Fit, check, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--from", dest="fitted", type=Path, help="models fitted before")
    parser.add_argument(
        "--also",
        nargs=2,
        action="append",
        default=[],
        metavar=("QUESTIONS", "NOTES"),
        help="a file of questions, as eval/excerpts.jsonl, and the folder of notes that it is over",
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--limit", type=int, default=1500, help="questions a set and draw")
    args = parser.parse_args()
    if args.fitted:
        document = json.loads(args.fitted.read_text("utf-8"))
    else:
        document = fitted_on(dict(gather(args.data, args.limit)))
    sets = {
        "golden": list(golden()),
        "natural": list(tune_half(Path("eval/excerpts.jsonl"), "corpus")),
        "also": [row for file, notes in args.also for row in tune_half(Path(file), notes)],
    }
    for name, model in document["models"].items():
        document["models"][name] = recalibrated(model, sets)
    print(json.dumps(document["models"], indent=2))
    if args.out:
        args.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def fitted_on(examples: Examples) -> dict[str, Any]:
    """The models fitted on these sets, with where they come from."""
    document: dict[str, Any] = {
        "provenance": {
            "made_by": "eval/fit_confidence.py",
            "date": datetime.now(UTC).date().isoformat(),
            "sets": {name: _counts(rows) for name, rows in examples.items()},
            "method": "logistic regression on standardised features; answered questions, questions "
            "whose answers were left out (near) and questions about something else (far)",
            "threshold": f"the highest at which at most {SILENT:.0%} of the golden tune questions "
            "that have an answer get none, each judged by a model that had not seen it",
        },
        "models": {},
    }
    for name, columns in MODELS.items():
        quality, threshold = judge(examples, columns)
        fitted = fit(examples, columns) | {
            "threshold": threshold,
            "unseen": quality,
        }
        document["models"][name] = fitted
    return document


def gather(data: Path, limit: int) -> Iterator[tuple[str, list[Example]]]:
    """The examples of each set, by name."""
    texts = {name: _texts(data / name) for name in (*DRAWS, "chunking_evaluation")}
    for name, draws in DRAWS.items():
        beir = read_qa(data / name)
        notes = (note_of(d.id, d.text, title=d.title) for d in beir.read_documents())
        with collected(notes) as collection:
            rows = [
                example
                for seed in range(draws)
                for example in held_out(collection, beir, seed, limit)
            ]
            yield name, rows + far(collection, _others(texts, name))
        print(name, len(rows), flush=True)
    name = "chunking_evaluation"
    folder = data / name
    paths = sorted((folder / "docs").iterdir())
    with collected(note_of(path.name, path.read_text("utf-8")) for path in paths) as collection:
        rows = list(without_spans(collection, _rows(folder / "questions.jsonl")))
        yield name, rows + far(collection, _others(texts, name))
    yield GOLDEN, list(golden())


@contextmanager
def collected(notes: Iterable[Note]) -> Iterator[Collection]:
    """These notes, indexed as ragqa does."""
    notes = list(notes)
    settings = load_settings({}).settings
    with build_collection(notes, len(notes), settings, _say_nothing) as (collection, _):
        yield collection


def held_out(collection: Collection, beir: Beir, seed: int, limit: int) -> Iterator[Example]:
    """The questions of a set without half of the documents that hold answers.

    One whose relevant documents are all left out has no answer.
    """
    there = {document.id for document in beir.read_documents()}
    holders = {query: there.intersection(relevant(rows)) for query, rows in beir.qrels.items()}
    holding = sorted(set().union(*holders.values()))
    left_out = set(random.Random(seed).sample(holding, len(holding) // 2))  # noqa: S311 - sampling
    for query in [query for query in beir.queries if query.answers][:limit]:
        is_left = query.answerable and not holders.get(query.id, there) <= left_out
        kind = "answerable" if is_left else "near"
        found = example(collection, query.text, kind, lambda hit: hit.passage.path not in left_out)
        if found:
            yield found


def without_spans(collection: Collection, rows: Iterable[Mapping[str, Any]]) -> Iterator[Example]:
    """Each question as it is, and without the passages that touch its gold."""
    for row in rows:
        touches = partial(_touches, row["doc"], row["spans"])
        for kind, keep in (("answerable", _any), ("near", lambda hit, t=touches: not t(hit))):
            found = example(collection, row["question"], kind, keep)
            if found:
                yield found


def far(collection: Collection, texts: Sequence[str]) -> list[Example]:
    """Questions about something else."""
    found = (example(collection, text, "far", _any) for text in texts)
    return [one for one in found if one]


def golden() -> Iterator[Example]:
    """The half of the golden set that settings are chosen on."""
    return tune_half(Path("eval/questions.jsonl"), "corpus")


def tune_half(path: Path, notes: str) -> Iterator[Example]:
    """The questions of a file over a folder of notes that settings are chosen on."""
    with open_index(notes) as index:
        index.refresh()
        with open_collection(index) as collection:
            for question in read_questions(path):
                if question.half == "tune":
                    kind = "answerable" if question.gold else question.kind
                    found = example(collection, question.question, kind, _any)
                    if found:
                        yield found


def recalibrated(model: Mapping[str, Any], sets: Examples) -> dict[str, Any]:
    """A model with its log-odds scaled and shifted to fit these sets, and its threshold with them.

    "scale" and "shift" say how; a model that was scaled before is scaled anew from where it began.
    """
    before = model.get("recalibrated", {"scale": 1.0, "shift": 0.0})
    weights = [weight / before["scale"] for weight in model["weights"]]
    intercept = (model["intercept"] - before["shift"]) / before["scale"]
    plain = {**model, "weights": weights, "intercept": intercept}
    rows = [row for some in sets.values() for row in some]
    odds = _log_odds(_probabilities(plain, rows))
    y = np.array([row.kind == "answerable" for row in rows])
    weights_of_rows = [100 / len(some) for some in sets.values() for _ in some]
    fitted = LogisticRegression(C=1e3).fit(odds[:, None], y, sample_weight=weights_of_rows)
    scale, shift = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    threshold = (_log_odds(np.array(model["threshold"])) - before["shift"]) / before["scale"]
    return {
        **model,
        "weights": [round(weight * scale, 5) for weight in weights],
        "intercept": round(intercept * scale + shift, 5),
        "threshold": round(float(1 / (1 + np.exp(-(threshold * scale + shift)))), 4),
        "recalibrated": {
            "scale": round(scale, 5),
            "shift": round(shift, 5),
            "questions": {name: len(some) for name, some in sets.items()},
        },
    }


def _log_odds(p: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(p / (1 - p)))


def example(collection: Collection, text: str, kind: str, keep: Keep) -> Example | None:
    """Ask a question of the passages that are kept.

    None where nothing is found, or the embedder cannot read the question.
    """
    found = retrieve(
        collection.snapshot,
        collection.embedder,
        clean_question(text),
        k=POOL,
        filters=Filters(),
        ranking=collection.ranking,
    )
    if found.by_terms_alone:
        return None
    hits = tuple(filter(keep, found.hits))[:MIN_POOL]
    reading = read(replace(found, hits=hits), collection.embedder)
    scored = score(reading, candidates_of(reading.hits, asked=reading.question.terms))
    return Example(features(reading, scored), kind) if scored else None


def fit(examples: Examples, columns: Sequence[str]) -> dict[str, Any]:
    """Fit one model on all these sets."""
    x, y, weights = _table(examples, columns)
    means, deviations = x.mean(axis=0), x.std(axis=0) + 1e-9
    fitted = LogisticRegression(C=1.0).fit((x - means) / deviations, y, sample_weight=weights)
    return {
        "features": list(columns),
        "means": [round(float(value), 5) for value in means],
        "deviations": [round(float(value), 5) for value in deviations],
        "weights": [round(float(value), 5) for value in fitted.coef_[0]],
        "intercept": round(float(fitted.intercept_[0]), 5),
    }


def judge(examples: Examples, columns: Sequence[str]) -> tuple[dict[str, dict[str, float]], float]:
    """The quality on each set of a model that had not seen it, and the threshold."""
    unseen = {}
    for name, rows in examples.items():
        if name != GOLDEN:
            others = {other: kept for other, kept in examples.items() if other != name}
            unseen[name] = _probabilities(fit(others, columns), rows)
    rows = examples[GOLDEN]
    parts = np.random.default_rng(SEED).permutation(len(rows)) % FOLDS
    golden = np.zeros(len(rows))
    for part in range(FOLDS):
        seen = [row for row, its in zip(rows, parts, strict=True) if its != part]
        model = fit({**examples, GOLDEN: seen}, columns)
        golden[parts == part] = _probabilities(model, rows)[parts == part]
    unseen[GOLDEN] = golden
    answerable = golden[[row.kind == "answerable" for row in rows]]
    threshold = round(float(np.quantile(answerable, SILENT)), 4)
    return {name: _quality(examples[name], p, threshold) for name, p in unseen.items()}, threshold


def _quality(rows: Sequence[Example], p: np.ndarray, threshold: float) -> dict[str, float]:
    kinds = np.array([row.kind for row in rows])
    y = kinds == "answerable"
    quality = {"ece": float(calibration(p, y))}
    for kind in ("near", "far"):
        both = y | (kinds == kind)
        quality[f"auroc_{kind}"] = auroc(p[both], y[both])
    for kind in SHARES:
        quality[f"answered_{kind}"] = float((p[kinds == kind] >= threshold).mean())
    return {name: round(value, 3) for name, value in quality.items()}


def _table(examples: Examples, columns: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, labels and weights, one row an example."""
    weights: list[float] = []
    for name, rows in examples.items():
        count = _counts(rows)
        if name == GOLDEN:
            weights += [1 / len(rows)] * len(rows)
        else:
            weights += [SHARES[row.kind] / count[row.kind] for row in rows]
    rows = [row for some in examples.values() for row in some]
    x = np.array([[row.features[name] for name in columns] for row in rows])
    y = np.array([row.kind == "answerable" for row in rows])
    return x, y, np.array(weights) * (400 / sum(weights))


def _probabilities(model: Mapping[str, Any], rows: Sequence[Example]) -> np.ndarray:
    x = np.array([[row.features[name] for name in model["features"]] for row in rows])
    z = (x - np.array(model["means"])) / np.array(model["deviations"])
    logits = z @ np.array(model["weights"]) + model["intercept"]
    return np.asarray(1 / (1 + np.exp(-logits)))


def _counts(rows: Sequence[Example]) -> dict[str, int]:
    return {kind: sum(row.kind == kind for row in rows) for kind in SHARES}


def _others(texts: Mapping[str, list[str]], name: str) -> list[str]:
    """Questions of the other sets, as many of each."""
    others = [rows for other, rows in texts.items() if other != name]
    chance = random.Random(SEED)  # noqa: S311 - sampling, not secrecy
    return [text for rows in others for text in chance.sample(rows, min(FAR // 2, len(rows)))]


def _texts(folder: Path) -> list[str]:
    own = folder / "questions.jsonl"
    if own.is_file():
        return [row["question"] for row in _rows(own)]
    return [row["text"] for row in _rows(folder / "queries.jsonl")]


def _touches(doc: str, spans: Sequence[Sequence[int]], hit: Hit) -> bool:
    passage = hit.passage
    return passage.path == doc and any(
        start < passage.end and passage.start < end for start, end in spans
    )


def _any(_: Hit) -> bool:
    return True


def _say_nothing(stage: str, done: int, total: int) -> None:
    pass


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


if __name__ == "__main__":
    main()
