"""Why a note is in an answer or is not: a sentence or two first, then the figures."""

from collections.abc import Callable, Mapping, Sequence

from rich.text import Text

from ragqa.answering import PASSAGES, Lost
from ragqa.explaining import SAID, STAGES, Explanation, Missing, Place, Sentence
from ragqa.render.documents import (
    Document,
    citation_document,
    corrected_document,
    hit_document,
    index_document,
    reasons_document,
)
from ragqa.render.results import Linker, print_corrected
from ragqa.render.scores import (
    match_rows,
    print_confidence,
    print_table,
    ranking_rows,
)
from ragqa.render.screen import emit, stdout
from ragqa.sanitise import safe_line
from ragqa.stages import stage_name
from ragqa.types import Citation, counted

_SHOWN = 5
_SAID_SHOWN = 4
_QUOTE_CHARS = 160

_LOST = {
    Lost.WEAK: "another sentence answers the question better, and a further excerpt is shown only "
    "for words of the question that those before it lack",
    Lost.PASSED_OVER: "a paragraph that defines what is asked for, or a newer note that says "
    "something else, goes before its best sentence",
}


def verdict(told: Explanation) -> str:
    """Whether the note is in the answer and why, in a sentence or two."""
    return _VERDICTS.get(told.stage, _too_far_down)(told) + _disagreeing(told)


def print_explanation(told: Explanation, linker: Linker) -> None:
    """Print the verdict, what would help, and the figures."""
    console = stdout()
    print_corrected(console, told.corrected)
    emit(console, Text(safe_line(verdict(told)), style="bold"))
    for line in _on_words(told):
        emit(console, Text(safe_line(line)))
    stage = f"Stage: {stage_name(told.stage)} ({STAGES[told.stage]})"
    emit(console, Text(stage, style="quiet"))
    if not told.places:
        return
    _print_places(told)
    _print_sentences(told, linker)
    if any(place.read for place in told.places):
        print_confidence(told.confidence, told.reasons)


def explanation_document(told: Explanation) -> Document:
    """What `ragqa why --json` prints."""
    return {
        "question": told.question,
        "corrected": corrected_document(told.corrected),
        "target": {"path": told.path, "lines": told.lines and list(told.lines)},
        "verdict": verdict(told),
        "stage": told.stage,
        "reason": told.reason,
        "filters": list(told.filters),
        "answered": told.answered,
        "confidence": told.confidence,
        "confidence_reasons": reasons_document(told.reasons),
        "passages": [_place_document(place) for place in told.places],
        "candidates": told.candidates,
        "sentences": [_sentence_document(sentence) for sentence in told.sentences],
        "said": [citation_document(citation, explain=True) for citation in told.said],
        "missing_words": [{"word": one.word, "near": one.near} for one in told.missing],
        "tried": [
            {"words": list(trial.words), "rank": trial.rank, "said": trial.said}
            for trial in told.trials
        ],
        "helps": told.helps,
        "warnings": list(told.warnings),
        "timings_ms": dict(told.timings_ms),
        "index": index_document(told.info),
    }


def _disagreeing(told: Explanation) -> str:
    """That it stands below the answer where another note says something else, "" where not so."""
    others = dict.fromkeys(
        f"{c.path}:{c.lines[0]}"
        for one in told.disagreements
        for c in one.citations
        if c.path != told.path
    )
    if not others:
        return ""
    return f' It is shown under "Your notes disagree", beside {" and ".join(others)}.'


def _said(told: Explanation) -> str:
    own = [sentence.citation.chars for sentence in told.sentences if sentence.lost is None]
    numbers = [
        f"[{c.n}]"
        for c in told.said
        if c.path == told.path
        and any(c.chars[0] < end and start < c.chars[1] for start, end in own)
    ]
    return f"Yes: {_subject(told)} is in the answer, as {' and '.join(numbers)}."


def _not_indexed(told: Explanation) -> str:
    return f"{told.path} is not indexed, so no question can find it: {told.reason}."


def _no_passage(told: Explanation) -> str:
    if told.lines is None:
        return f"{told.path} is indexed, but holds no text that can be found."
    return (
        f"No passage holds {_lines(told.lines)} of {told.path}: that is empty, or front matter, "
        "which is read but not quoted."
    )


def _left_out(told: Explanation) -> str:
    options = " and ".join(told.filters)
    rank = told.places[0].rank
    without = f"ranks {rank}" if rank else "is not found either"
    return f"{_subject(told)} is left out by {options}. Without any filter it {without}."


def _changed(told: Explanation) -> str:
    return (
        f"{told.path} was changed or removed after it was indexed, so it is not quoted; "
        "run ragqa index."
    )


def _too_far_down(told: Explanation) -> str:
    best = told.places[0]
    subject = f"{_subject(told)} was not read closely"
    limit = f"an answer is taken from the {PASSAGES} best passages"
    came = f"ranks {best.rank} of {told.info.passages}" if best.rank else "is not even found"
    meaning = "not looked at" if told.by_terms_alone else _ranked(best.hit.dense_rank)
    withheld = "" if told.answered else " No answer was given at all, either."
    return (
        f"{subject}: it {came}, and {limit}. By its meaning "
        f"alone: {meaning}; by its words alone: {_ranked(best.hit.terms_rank)}.{withheld}"
    )


def _ranked(rank: int | None) -> str:
    return "not found" if rank is None else f"rank {rank}"


def _withheld(told: Explanation) -> str:
    would = any(sentence.lost is None for sentence in told.sentences)
    return (
        f"{_subject(told)} was found, but no answer was given at all: the confidence that the "
        f"notes answer this is only {told.confidence:.2f}. Otherwise it would "
        f"{'have been' if would else 'still not be'} in the answer."
    )


def _not_chosen(told: Explanation) -> str:
    start = f"{_subject(told)} was found, but no excerpt of it is in the answer:"
    best = told.sentences[0] if told.sentences else None
    if best and best.lost:
        return (
            f"{start} {_LOST[best.lost]} (rank {best.rank} of "
            f"{counted(told.candidates, 'sentence')})."
        )
    return (
        f"{start} nothing there can be quoted by itself. That is so of a heading, a few words, "
        "long code and a list of sources."
    )


_VERDICTS: Mapping[str, Callable[[Explanation], str]] = {
    "said": _said,
    "not indexed": _not_indexed,
    "chunking": _no_passage,
    "filters": _left_out,
    "changed": _changed,
    "confidence": _withheld,
    "composer": _not_chosen,
}
"""By stage; the others are those of ranking."""


def _subject(told: Explanation) -> str:
    if told.lines is None:
        return told.path
    first, last = told.lines
    return f"Line {first} of {told.path}" if first == last else f"{told.path}:{first}-{last}"


def _lines(lines: tuple[int, int]) -> str:
    first, last = lines
    return f"line {first}" if first == last else f"lines {first}-{last}"


def _on_words(told: Explanation) -> list[str]:
    lines = []
    if told.missing:
        words = ", ".join(map(_missing, told.missing))
        lines.append(f"Words of the question that its best passage lacks: {words}.")
    if told.trials:
        best = told.trials[0]
        ranks = f"it ranks {best.rank}" if best.rank else "it is not found"
        said = " and is in the answer" if best.said else ", but is not in the answer"
        added = f"With {_listed(best.words)} added to the question"
        if told.helps:
            lines.append(f"{added} {ranks}{said}.")
        else:
            tried = dict.fromkeys(word for trial in told.trials for word in trial.words)
            lines.append(f"Its own words do not help; tried: {_listed(tried)}. {added} {ranks}.")
    return lines


def _missing(one: Missing) -> str:
    if one.near == one.word:
        return f"{one.word} (another of its passages has it)"
    return f"{one.word} (the note has {one.near})" if one.near else one.word


def _listed(words: Sequence[str] | Mapping[str, None]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _print_places(told: Explanation) -> None:
    shown = told.places[:_SHOWN]
    rest = len(told.places) - len(shown)
    title = "By lines, without the filters" if told.filters else "Passages by lines, best first"
    lines = ["-".join(map(str, place.hit.passage.lines)) for place in shown]
    read = ["yes" if place.read else "no" for place in shown]
    rows = ranking_rows([(place.rank, place.hit) for place in shown])
    print_table(lines, [*rows, ("  read for sentences", read)], title=title)
    if rest:
        emit(stdout(), Text(f"and {rest} more, further down", style="quiet"))


def _print_sentences(told: Explanation, linker: Linker) -> None:
    own = told.sentences[:1] if all(s.lost for s in told.sentences) else ()
    said = sorted(told.said, key=lambda citation: citation.path != told.path)[:_SAID_SHOWN]
    if not said:
        return
    title = "Said" if told.stage == SAID else "Said instead" if told.answered else "Withheld"
    emit(stdout(), Text(f"\n{title}", style="heading"))
    columns: list[tuple[str, Citation]] = [("its best", s.citation) for s in own]
    columns += [(f"[{citation.n}]", citation) for citation in said]
    for name, citation in columns:
        quote = " ".join(citation.quote.split())
        cut = quote if len(quote) <= _QUOTE_CHARS else quote[: _QUOTE_CHARS - 1] + "\u2026"
        place = linker.place(citation.path, citation.lines)
        emit(stdout(), Text.assemble((f"{name:9}", "number"), place), hang=9)
        emit(stdout(), Text(safe_line(cut)), indent=9)
    citations = [citation for _, citation in columns]
    print_table([name for name, _ in columns], match_rows(citations))


def _place_document(place: Place) -> Document:
    return hit_document(place.hit, explain=True) | {"rank": place.rank, "read": place.read}


def _sentence_document(sentence: Sentence) -> Document:
    document = citation_document(sentence.citation, explain=True)
    del document["n"]
    return document | {"rank": sentence.rank, "lost": sentence.lost and str(sentence.lost)}
