"""Results as JSON documents. Scripts rely on the keys."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ragqa.types import (
    DOCUMENT_VERSION,
    Answer,
    Citation,
    Correction,
    Disagreement,
    Hit,
    IndexInfo,
    IndexReport,
    Reason,
    SearchResult,
    Skipped,
    Written,
)

Document = dict[str, Any]


def to_json(document: Mapping[str, Any]) -> str:
    """Return the document and its version as ASCII JSON, which prints in any locale.

    :raises ValueError: a value is NaN or infinite.
    """
    versioned = {"version": DOCUMENT_VERSION, **document}
    return json.dumps(versioned, ensure_ascii=True, allow_nan=False, indent=2)


def answer_document(answer: Answer, *, explain: bool = False) -> Document:
    """What `ragqa ask --json` prints.

    :param explain: add the scores behind the answer.
    """
    extra: Document = {"confidence_reasons": reasons_document(answer.reasons)} if explain else {}
    if answer.written is not None:
        extra |= written_document(answer.written)
    return {
        "question": answer.question,
        "corrected": corrected_document(answer.corrected),
        "answered": answer.answered,
        "confidence": answer.confidence,
        "calibration": answer.calibration,
        "verdict": answer.verdict,
        "sure": answer.sure,
        "missing": list(answer.missing),
        "backend": answer.backend,
        "answer": answer.text,
        "citations": [citation_document(each, explain=explain) for each in answer.citations],
        "disagreements": [_disagreement_document(each) for each in answer.disagreements],
        "passages": [hit_document(hit, explain=explain) for hit in answer.hits],
        "warnings": warnings_of(answer),
        "timings_ms": dict(answer.timings_ms),
        "index": index_document(answer.info),
    } | extra


def warnings_of(answer: Answer) -> list[str]:
    """All warnings of an answer, including why the LLM's answer is missing."""
    written = answer.written
    if written is None or written.grounded:
        return list(answer.warnings)
    own = "; this is the answer in your notes' own words" if answer.answered else ""
    hint = f" ({written.hint})" if written.hint else ""
    return [*answer.warnings, f"{written.why}{own}{hint}"]


def written_document(written: Written) -> Document:
    """An LLM's answer: each sentence with the verdict of the support check."""
    return {
        "grounded": written.grounded,
        "llm": {
            "backend": written.backend,
            "fallback": written.fallback,
            "passages": written.given,
            "passages_left_out": written.left_out,
            "sentences_left_out": written.dropped,
        },
        "sentences": [
            {
                "text": sentence.text,
                "citations": list(sentence.citations),
                "support": sentence.support,
                "supported": sentence.supported,
                "against": list(sentence.against),
            }
            for sentence in written.claims
        ],
        "invalid_citations": list(written.invalid_citations),
    }


def search_document(result: SearchResult) -> Document:
    """What `ragqa search --json` prints."""
    return {
        "query": result.query,
        "corrected": corrected_document(result.corrected),
        "hits": [hit_document(hit) for hit in result.hits],
        "warnings": list(result.warnings),
        "timings_ms": dict(result.timings_ms),
        "index": index_document(result.info),
    }


def report_document(report: IndexReport) -> Document:
    """What `ragqa index --json` prints."""
    return {
        "notes": report.info.notes,
        "passages": report.info.passages,
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "skipped": skipped_document(report.skipped),
        "warnings": list(report.warnings),
        "seconds": report.seconds,
        "index": index_document(report.info),
    }


def index_document(info: IndexInfo) -> Document:
    """The index that gave a result."""
    return {
        "generation": info.generation,
        "embedder": info.embedder.name,
        "notes": info.notes,
        "passages": info.passages,
    }


def skipped_document(skipped: Sequence[Skipped]) -> list[Document]:
    """The notes that were skipped, and why."""
    return [{"path": skip.path, "reason": skip.reason} for skip in skipped]


def corrected_document(corrected: Sequence[Correction]) -> list[Document]:
    """The words whose spelling was corrected for the search."""
    return [{"from": one.typed, "to": one.read} for one in corrected]


def citation_document(citation: Citation, *, explain: bool = False) -> Document:
    """A citation.

    :param explain: add the contribution of each signal to its score.
    """
    context = {"context": citation.context} if citation.context else {}
    more = context | ({"parts": dict(citation.parts)} if explain else {})
    return {
        "n": citation.n,
        "path": citation.path,
        "lines": list(citation.lines),
        "chars": list(citation.chars),
        "heading": list(citation.heading),
        "quote": citation.quote,
        "note_sha256": citation.note_sha256,
        "score": citation.score,
        "short_answer": citation.span and {"text": citation.short, "chars": list(citation.span)},
        "answer_spans": [list(span) for span in citation.answer_spans],
        "cut": dict(zip(("before", "after"), citation.cut, strict=True)),
        "note_date": citation.note_date or None,
        "old": citation.old,
    } | more


def _disagreement_document(disagreement: Disagreement) -> Document:
    return {
        "about": disagreement.about,
        "statements": [
            citation_document(citation) | {"says": says, "says_chars": chars and list(chars)}
            for citation, says, chars in zip(
                disagreement.citations, disagreement.says, disagreement.says_chars, strict=True
            )
        ],
    }


def reasons_document(reasons: Sequence[Reason]) -> list[Document]:
    """The features behind the confidence, and the effect of each."""
    return [
        {
            "name": reason.name,
            "value": round(reason.value, 4),
            "usual": round(reason.usual, 4),
            "share": round(reason.share, 4),
        }
        for reason in reasons
    ]


def hit_document(hit: Hit, *, explain: bool = False) -> Document:
    """A ranked passage.

    :param explain: add its rank by embedding and by BM25.
    """
    passage = hit.passage
    ranks = {"dense_rank": hit.dense_rank, "terms_rank": hit.terms_rank} if explain else {}
    return {
        "path": passage.path,
        "lines": list(passage.lines),
        "chars": [passage.start, passage.end],
        "heading": list(passage.heading),
        "text": passage.text,
        "score": round(hit.score, 4),
        "dense": None if hit.dense is None else round(hit.dense, 4),
        "terms": None if hit.terms is None else round(hit.terms, 4),
    } | ranks
