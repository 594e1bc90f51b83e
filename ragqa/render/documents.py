"""Results as JSON documents. Scripts rely on the keys."""

from collections.abc import Sequence
from typing import Any

from ragqa.render.answer_lines import warnings_of
from ragqa.types import (
    Answer,
    Citation,
    Correction,
    Disagreement,
    Hit,
    IndexInfo,
    IndexReport,
    NoteList,
    NoteRecord,
    Reason,
    SearchResult,
    Skipped,
    Written,
    WrittenSentence,
)

Document = dict[str, Any]


def fields_of(source: object, *names: str) -> Document:
    """These attributes of an object, by name."""
    return {name: getattr(source, name) for name in names}


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
        **fields_of(answer, "answered", "confidence", "verdict", "sure"),
        **fields_of(answer, "missing", "backend"),
        "answer": answer.text,
        "citations": [citation_document(each, explain=explain) for each in answer.citations],
        "also": [citation_document(each, explain=explain) for each in answer.also],
        "disagreements": [_disagreement_document(each) for each in answer.disagreements],
        "passages": [hit_document(hit, explain=explain) for hit in answer.hits],
        "warnings": warnings_of(answer),
        **fields_of(answer, "waiting", "timings_ms"),
        "index": index_document(answer.info),
    } | extra


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
        "sentences": [sentence_document(sentence) for sentence in written.claims],
        "invalid_citations": written.invalid_citations,
    }


def sentence_document(sentence: WrittenSentence) -> Document:
    """A sentence that an LLM wrote, and the result of checking it."""
    return fields_of(sentence, "text", "citations", "support", "supported", "against")


def search_document(result: SearchResult) -> Document:
    """What `ragqa search --json` prints."""
    return {
        "query": result.query,
        "corrected": corrected_document(result.corrected),
        "hits": [hit_document(hit) for hit in result.hits],
        **fields_of(result, "warnings", "waiting", "timings_ms"),
        "index": index_document(result.info),
    }


def list_document(found: NoteList, *, tags: bool) -> Document:
    """What `ragqa list --json` prints."""
    if tags:
        listed: Document = {"tags": [{"tag": tag, "notes": n} for tag, n in found.tags.items()]}
    else:
        listed = {"notes": [_note_document(note) for note in found.notes]}
    more = fields_of(found, "warnings", "waiting")
    return listed | more | {"index": index_document(found.info)}


def _note_document(note: NoteRecord) -> Document:
    dated = fields_of(note, "path", "title") | {"date": note.date or None}
    return dated | fields_of(note, "tags", "aliases") | {"language": note.language or None}


def report_document(report: IndexReport) -> Document:
    """What `ragqa index --json` prints."""
    return {
        "notes": report.info.notes,
        "passages": report.info.passages,
        **fields_of(report, "added", "changed", "removed", "unchanged"),
        **skipped_document(report.skipped),
        **fields_of(report, "warnings", "seconds"),
        "index": index_document(report.info),
    }


def index_document(info: IndexInfo) -> Document:
    """The index that gave a result."""
    counts = fields_of(info, "notes", "passages")
    return {"generation": info.generation, "embedder": info.embedder.name, **counts}


def skipped_document(skipped: Sequence[Skipped]) -> Document:
    """What could not be read, and what a rule of the user's leaves out, each with the reason."""
    return {
        name: [fields_of(one, "path", "reason") for one in skipped if one.is_left_out == left_out]
        for name, left_out in (("skipped", False), ("left_out", True))
    }


def corrected_document(corrected: Sequence[Correction]) -> list[Document]:
    """The words whose spelling was corrected for the search."""
    return [{"from": one.typed, "to": one.read} for one in corrected]


def citation_document(citation: Citation, *, explain: bool = False) -> Document:
    """A citation.

    :param explain: add the contribution of each signal to its score.
    """
    more = fields_of(citation, "context") if citation.context else {}
    more |= fields_of(citation, "locator") if citation.locator else {}
    more |= fields_of(citation, "parts") if explain else {}
    return {
        **fields_of(citation, "n", "path", "lines", "chars", "heading", "quote"),
        **fields_of(citation, "note_sha256", "score"),
        "short_answer": citation.span and {"text": citation.short, "chars": citation.span},
        "answer_spans": citation.answer_spans,
        "cut": dict(zip(("before", "after"), citation.cut, strict=True)),
        "note_date": citation.note_date or None,
        "old": citation.old,
    } | more


def _disagreement_document(disagreement: Disagreement) -> Document:
    return {
        "about": disagreement.about,
        "statements": [
            citation_document(citation) | {"says": says, "says_chars": chars}
            for citation, says, chars in zip(
                disagreement.citations, disagreement.says, disagreement.says_chars, strict=True
            )
        ],
    }


def reasons_document(reasons: Sequence[Reason]) -> list[Document]:
    """The features behind the confidence, and the effect of each."""
    return [
        {"name": reason.name}
        | {name: round(getattr(reason, name), 4) for name in ("value", "usual", "share")}
        for reason in reasons
    ]


def hit_document(hit: Hit, *, explain: bool = False) -> Document:
    """A ranked passage.

    :param explain: add its rank by embedding and by BM25.
    """
    passage = hit.passage
    scores = fields_of(hit, "score", "dense", "terms")
    return {
        **fields_of(passage, "path", "lines"),
        "chars": (passage.start, passage.end),
        "heading": passage.heading,
        "text": passage.text,
        **{name: None if score is None else round(score, 4) for name, score in scores.items()},
        **(fields_of(hit, "locator") if hit.locator else {}),
        **(fields_of(hit, "dense_rank", "terms_rank") if explain else {}),
    }
