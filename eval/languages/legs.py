"""How well are passages found in each set of questions, by leg? Prints a table of nDCG@10.

    python eval/languages/legs.py --dir /tmp/languages --half test --out now.json
    python eval/languages/legs.py --dir /tmp/languages --half test --against before.json

`--dir` is the folder that material.py made; the notes are indexed in it. `--against` prints the
paired differences from an earlier run's `--out`, with bootstrap intervals of 95%. A passage is
relevant if it holds at least half of a gold excerpt.
"""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from material import SETS

from ragqa import Index, open_index
from ragqa.evaluation.measures import measure_rankings
from ragqa.evaluation.statistics import interval, mean
from ragqa.retrieval import find_legs
from ragqa.types import Filters

LEGS = ("hybrid", "dense", "terms")
Measured = dict[str, dict[str, float]]
"""nDCG@10 by leg, by the question's id."""


def main() -> None:
    """Measure each set, and print a row of the table for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--half", choices=("tune", "test", "all"), default="test")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--against", type=Path)
    args = parser.parse_args()
    before = json.loads(args.against.read_text()) if args.against else {}
    print("| set | questions | hybrid | dense | terms | hybrid, difference |")
    print("| --- | ---: | --- | --- | --- | --- |")
    found: dict[str, Measured] = {}
    for name in args.sets:
        notes, place = args.dir / "notes" / name, args.dir / "index" / name
        lines = (args.dir / f"{name}.jsonl").read_text("utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        with open_index(corpus=notes, index=place) as index:
            chosen = [row for row in rows if args.half in ("all", row["half"])]
            found[name] = measured(index, notes, chosen)
        print(row_of(name, found[name], before.get(name, {})), flush=True)
    if args.out:
        args.out.write_text(json.dumps(found))


def measured(index: Index, notes: Path, rows: Iterable[Mapping[str, Any]]) -> Measured:
    """Measure the questions whose gold is in passages."""
    snapshot, embedder, ranking = index.snapshot(), index.source.embedders.asking, index.ranking
    found: Measured = {}
    for row in rows:
        relevant = set()
        for gold in row["excerpts"]:
            text = (notes / gold["note"]).read_text("utf-8")
            start = text.index(gold["quote"])
            end = start + len(gold["quote"])
            relevant |= {
                passage.id
                for passage in snapshot.of_note(gold["note"])
                if 2 * (min(passage.end, end) - max(passage.start, start)) >= end - start
            }
        if relevant:
            legs = find_legs(
                snapshot, embedder, row["question"], k=10, filters=Filters(), ranking=ranking
            )
            ranked = (legs.fused(ranking.dense_weight), legs.dense, legs.terms)
            found[row["id"]] = {
                leg: ndcg([str(id_) for id_, _ in hits[:10]], relevant)
                for leg, hits in zip(LEGS, ranked, strict=True)
            }
    return found


def ndcg(ranking: Sequence[str], relevant: Iterable[int]) -> float:
    """The nDCG@10 of one ranking."""
    grades = {str(id_): 1 for id_ in relevant}
    return measure_rankings({"": grades}, {"": ranking})[""]["ndcg@10"]


def row_of(name: str, found: Measured, before: Measured) -> str:
    """A row of the table."""
    cells = [name, str(len(found))]
    for leg in LEGS:
        values = [each[leg] for each in found.values()]
        low, high = interval(values)
        cells.append(f"{mean(values):.3f} [{low:.3f}, {high:.3f}]")
    both = [id_ for id_ in found if id_ in before]
    gains = [found[id_]["hybrid"] - before[id_]["hybrid"] for id_ in both]
    if gains:
        low, high = interval(gains)
        cells.append(f"{mean(gains):+.3f} [{low:+.3f}, {high:+.3f}]")
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
