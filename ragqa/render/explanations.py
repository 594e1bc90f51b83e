"""Why a note is or is not in an answer, and what has become of the citations of a saved one."""

from collections import Counter

from rich.text import Text

from ragqa.addresses import Target
from ragqa.answering.score import SIGNALS
from ragqa.answering.sentences import PASSAGES
from ragqa.explaining import SAID, STAGES, Explanation, Lost, RankedPassage, Sentence
from ragqa.render import put, put_heading
from ragqa.render.documents import Document, document_of
from ragqa.render.results import Linker, print_corrected
from ragqa.render.view import address
from ragqa.safe import safe_line, safe_text
from ragqa.stages import stage_name
from ragqa.types import Citation, counted
from ragqa.verifying.checking import Checked, Standing, Verification
from ragqa.verifying.likeness import differences
from ragqa.verifying.saved import NOWHERE

_SHOWN = 5
_INDENT = 2
_CITED_SHOWN = 4
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
            rank, total = explanation.places[0].rank, explanation.asked.info.passages
            came = f"ranks {rank} of {total}" if rank else "is not even found"
            return (
                f"{subject} was not read closely: it {came}, and an answer is taken from the "
                f"{PASSAGES} best passages."
            )


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


def explanation_document(explanation: Explanation) -> Document:
    """What `ragqa why --json` prints."""
    asked, assessment = explanation.asked, explanation.assessment
    return document_of(
        {
            "question": asked.question.typed,
            "corrected": asked.question.corrected,
            "target": explanation.target,
            "verdict": verdict(explanation),
            "reason": explanation.target.reason,
            "stage": explanation.stage,
            "filters": explanation.filters,
            "answered": assessment.answered,
            "confidence": assessment.confidence,
            "confidence_reasons": assessment.reasons,
            "passages": [_place_document(place) for place in explanation.places],
            "candidates": len(assessment.candidates),
            "sentences": [_sentence_document(sentence) for sentence in explanation.sentences],
            "citations": [_scored(citation) for citation in explanation.said],
            "missing_words": explanation.missing,
            "warnings": explanation.warnings,
            "waiting": explanation.waiting,
            "index": asked.info,
        }
    )


def _scored(citation: Citation) -> Document:
    """A citation, and what each signal adds to its score."""
    return document_of(citation) | {"parts": dict(citation.parts)}


def _sentence_document(sentence: Sentence) -> Document:
    """A candidate sentence, which has no number."""
    document = _scored(sentence.citation)
    del document["n"]
    return document | {"rank": sentence.rank, "lost": sentence.lost}


def _place_document(place: RankedPassage) -> Document:
    """A passage of the note with its ranks."""
    ranks = {"dense_rank": place.hit.dense_rank, "terms_rank": place.hit.terms_rank}
    return document_of(place.hit) | ranks | {"rank": place.rank, "read": place.read}


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
    leads = " and ".join(f"{SIGNALS[name].words} (+{ahead[name]:.2f})" for name in most[:2])
    shown = _BELOW if best.lost is Lost.FURTHER else _NOT_IN_ANSWER
    return (
        f"{shown}: another sentence answers the question better, with {winner.score:.2f} against "
        f"{own.score:.2f} (rank {best.rank} of {of})." + (f" It leads in {leads}." if leads else "")
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
        rank, dense, terms = (rank or "-" for rank in (place.rank, hit.dense_rank, hit.terms_rank))
        read = ", read" if place.read else ""
        ranks = f"  rank {rank}, {dense} by meaning, {terms} by words{read}"
        where = linker.place(passage.path, passage.lines, hit.locator)
        put(where.append(ranks, style="quiet"), hang=_INDENT)
    if more := len(explanation.places[_SHOWN:]):
        put(f"and {more} more, further down", "quiet")


def _print_sentences(explanation: Explanation, linker: Linker) -> None:
    """Print the sentences weighed in the passages, best first, and those of the answer."""
    weighed, cited = explanation.sentences, explanation.said
    if weighed:
        put_heading(f"Weighed there, of {len(explanation.assessment.candidates)}", "heading")
    for sentence in weighed[:_SHOWN]:
        more = {None: "  in the answer", Lost.FURTHER: "  further excerpt"}.get(sentence.lost, "")
        label = f"{sentence.rank:>2} {sentence.citation.score:.2f}"
        _print_quote(label, sentence.citation, more, linker)
    if not cited:
        return
    put_heading("The answer" if explanation.assessment.answered else "Withheld", "heading")
    path = explanation.target.path
    for citation in sorted(cited, key=lambda citation: citation.path != path)[:_CITED_SHOWN]:
        _print_quote(f"[{citation.n}] {citation.score:.2f}", citation, "", linker)


def _print_quote(label: str, citation: Citation, more: str, linker: Linker) -> None:
    """Print a sentence, cut, below its place and score."""
    quote = " ".join(citation.quote.split())
    cut = quote if len(quote) <= _QUOTE_CHARS else quote[: _QUOTE_CHARS - 1] + "\u2026"
    where = Text.assemble((f"{label:9}", "number"), linker.cited(citation), (more, "quiet"))
    put(where, hang=_QUOTED_AT)
    put(cut, indent=_QUOTED_AT)


_STYLES = {
    Standing.INTACT: "good",
    Standing.MOVED: "good",
    Standing.CHANGED: "warning",
    Standing.GONE: "error",
}


def print_verification(verification: Verification, linker: Linker) -> None:
    """Print the status of each citation, with a diff for changed ones."""
    if verification.question:
        put(verification.question, "bold")
    if not verification.checked:
        put("This answer has no citations: there is nothing to check.")
        return
    for checked in verification.checked:
        _print_checked(checked, linker)
    counts = Counter(checked.standing for checked in verification.checked)
    put_heading(", ".join(f"{counts[s]} {s}" for s in Standing if counts[s]), "quiet")


def _print_checked(checked: Checked, linker: Linker) -> None:
    citation, place = checked.citation, checked.place
    known = citation.lines != NOWHERE or citation.locator
    was = linker.place(citation.path, citation.lines, citation.locator).plain if known else ""
    now = Text(was or safe_line(citation.path), "path")
    if place:
        now = linker.place(place.path, place.lines, place.locator)
    line = Text.assemble(
        (f"{citation.n:>2} ", "number"), (f"{checked.standing:<7} ", _STYLES[checked.standing]), now
    )
    line.append(f"  was at {was}" if was and now.plain != was else "", style="quiet")
    line.append(", wrapped differently" if checked.is_rewrapped else "", style="quiet")
    put(line, hang=3)
    if checked.reason:
        put(checked.reason, "warning", indent=3)
    if checked.standing is Standing.CHANGED and place is not None:
        if place.context and citation.context:
            put(_difference(citation.context, place.context), indent=3)
        put(_difference(citation.quote, place.text), indent=3)
    else:
        put(" ".join(citation.quote.split()), indent=3)


def _difference(old: str, new: str) -> Text:
    """A word diff, `[-removed-]` and `{+added+}`, readable without colours."""
    text = Text()
    for removed, added in differences(old, new):
        if removed.split() == added.split():
            text.append(safe_text(added))
            continue
        if removed:
            text.append(f"[-{safe_text(removed.strip())}-]", style="error").append(" ")
        if added:
            text.append(f"{{+{safe_text(added.strip())}+}}", style="good").append(" ")
    text.rstrip()
    return text
