"""Fit the model of confidence that ragqa ships, and say how good it is on notes it has not seen.

    python eval/fit_confidence.py --set QUESTIONS NOTES --set QUESTIONS NOTES --out FILE

Each set is a file of questions with gold excerpts (docs/evaluation.md) and the folder of notes that
they are about. Sets need questions that the notes do not answer, of the kinds near and far.

A logistic model over the features of `ragqa.answering.assessment` learns which excerpts are at
least partly right, which tells more than the narrower label; its log-odds are then scaled and
shifted (Platt, "Probabilistic Outputs for Support Vector Machines", 1999) to be those of a good
answer. Each set counts the same. The quality that is printed and written is that of models which
had not seen the set.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ragqa import open_index
from ragqa.answering import assess, cite
from ragqa.evaluation.measures import answer_found, score_citations
from ragqa.evaluation.questions import GoldExcerpt, GoldQuestion, read_questions

MODELS = {
    "all": ("meaning", "words", "margin", "unfit", "missing"),
    "terms": ("coverage", "margin"),
}
FAR, GOOD = 1 / 8, 0.95
"""Below a threshold nothing is claimed: that of the first model lets through at most this share of
the far questions of unseen sets, that of the second, which tells them less well, this share of the
good answers."""

SURE = (0.3, 0.4, 0.5, 0.6)
"""For these shares of the good answers given without reserve, the share that is wrong is told."""


@dataclass(frozen=True, slots=True)
class Example:
    """The features of one answer by model, what it is, and the kind of its question."""

    features: Mapping[str, Mapping[str, float]]
    good: bool
    partly: bool
    kind: str


def main() -> None:
    """Fit, judge, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--set", nargs=2, action="append", required=True, metavar=("QUESTIONS", "NOTES")
    )
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    sets = {
        named(Path(questions)): list(examples(Path(questions), Path(notes)))
        for questions, notes in args.set
    }
    document = {
        "provenance": {
            "made_by": "eval/fit_confidence.py",
            "date": datetime.now(UTC).date().isoformat(),
            "questions": {name: len(rows) for name, rows in sets.items()},
        },
        "models": {name: fitted_and_judged(sets, name) for name in MODELS},
    }
    print(json.dumps(document["models"], indent=2))
    if args.out:
        args.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def named(questions: Path) -> str:
    """A name for a set: that of its file, or of the folder of a file called questions.jsonl."""
    return questions.parent.name if questions.stem == "questions" else questions.stem


def examples(path: Path, notes: Path) -> Iterator[Example]:
    """Answer each question of a set, whatever the confidence."""
    with TemporaryDirectory() as folder, open_index(notes, index=Path(folder)) as index:
        index.refresh()
        for question in read_questions(path):
            asked = index.find(question.question, refresh=False)
            if asked.question.by_terms_alone:
                continue
            embedder, evidence = index.source.embedders.asking, index.evidence(asked)
            by_terms = replace(asked.question, readable=0.0)
            assessed = {
                "all": assess(asked.question, evidence, embedder, reranker=index.reranker),
                "terms": assess(by_terms, evidence, embedder, reranker=index.reranker),
            }
            if assessed["all"].chosen.excerpts and assessed["terms"].chosen.excerpts:
                found = assessed["all"].chosen.excerpts
                cited = [cite(excerpt, n) for n, excerpt in enumerate(found, 1)]
                gold = located(question, notes)
                score = score_citations(cited, gold) if gold else None
                said = [
                    f"{one.context} {excerpt.shown}"
                    for one, excerpt in zip(cited, found, strict=True)
                ]
                is_said = bool(gold) and answer_found(said, question.answer)
                good = score is not None and score.good if question.excerpts else is_said
                yield Example(
                    features={name: one.features for name, one in assessed.items()},
                    good=good,
                    partly=good or (score is not None and score.partly),
                    kind=question.kind,
                )
    print(path, flush=True)


def located(question: GoldQuestion, notes: Path) -> list[list[GoldExcerpt]]:
    """The gold excerpts of each part."""

    def excerpt(note: str, quote: str) -> GoldExcerpt:
        text = (notes / note).read_bytes().decode("utf-8")
        return GoldExcerpt(note, text.index(quote), quote)

    return [
        [excerpt(one.note, one.quote) for one in question.gold if one.part == part]
        for part in question.parts
    ]


def fitted_and_judged(sets: Mapping[str, Sequence[Example]], name: str) -> dict[str, Any]:
    """A model fitted on all sets, with its threshold and its quality on sets it had not seen."""
    unseen = {}
    for own, rows in sets.items():
        model = fit([rows for other, rows in sets.items() if other != own], name)
        unseen[own] = probabilities(model, name, rows)
    every = [row for rows in sets.values() for row in rows]
    weights = np.array([100 / len(rows) for rows in sets.values() for _ in rows])
    p = np.concatenate(list(unseen.values()))
    good = weights * [row.good for row in every]
    wrong = weights * [not row.partly for row in every]
    near, far = ([row.kind == kind for row in every] for kind in ("near", "far"))
    order = np.argsort(-p)
    shares = np.cumsum(good[order]) / good.sum()
    firsts = {share: int(np.argmax(shares >= share)) for share in SURE}
    let_through = int(FAR * sum(far))
    threshold = np.sort(p[far])[::-1][let_through] if name == "all" else p[order][shares >= GOOD][0]
    return {
        **fit(list(sets.values()), name),
        "threshold": round(float(threshold), 3),
        "unseen": {
            "auroc": {
                own: round(roc_auc_score([row.partly for row in rows], unseen[own]), 3)
                for own, rows in sets.items()
            },
            "wrong_of_sure": {
                str(share): round(
                    float(wrong[order][: i + 1].sum() / weights[order][: i + 1].sum()), 3
                )
                for share, i in firsts.items()
            },
            "near_that_are_sure": {
                str(share): round(float(np.mean(p[near] >= p[order][i])), 3)
                for share, i in firsts.items()
            },
            "sure_from": {str(s): round(float(p[order][i]), 3) for s, i in firsts.items()},
            "good_refused": round(float(good[p <= threshold].sum() / good.sum()), 3),
        },
    }


def fit(sets: Sequence[Sequence[Example]], name: str) -> dict[str, Any]:
    """Fit a model on these sets."""
    rows = [row for some in sets for row in some]
    weights = np.array([100 / len(some) for some in sets for _ in some])
    x = table(rows, name)
    means, deviations = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = (x - means) / deviations
    partly = LogisticRegression(C=0.3, max_iter=1000)
    partly.fit(z, [row.partly for row in rows], sample_weight=weights)
    odds = partly.decision_function(z)[:, None]
    scaled = LogisticRegression(C=1e3).fit(odds, [row.good for row in rows], sample_weight=weights)
    scale, shift = float(scaled.coef_[0, 0]), float(scaled.intercept_[0])
    return {
        "features": list(MODELS[name]),
        "means": [round(float(value), 5) for value in means],
        "deviations": [round(float(value), 5) for value in deviations],
        "weights": [round(float(value) * scale, 5) for value in partly.coef_[0]],
        "intercept": round(float(partly.intercept_[0]) * scale + shift, 5),
    }


def probabilities(model: Mapping[str, Any], name: str, rows: Sequence[Example]) -> np.ndarray:
    """The confidence of a model in these answers."""
    z = (table(rows, name) - np.array(model["means"])) / np.array(model["deviations"])
    return np.asarray(1 / (1 + np.exp(-(z @ np.array(model["weights"]) + model["intercept"]))))


def table(rows: Sequence[Example], name: str) -> np.ndarray:
    """The features of a model, one row an example."""
    return np.array([[row.features[name][column] for column in MODELS[name]] for row in rows])


if __name__ == "__main__":
    main()
