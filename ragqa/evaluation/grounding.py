"""Measure the support check on a file of labelled sentences."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragqa.claims.compare import Idf
from ragqa.claims.sources import Source, read_sources
from ragqa.claims.support import Support, support_of
from ragqa.config import Settings
from ragqa.embedders import embedder_for
from ragqa.errors import UsageError
from ragqa.evaluation.questions import HALVES, Chosen
from ragqa.evaluation.rows import list_of, read_unique, text_of
from ragqa.evaluation.statistics import auroc, measure_interval, share_interval
from ragqa.evaluation.summary import Document
from ragqa.readers import prepared
from ragqa.text.words import index_terms
from ragqa.types import Progress

_FORM = (
    'a line is {"id", "sentence", "passages": [{"path", "heading", "text"}], "supported": true, '
    '"kind", "half"}'
)


@dataclass(frozen=True, slots=True)
class LabelledSentence:
    """A sentence with the passages that it cites, and whether they support it.

    `paths` are the notes of the passages. `half` is "" if the file is not split.
    """

    id: str
    sentence: str
    sources: tuple[Source, ...]
    paths: tuple[str, ...]
    supported: bool
    kind: str = ""
    half: str = ""

    @property
    def cited(self) -> range:
        """The numbers of its sources."""
        return range(1, len(self.sources) + 1)


def read_grounding(path: Path) -> list[LabelledSentence]:
    """Read a JSON Lines file of labelled sentences.

    :raises UsageError: the file cannot be read, or a line is malformed; the message names it.
    """
    rows = read_unique(path, _row)
    if not rows:
        raise UsageError(f"there are no sentences in {path}", hint=_FORM)
    return rows


def evaluate_grounding(
    chosen: Chosen[LabelledSentence],
    everything: Sequence[LabelledSentence],
    settings: Settings,
    progress: Progress,
) -> Document:
    """Check each sentence against the passages that it cites.

    :param everything: all rows of the file. Their passages give the idf, not an index, so that the
        same file gives the same figures everywhere.
    """
    embedder, idf = embedder_for(settings.embedder, building=False), idf_of(everything)
    reader = prepared(settings.reader)
    rows = chosen.asked
    judged = []
    for done, row in enumerate(rows):
        progress("checking", done, len(rows))
        sources = read_sources(row.sources, embedder, reader=reader)
        judged.append((row, support_of(row.sentence, row.cited, sources, idf)))
    progress("checking", len(rows), len(rows))
    return {
        "dataset": chosen.name,
        "mode": "grounding",
        "half": chosen.half,
        "sentences": len(rows),
        "embedder": settings.embedder,
        "reader": reader.name,
        **_summary(judged),
        "rows": [_judged(row, support) for row, support in judged],
    }


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


def _summary(judged: Sequence[tuple[LabelledSentence, Support]]) -> dict[str, Any]:
    """The sentences flagged, in all and by kind, and the AUROC of the score."""
    labels = [row.supported for row, _ in judged]
    scores = [support.score for _, support in judged]
    found: dict[str, Any] = {
        "flagged": {
            name: _flagged(one for one in judged if one[0].supported is supported)
            for name, supported in (("unsupported", False), ("supported", True))
        },
        "kinds": [
            {"kind": kind, "supported": supported}
            | _flagged(
                one for one in judged if (one[0].supported, one[0].kind) == (supported, kind)
            )
            for supported, kind in sorted({(row.supported, row.kind) for row, _ in judged})
        ],
    }
    if any(labels) and not all(labels):
        found["auroc"] = auroc(scores, labels)
        found["auroc_interval"] = measure_interval(auroc, scores, labels)
    return found


def _flagged(judged: Iterable[tuple[LabelledSentence, Support]]) -> dict[str, Any]:
    flags = [float(not support.supported) for _, support in judged]
    if not flags:
        return {"sentences": 0, "flagged": 0}
    return {
        "sentences": len(flags),
        "flagged": int(sum(flags)),
        "share": sum(flags) / len(flags),
        "interval": share_interval(flags),
    }


def _judged(row: LabelledSentence, support: Support) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "sentence": row.sentence,
        "supported": row.supported,
        "flagged": not support.supported,
        "score": round(support.score, 4),
        "against": list(support.against),
        "evidence": {
            str(number): [row.sources[number - 1].text[slice(*span)] for span in spans]
            for number, spans in support.evidence.items()
        },
    }


def _row(document: Mapping[str, Any], where: str) -> LabelledSentence:
    passages = [_passage(one, where) for one in list_of(document, "passages", where)]
    if not passages:
        raise UsageError(f"{where} has no passages", hint=_FORM)
    supported = document.get("supported")
    if not isinstance(supported, bool):
        raise UsageError(f"{where}: 'supported' must be true or false", hint=_FORM)
    half = text_of({"half": "", **document}, "half", where)
    if half not in ("", *HALVES):
        raise UsageError(f"{where}: half must be tune or test, not {half!r}")
    return LabelledSentence(
        id=text_of(document, "id", where),
        sentence=text_of(document, "sentence", where),
        sources=tuple(source for _, source in passages),
        paths=tuple(path for path, _ in passages),
        supported=supported,
        kind=text_of({"kind": "", **document}, "kind", where),
        half=half,
    )


def _passage(document: object, where: str) -> tuple[str, Source]:
    if not isinstance(document, dict):
        raise UsageError(f"{where}: a passage is not a JSON object", hint=_FORM)
    heading = text_of({"heading": "", **document}, "heading", where)
    source = Source(heading, text_of(document, "text", where))
    return text_of({"path": "", **document}, "path", where), source
