"""Measure what is named of sentences that are labelled as being in their passages, or not.

    python eval/grounding.py eval/grounding.jsonl --half test
    python eval/grounding.py eval/claims/sentences.jsonl --half report

Prints of how many something is named as lacking, with 95% intervals, and the AUROC of how much is
lacking. The passages of the whole file give the idf, not an index, so that it is the same
everywhere.
"""

import argparse
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sklearn.metrics import roc_auc_score

from ragqa.embedders import Embedder, embedder_for
from ragqa.evaluation.summary import share_interval
from ragqa.generation import heading_of
from ragqa.grounding import Idf, grounding_of
from ragqa.notes import parse_note
from ragqa.passages import Chunking
from ragqa.passages.language import with_language
from ragqa.passages.split import split_note
from ragqa.text.words import index_terms


@dataclass(frozen=True, slots=True)
class LabelledSentence:
    """A sentence with the passages that it cites, and whether they say it.

    `sources` are the passages, each below its headings; `paths` are their notes.
    """

    id: str
    sentence: str
    sources: tuple[str, ...]
    paths: tuple[str, ...]
    supported: bool
    kind: str
    half: str


def read_grounding(path: Path, embedder: Embedder | None = None) -> list[LabelledSentence]:
    """Read a JSON Lines file of labelled sentences.

    :param embedder: cuts the notes into passages where a row has a note of `notes/` instead.
    """

    @cache
    def passages_of(name: str) -> list[dict[str, str]]:
        text = (path.parent / "notes" / name).read_text(encoding="utf-8")
        note = with_language(parse_note(name, text), Chunking().language)
        found = []
        if embedder:
            window, count = embedder.info.window, embedder.count_tokens
            found = split_note(note, chunking=Chunking(), window=window, count_tokens=count)
        return [{"path": name, "heading": heading_of(one), "text": one.text} for one in found]

    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    found = []
    for row in rows:
        passages = row["passages"] if "passages" in row else passages_of(row["note"])
        found.append(
            LabelledSentence(
                id=row["id"],
                sentence=row["sentence"],
                sources=tuple(f"{one['heading']}\n{one['text']}" for one in passages),
                paths=tuple(one["path"] for one in passages),
                supported=row["supported"],
                kind=row["kind"],
                half=row["half"],
            )
        )
    return found


def idf_of(rows: Iterable[LabelledSentence]) -> Idf:
    """The idf of terms over the passages of the rows, as in BM25."""
    passages = {source for row in rows for source in row.sources}
    holding: Counter[str] = Counter()
    for text in passages:
        holding.update(set(index_terms(text)))

    def idf(terms: Sequence[str]) -> Mapping[str, float]:
        total = len(passages)
        return {
            term: math.log(1 + (total - holding[term] + 0.5) / (holding[term] + 0.5))
            for term in terms
        }

    return idf


def main() -> None:
    """Lay each sentence of a half beside the passages that it cites."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--half", default="test", help="test, tune; report, choose; or all")
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    given = parser.parse_args()
    embedder = embedder_for(given.embedder, building=False)
    everything = read_grounding(given.rows, embedder)
    idf = idf_of(everything)
    named: dict[tuple[bool, str], list[float]] = defaultdict(list)
    scores, labels = [], []
    for row in everything:
        if given.half in (row.half, "all"):
            found = grounding_of(row.sentence, "\n".join(row.sources), idf)
            for kind in ("all", row.kind):
                named[row.supported, kind].append(float(bool(found.lacks)))
            scores.append(found.lacking)
            labels.append(not row.supported)
    for (supported, kind), each in sorted(named.items()):
        low, high = share_interval(each)
        share, label = sum(each) / len(each), "true" if supported else "false"
        print(f"{label:<6}{kind:<16}{sum(each):>4.0f} of {len(each):<4}", end=" ")
        print(f"{share:.2f} [{low:.2f}, {high:.2f}]")
    print(f"AUROC {roc_auc_score(labels, scores):.3f}")


if __name__ == "__main__":
    main()
