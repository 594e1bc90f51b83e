"""Why a note is or is not in an answer: a short verdict, then the figures."""

from rich.text import Text

from ragqa.answering.sentences import PASSAGES
from ragqa.explaining.explanation import SAID, STAGES, Explanation, Lost, Sentence
from ragqa.explaining.targets import Target
from ragqa.render import documents
from ragqa.render.documents import Document, fields_of
from ragqa.render.results import Linker, print_corrected
from ragqa.render.scores import match_rows, print_confidence, print_table, whole
from ragqa.render.screen import put, put_heading
from ragqa.render.view import address
from ragqa.stages import stage_name
from ragqa.types import Citation, counted

_SHOWN = 5
_INDENT = 2
_SAID_SHOWN = 4
_QUOTE_CHARS = 160

_LOST = {
    Lost.WEAK: "another sentence answers the question better, and a further excerpt is shown only "
    "for words of the question that the earlier ones lack",
    Lost.PASSED_OVER: "a paragraph that defines what is asked for, or a newer note that says "
    "something else, takes precedence over its best sentence",
}


def verdict(explanation: Explanation) -> str:
    """Say in a sentence or two whether the note is in the answer, and why."""
    target, subject = explanation.target, _subject(explanation.target)
    path, confidence = target.path, explanation.assessment.confidence
    match explanation.stage:
        case "said":
            return f"Yes: {subject} is in the answer, as {' and '.join(_numbers(explanation))}."
        case "not indexed":
            return f"{path} is not indexed, so no question can find it: {target.reason}."
        case "chunking" if target.lines is None:
            return f"{path} is indexed, but holds no searchable text."
        case "chunking":
            return (
                f"No passage holds {subject}: that is empty, or front matter, which is read but "
                "never quoted."
            )
        case "filters":
            rank = explanation.places[0].rank
            without = f"ranks {rank}" if rank else "is not found either"
            options = " and ".join(explanation.filters)
            return f"{subject} is left out by {options}. Without any filter it {without}."
        case "changed":
            return (
                f"{path} was changed or removed after it was indexed, so it is not quoted; "
                "run ragqa index."
            )
        case "confidence":
            would = any(sentence.lost is None for sentence in explanation.sentences)
            return (
                f"{subject} was found, but no answer was given at all: the confidence in it "
                f"is only {confidence:.2f}. Otherwise it would "
                f"{'have been' if would else 'still not be'} in the answer."
            )
        case "composer":
            return f"{subject} was found, but no excerpt of it is in the answer: " + _lost(
                explanation
            )
        case _:
            return _ranked_too_low(explanation)


def print_explanation(explanation: Explanation, linker: Linker) -> None:
    """Print the verdict, what the note lacks, and the figures."""
    print_corrected(explanation.asked.question.corrected)
    put(verdict(explanation), "bold")
    if explanation.missing:
        put(lacking_line(explanation))
    put(f"Stage: {stage_name(explanation.stage)} ({STAGES[explanation.stage]})", "quiet")
    if not explanation.places:
        return
    _print_places(explanation, linker)
    _print_sentences(explanation, linker)
    if any(place.read for place in explanation.places):
        print_confidence(explanation.assessment.confidence, explanation.assessment.reasons)


def explanation_document(explanation: Explanation) -> Document:
    """What `ragqa why --json` prints."""
    target, assessment = explanation.target, explanation.assessment
    return {
        "question": explanation.asked.question.typed,
        "corrected": documents.corrected_document(explanation.asked.question.corrected),
        "target": fields_of(target, "path", "lines", *(["locator"] if target.locator else ())),
        "verdict": verdict(explanation),
        "reason": target.reason,
        **fields_of(explanation, "stage", "filters"),
        **fields_of(assessment, "answered", "confidence"),
        "confidence_reasons": documents.reasons_document(assessment.reasons),
        "passages": [
            documents.hit_document(place.hit, explain=True) | fields_of(place, "rank", "read")
            for place in explanation.places
        ],
        "candidates": len(assessment.candidates),
        "sentences": [_sentence_document(sentence) for sentence in explanation.sentences],
        "said": [
            documents.citation_document(citation, explain=True) for citation in explanation.said
        ],
        "missing_words": list(explanation.missing),
        **fields_of(explanation, "warnings", "waiting", "timings_ms"),
        "index": documents.index_document(explanation.asked.info),
    }


def _numbers(explanation: Explanation) -> list[str]:
    """The numbers of the citations that quote the note."""
    own = [sentence.citation.chars for sentence in explanation.sentences if sentence.lost is None]
    return [
        f"[{c.n}]"
        for c in explanation.said
        if c.path == explanation.target.path
        and any(c.chars[0] < end and start < c.chars[1] for start, end in own)
    ]


def _lost(explanation: Explanation) -> str:
    """Why nothing of a note that was found is quoted."""
    best = explanation.sentences[0] if explanation.sentences else None
    if best and best.lost:
        candidates = counted(len(explanation.assessment.candidates), "sentence")
        return f"{_LOST[best.lost]} (rank {best.rank} of {candidates})."
    return (
        "nothing there can be quoted on its own. Headings, fragments of a few words, "
        "long code and lists of sources cannot."
    )


def _ranked_too_low(explanation: Explanation) -> str:
    def ranked(rank: int | None) -> str:
        return "not found" if rank is None else f"rank {rank}"

    best = explanation.places[0]
    came = (
        f"ranks {best.rank} of {explanation.asked.info.passages}"
        if best.rank
        else "is not even found"
    )
    meaning = (
        "not looked at"
        if explanation.asked.question.by_terms_alone
        else ranked(best.hit.dense_rank)
    )
    withheld = "" if explanation.assessment.answered else " The question got no answer at all."
    return (
        f"{_subject(explanation.target)} was not read closely: it {came}, and an answer is taken "
        f"from the {PASSAGES} best passages. By its meaning alone: {meaning}; by its words alone: "
        f"{ranked(best.hit.terms_rank)}.{withheld}"
    )


def _subject(target: Target) -> str:
    return address(target.path, target.lines, target.locator) if target.lines else target.path


def lacking_line(explanation: Explanation) -> str:
    """Say which words of the question the note lacks; "" if it is not known to lack any."""
    words = ", ".join(explanation.missing)
    return f"Words of the question that its best passage lacks: {words}." if words else ""


def _print_places(explanation: Explanation, linker: Linker) -> None:
    """Print where the note's passages are and how they rank, best first."""
    without = ", without the filters" if explanation.filters else ""
    put_heading(f"Passages, best first{without}", "heading")
    for place in explanation.places[:_SHOWN]:
        hit, passage = place.hit, place.hit.passage
        legs = f"{whole(hit.dense_rank)} by meaning, {whole(hit.terms_rank)} by words"
        ranks = f"  rank {whole(place.rank)}, {legs}{', read' if place.read else ''}"
        where = linker.place(passage.path, passage.lines, hit.locator)
        put(where.append(ranks, style="quiet"), hang=_INDENT)
    if (rest := len(explanation.places) - _SHOWN) > 0:
        put(f"and {rest} more, further down", "quiet")


def _print_sentences(explanation: Explanation, linker: Linker) -> None:
    own = explanation.sentences[:1] if all(s.lost for s in explanation.sentences) else ()
    path = explanation.target.path
    said = sorted(explanation.said, key=lambda citation: citation.path != path)
    if not said:
        return
    if explanation.stage == SAID:
        put_heading("Said", "heading")
    else:
        put_heading("Said instead" if explanation.assessment.answered else "Withheld", "heading")
    columns: list[tuple[str, Citation]] = [("its best", s.citation) for s in own]
    columns += [(f"[{citation.n}]", citation) for citation in said[:_SAID_SHOWN]]
    for name, citation in columns:
        quote = " ".join(citation.quote.split())
        cut = quote if len(quote) <= _QUOTE_CHARS else quote[: _QUOTE_CHARS - 1] + "\u2026"
        place = linker.cited(citation)
        put(Text.assemble((f"{name:9}", "number"), place), hang=9)
        put(cut, indent=9)
    print_table([name for name, _ in columns], match_rows([one for _, one in columns]))


def _sentence_document(sentence: Sentence) -> Document:
    document = documents.citation_document(sentence.citation, explain=True)
    del document["n"]
    return document | {"rank": sentence.rank, "lost": sentence.lost and str(sentence.lost)}
