"""Measure the support check on sentences that are labelled as supported by their passages, or not.

    python eval/grounding.py eval/grounding.jsonl --half test

Prints how many were flagged as unsupported, with 95% intervals, and the AUROC of the score. The
passages of the whole file give the idf, not an index, so that it is the same everywhere.
"""

import argparse
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sklearn.metrics import roc_auc_score

from ragqa.claims.sources import Idf, Source, read_sources
from ragqa.claims.support import support_of
from ragqa.embedders import embedder_for
from ragqa.evaluation.summary import share_interval
from ragqa.readers import reader_for
from ragqa.text.words import index_terms


@dataclass(frozen=True, slots=True)
class LabelledSentence:
    """A sentence with the passages that it cites, and whether they support it.

    `paths` are the notes of the passages.
    """

    id: str
    sentence: str
    sources: tuple[Source, ...]
    paths: tuple[str, ...]
    supported: bool
    kind: str
    half: str

    @property
    def cited(self) -> range:
        """The numbers of its sources."""
        return range(1, len(self.sources) + 1)


def read_grounding(path: Path) -> list[LabelledSentence]:
    """Read a JSON Lines file of labelled sentences."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [
        LabelledSentence(
            id=row["id"],
            sentence=row["sentence"],
            sources=tuple(Source(one["heading"], one["text"]) for one in row["passages"]),
            paths=tuple(one["path"] for one in row["passages"]),
            supported=row["supported"],
            kind=row["kind"],
            half=row["half"],
        )
        for row in rows
    ]


def idf_of(rows: Iterable[LabelledSentence]) -> Idf:
    """The idf of terms over the passages of the rows, as in BM25."""
    passages = {(source.heading, source.text) for row in rows for source in row.sources}
    holding: Counter[str] = Counter()
    for heading, text in passages:
        holding.update(set(index_terms(f"{heading} {text}")))

    def idf(terms: Sequence[str]) -> Mapping[str, float]:
        total = len(passages)
        return {
            term: math.log(1 + (total - holding[term] + 0.5) / (holding[term] + 0.5))
            for term in terms
        }

    return idf


def main() -> None:
    """Check each sentence of a half against the passages that it cites."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--half", choices=("tune", "test"), default="test")
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--reader", default="neutral")
    given = parser.parse_args()
    everything = read_grounding(given.rows)
    embedder, idf = embedder_for(given.embedder, building=False), idf_of(everything)
    reader = reader_for(given.reader)
    flags: dict[tuple[bool, str], list[float]] = defaultdict(list)
    scores, labels = [], []
    for row in everything:
        if row.half == given.half:
            sources = read_sources(row.sources, embedder, reader=reader)
            found = support_of(row.sentence, row.cited, sources, idf)
            for kind in ("all", row.kind):
                flags[row.supported, kind].append(float(not found.supported))
            scores.append(found.score)
            labels.append(row.supported)
    for (supported, kind), flagged in sorted(flags.items()):
        low, high = share_interval(flagged)
        share, label = sum(flagged) / len(flagged), "supported" if supported else "unsupported"
        print(f"{label:<12}{kind:<16}{sum(flagged):>4.0f} of {len(flagged):<4}", end=" ")
        print(f"{share:.2f} [{low:.2f}, {high:.2f}]")
    print(f"AUROC {roc_auc_score(labels, scores):.3f}")


if __name__ == "__main__":
    main()
