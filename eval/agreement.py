"""Do questions made from the notes rank settings as hand-written ones do? Prints a table.

    python eval/agreement.py --corpus corpus --questions eval/questions.jsonl --generated 300

Each setting is evaluated on both; the agreement of the two orders is Kendall's tau-b.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from scipy.stats import kendalltau

from ragqa.api import index_from, open_index
from ragqa.config.setting import Value
from ragqa.evaluation.evaluating import evaluate_questions, read_notes, settings_with
from ragqa.evaluation.generating import generate_questions
from ragqa.evaluation.questions import Chosen, read_questions

SEED = 7
SETTINGS: tuple[Mapping[str, Value], ...] = (
    {},
    {"dense_weight": 0.0},
    {"dense_weight": 0.25},
    {"dense_weight": 0.75},
    {"dense_weight": 1.0},
    {"passage_tokens": 60},
    {"passage_tokens": 100},
    {"passage_tokens": 200},
    {"passage_tokens": 300},
    {"candidates": 10},
    {"dense_weight": 1.0, "passage_tokens": 60},
)
MEASURES = ("ndcg@10", "recall@1", "recall@5")


def main() -> None:
    """Evaluate each setting on both kinds of questions, and compare the orders."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", default="corpus")
    parser.add_argument("--questions", type=Path, default=Path("eval/questions.jsonl"))
    parser.add_argument("--generated", type=int, default=300)
    args = parser.parse_args()
    by_hand = [question for question in read_questions(args.questions) if question.gold]
    with open_index(args.corpus) as index:
        notes, _ = read_notes(index.source, _silent)
    made = generate_questions(notes, args.generated, seed=SEED)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in MEASURES}
    print(f"{len(by_hand)} hand-written and {len(made)} generated questions\n")
    print("| setting | " + " | ".join(f"{name}: hand, made" for name in MEASURES) + " |")
    print("| --- |" + " --- |" * len(MEASURES))
    for settings in SETTINGS:
        row = []
        for questions in (by_hand, made):
            with index_from(settings_with(settings, {"corpus": args.corpus})) as index:
                document = evaluate_questions(index, Chosen("", questions), _silent)
            row.append(document["methods"]["hybrid"])
        for name in MEASURES:
            found[name].append((row[0][name], row[1][name]))
        cells = (f"{row[0][name]:.3f}, {row[1][name]:.3f}" for name in MEASURES)
        print(f"| {json.dumps(settings)} | {' | '.join(cells)} |", flush=True)
    print()
    for name, pairs in found.items():
        tau = kendalltau(*zip(*pairs, strict=True))
        print(f"{name}: Kendall's tau {tau.statistic:.2f} (p {tau.pvalue:.3f})")


def _silent(stage: str, done: int, total: int) -> None:
    """Say nothing."""


if __name__ == "__main__":
    main()
