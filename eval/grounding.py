"""Measure what is named of sentences that are labelled as being in their passages, or not.

    python eval/grounding.py eval/grounding.jsonl --half test
    python eval/grounding.py eval/claims/sentences.jsonl --half report

Prints of how many something is named as lacking, with 95% intervals, and the AUROC of how much is
lacking beside that of ten lines. The passages of the whole file give the idf, not an index, so that
it is the same everywhere.
"""

import argparse
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sklearn.metrics import roc_auc_score

from ragqa.claims.lacks import Grounding, grounding_of
from ragqa.claims.sources import About, CitedPassage, Idf, read_sources
from ragqa.embedders import Embedder, embedder_for
from ragqa.evaluation.asking import split_passages
from ragqa.evaluation.summary import share_interval
from ragqa.generation.writer import heading_of
from ragqa.notes import parse_note
from ragqa.passages import Chunking
from ragqa.readers import reader_for
from ragqa.text.names import names_of
from ragqa.text.words import index_terms, words_of
from ragqa.types import Stamp

NAME = 0.3
OTHER = 0.5
"""What a name, and a figure or anything else, adds to the share of the idf that is lacking."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class LabelledSentence:
    """A sentence with the passages that it cites, and whether they say it.

    `paths` are the notes of the passages.
    """

    id: str
    sentence: str
    sources: tuple[CitedPassage, ...]
    paths: tuple[str, ...]
    supported: bool
    kind: str
    half: str

    @property
    def cited(self) -> range:
        """The numbers of its sources."""
        return range(1, len(self.sources) + 1)


def read_grounding(path: Path, embedder: Embedder | None = None) -> list[LabelledSentence]:
    """Read a JSON Lines file of labelled sentences.

    :param embedder: cuts the notes into passages where a row has a note of `notes/` instead.
    """

    @cache
    def passages_of(name: str) -> list[dict[str, str]]:
        text = (path.parent / "notes" / name).read_text(encoding="utf-8")
        note = parse_note(name, text, "0" * 64, Stamp(len(text), 0))
        found = split_passages(note, embedder, Chunking()) if embedder else []
        return [{"path": name, "heading": heading_of(one), "text": one.text} for one in found]

    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    found = []
    for row in rows:
        passages = row["passages"] if "passages" in row else passages_of(row["note"])
        found.append(
            LabelledSentence(
                id=row["id"],
                sentence=row["sentence"],
                sources=tuple(CitedPassage(one["heading"], one["text"]) for one in passages),
                paths=tuple(one["path"] for one in passages),
                supported=row["supported"],
                kind=row["kind"],
                half=row["half"],
            )
        )
    return found


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


def lacking(found: Grounding) -> float:
    """How much is lacking: the share of the idf, and more for each thing that is named."""
    names = sum(lack.about in (About.NAME, About.WORD) for lack in found.lacks)
    others = len(found.lacks) - names + len(found.differs)
    return found.share + NAME * names + OTHER * others


def ten_lines(row: LabelledSentence, idf: Idf) -> float:
    """The same without lines, token vectors, units, dates and "not": what there is to beat."""
    text = " ".join(f"{source.heading} {source.text}" for source in row.sources)
    terms = [word.stem for word in words_of(row.sentence) if word.stem]
    weights, there = idf(terms), {word.stem for word in words_of(text)}
    total = sum(weights[term] for term in terms) or 1
    share = sum(weights[term] for term in terms if term not in there) / total
    numbers = set(_NUMBER.findall(text))
    figures = sum(number not in numbers for number in _NUMBER.findall(row.sentence))
    names = sum(one.text.casefold() not in text.casefold() for one in names_of(row.sentence))
    return share + OTHER * figures + NAME * names


def main() -> None:
    """Lay each sentence of a half beside the passages that it cites."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--half", default="test", help="test, tune; report, choose; or all")
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--reader", default="neutral")
    given = parser.parse_args()
    embedder = embedder_for(given.embedder, building=False)
    everything = read_grounding(given.rows, embedder)
    idf, reader = idf_of(everything), reader_for(given.reader)
    named: dict[tuple[bool, str], list[float]] = defaultdict(list)
    scores, baseline, labels = [], [], []
    for row in everything:
        if given.half in (row.half, "all"):
            sources = read_sources(row.sources, embedder, reader=reader)
            found = grounding_of(row.sentence, row.cited, sources, idf)
            for kind in ("all", row.kind):
                named[row.supported, kind].append(float(bool(found.lacks or found.differs)))
            scores.append(lacking(found))
            baseline.append(ten_lines(row, idf))
            labels.append(not row.supported)
    for (supported, kind), each in sorted(named.items()):
        low, high = share_interval(each)
        share, label = sum(each) / len(each), "true" if supported else "false"
        print(f"{label:<6}{kind:<16}{sum(each):>4.0f} of {len(each):<4}", end=" ")
        print(f"{share:.2f} [{low:.2f}, {high:.2f}]")
    print(f"AUROC {roc_auc_score(labels, scores):.3f}", end=", ")
    print(f"of ten lines {roc_auc_score(labels, baseline):.3f}")


if __name__ == "__main__":
    main()
