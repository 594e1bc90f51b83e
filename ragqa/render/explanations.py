"""Why a note is or is not in an answer: a short verdict, then the figures."""

from rich.text import Text

from ragqa.addresses import Target
from ragqa.answering.sentences import PASSAGES
from ragqa.explaining import SAID, STAGES, Explanation, Lost, Sentence
from ragqa.render import documents
from ragqa.render.documents import Document, fields_of
from ragqa.render.results import Linker, print_corrected
from ragqa.render.scores import match_rows, print_confidence, print_table, signal_name, whole
from ragqa.render.screen import put, put_heading
from ragqa.render.view import address
from ragqa.stages import stage_name
from ragqa.types import Citation, counted

_SHOWN = 5
_INDENT = 2
_SAID_SHOWN = 4
_QUOTE_CHARS = 160
_QUOTED_AT = 9
_AHEAD = 0.01

_NOT_IN_ANSWER = "no excerpt of it is in the answer"
_BELOW = "it is only shown below the answer, as a further excerpt"
_PASSED_OVER = (
    "a paragraph that defines what is asked for, or a newer note that says something else, takes "
    "precedence over its best sentence"
)
_NOT_QUOTABLE = (
    "nothing there can be quoted on its own. Headings, fragments of a few words, long code and "
    "lists of sources cannot."
)


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
            return f"{subject} was found, but {_lost(explanation)}"
        case _:
            return _ranked_too_low(explanation)


def print_explanation(explanation: Explanation, linker: Linker) -> None:
    """Print the verdict, what the note lacks, and the figures."""
    print_corrected(explanation.asked.question.corrected)
    put(verdict(explanation), "bold")
    if explanation.missing:
        put(lacking_line(explanation))
    if explanation.stage != SAID:
        put(f"Lost at: {stage_name(explanation.stage)} ({STAGES[explanation.stage]})", "quiet")
    if explanation.places:
        _print_places(explanation, linker)
        _print_sentences(explanation, linker)
    if explanation.stage == "confidence":
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
        "citations": [
            documents.citation_document(citation, explain=True) for citation in explanation.said
        ],
        "missing_words": list(explanation.missing),
        **fields_of(explanation, "warnings", "waiting"),
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
    """Why nothing of a note that was found is quoted, and what another sentence won by."""
    best = explanation.sentences[0] if explanation.sentences else None
    if not best or not best.lost:
        return f"{_NOT_IN_ANSWER}: {_NOT_QUOTABLE}"
    of = counted(len(explanation.assessment.candidates), "sentence")
    if best.lost is Lost.PASSED_OVER:
        return f"{_NOT_IN_ANSWER}: {_PASSED_OVER} (rank {best.rank} of {of})."
    winner = max(explanation.said, key=lambda citation: citation.score)
    own = best.citation
    ahead = {name: part - own.parts.get(name, 0.0) for name, part in winner.parts.items()}
    most = sorted((name for name in ahead if ahead[name] >= _AHEAD), key=lambda n: -ahead[n])
    leads = " and ".join(f"{signal_name(name)} (+{ahead[name]:.2f})" for name in most[:2])
    shown = _BELOW if best.lost is Lost.FURTHER else _NOT_IN_ANSWER
    return (
        f"{shown}: another sentence answers the question better, with {winner.score:.2f} against "
        f"{own.score:.2f} (rank {best.rank} of {of})." + (f" It leads in {leads}." if leads else "")
    )


def _ranked_too_low(explanation: Explanation) -> str:
    best, asked = explanation.places[0], explanation.asked
    came = f"ranks {best.rank} of {asked.info.passages}" if best.rank else "is not even found"
    meaning, words = (
        "not found" if rank is None else f"rank {rank}"
        for rank in (best.hit.dense_rank, best.hit.terms_rank)
    )
    meaning = "not looked at" if asked.question.by_terms_alone else meaning
    withheld = "" if explanation.assessment.answered else " The question got no answer at all."
    return (
        f"{_subject(explanation.target)} was not read closely: it {came}, and an answer is taken "
        f"from the {PASSAGES} best passages. By its meaning alone: {meaning}; by its words alone: "
        f"{words}.{withheld}"
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
    """Print the sentences weighed in the passages, best first, and the answer beside the best."""
    weighed, said = explanation.sentences, explanation.said
    if weighed:
        put_heading(f"Weighed there, of {len(explanation.assessment.candidates)}", "heading")
    for one in weighed[:_SHOWN]:
        of_answer = "  further excerpt" if one.lost is Lost.FURTHER else ""
        of_answer = of_answer if one.lost else "  in the answer"
        _print_quote(f"{one.rank:>2} {one.citation.score:.2f}", one.citation, of_answer, linker)
    if (rest := len(weighed) - _SHOWN) > 0:
        put(f"and {rest} more, further down", "quiet")
    if not said:
        return
    put_heading("The answer" if explanation.assessment.answered else "Withheld", "heading")
    path = explanation.target.path
    shown = sorted(said, key=lambda citation: citation.path != path)[:_SAID_SHOWN]
    for citation in shown:
        _print_quote(f"[{citation.n}] {citation.score:.2f}", citation, "", linker)
    own = [("its best", weighed[0].citation)] if weighed and weighed[0].lost else []
    columns = [*own, *((f"[{citation.n}]", citation) for citation in shown)]
    print_table([name for name, _ in columns], match_rows([one for _, one in columns]))


def _print_quote(label: str, citation: Citation, more: str, linker: Linker) -> None:
    """Print a sentence, cut, below its place and score."""
    quote = " ".join(citation.quote.split())
    cut = quote if len(quote) <= _QUOTE_CHARS else quote[: _QUOTE_CHARS - 1] + "\u2026"
    where = Text.assemble((f"{label:9}", "number"), linker.cited(citation), (more, "quiet"))
    put(where, hang=_QUOTED_AT)
    put(cut, indent=_QUOTED_AT)


def _sentence_document(sentence: Sentence) -> Document:
    document = documents.citation_document(sentence.citation, explain=True)
    del document["n"]
    return document | {"rank": sentence.rank, "lost": sentence.lost and str(sentence.lost)}
