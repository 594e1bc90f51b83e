"""Explain why a note is or is not in an answer: how far it came, and what would help."""

from collections.abc import Sequence
from dataclasses import replace

from ragqa.answering import (
    PASSAGES,
    Assessment,
    Excerpt,
    Scored,
    assess,
    citation_of,
    cite,
    keep_current,
)
from ragqa.answering.disagreement import disagreements
from ragqa.api import Index
from ragqa.clock import Clock
from ragqa.explaining.explanation import (
    SAID,
    STAGES,
    Explanation,
    Lost,
    Missing,
    Place,
    Sentence,
    Trial,
)
from ragqa.explaining.ranking import rank_note, rank_of
from ragqa.explaining.targets import Notes
from ragqa.explaining.words import distinctive_words, missing_words
from ragqa.retrieval import MAX_QUESTION_BYTES
from ragqa.stages import losing_leg
from ragqa.types import Disagreement, Filters, Progress, Retrieved

__all__ = ["SAID", "STAGES", "Explanation", "Lost", "Missing", "Place", "Sentence", "explain"]

_WORDS_TRIED = 4
_ROOM = 600
"""Bytes of the question reserved for the words to try."""

_ASKED_AGAIN = 2
"""Composing an answer is slow, so only this many trials go through the whole pipeline."""


def explain(
    index: Index,
    question: str,
    *,
    target: str,
    filters: Filters | None = None,
    refresh: bool = True,
    progress: Progress | None = None,
) -> Explanation:
    """Ask a question and explain how far a note came on the way into the answer.

    :param target: a note by its path, file name, title or alias, and a part of it (`readings`).
    :raises UsageError: no note or several have this name, or the note has no such part.
    :raises RagqaError: as `Index.ask` does.
    """
    clock, filters = Clock(), filters or Filters()
    retrieved, info, warnings = index.retrieve(
        question, filters, refresh=refresh, progress=progress, clock=clock
    )
    notes = Notes(
        index.places.corpus, index.settings.max_note_bytes, index.snapshot().notes(), info
    )
    found = notes.find(target)
    explanation = Explanation(
        question=retrieved.typed,
        path=found.path,
        lines=found.lines,
        stage="not indexed",
        info=info,
        reason=found.reason,
        warnings=(*warnings, *index.confidence.warnings),
        corrected=retrieved.corrected,
    )
    if not found.reason:
        explanation = _follow(index, retrieved, explanation, filters)
    clock.lap("explain")
    return replace(explanation, timings_ms=clock.laps())


def _follow(
    index: Index, retrieved: Retrieved, explanation: Explanation, filters: Filters
) -> Explanation:
    """Follow an indexed note through every stage."""
    assessment = _assess(index, retrieved)
    path, lines = explanation.path, explanation.lines
    places, left_out = rank_note(index, retrieved, path, lines, filters)
    sentences = _sentences(assessment, places, lines)
    _, said = cite(assessment.excerpts)
    explanation = replace(
        explanation,
        filters=left_out,
        places=places,
        by_terms_alone=retrieved.by_terms_alone,
        answered=assessment.answered,
        confidence=assessment.confidence,
        reasons=tuple(assessment.reasons),
        candidates=len(assessment.candidates),
        sentences=sentences,
        said=said,
        disagreements=_disagreements(retrieved.question, assessment, sentences),
    )
    explanation = replace(explanation, stage=_stage(index, explanation))
    if not places:
        return explanation
    return _with_words(index, explanation, retrieved.spelled, filters)


def _assess(index: Index, retrieved: Retrieved) -> Assessment:
    return assess(retrieved, index.source.embedders.asking, index.answering)


def _stage(index: Index, explanation: Explanation) -> str:
    """The first stage that the note did not pass."""
    places = explanation.places
    if not places:
        return "chunking"
    if explanation.filters:
        return "filters"
    hits = [place.hit for place in places]
    limit = index.settings.max_note_bytes
    if not keep_current(index.places.corpus, hits, max_note_bytes=limit)[0]:
        return "changed"
    best = places[0]
    near = best.rank is not None and best.rank <= PASSAGES
    if not near and not any(place.read for place in places):
        if explanation.by_terms_alone:
            return "terms"
        return losing_leg(best.hit.dense_rank, best.hit.terms_rank)
    if not explanation.answered:
        return "confidence"
    return SAID if any(sentence.lost is None for sentence in explanation.sentences) else "composer"


def _sentences(
    assessment: Assessment, places: Sequence[Place], lines: tuple[int, int] | None
) -> tuple[Sentence, ...]:
    """The candidate sentences of these places, on these lines if given, best first."""
    own = {place.hit.passage.id for place in places}
    found = []
    in_order = sorted(assessment.candidates, key=lambda one: -one.score)
    for rank, one in enumerate(in_order, start=1):
        if one.candidate.hit.passage.id not in own:
            continue
        citation = citation_of(one, rank)
        first, last = citation.lines
        if lines is None or (first <= lines[1] and lines[0] <= last):
            found.append(Sentence(citation, rank, why_lost(one, assessment.excerpts)))
    return tuple(found)


def why_lost(one: Scored, excerpts: Sequence[Excerpt]) -> Lost | None:
    """Why a candidate is not in the answer; None where an excerpt has it."""
    if any(excerpt.overlaps(one.candidate) for excerpt in excerpts):
        return None
    best = max((excerpt.best.score for excerpt in excerpts), default=float("inf"))
    return Lost.PASSED_OVER if one.score >= best else Lost.WEAK


def _disagreements(
    question: str, assessment: Assessment, sentences: Sequence[Sentence]
) -> tuple[Disagreement, ...]:
    """The disagreements in the answer that involve one of these sentences."""
    if not assessment.answered:
        return ()
    said = [excerpt.best for excerpt in assessment.excerpts]
    own = {(sentence.citation.path, sentence.citation.chars) for sentence in sentences}
    return tuple(
        one
        for one in disagreements(question, said, assessment.candidates)
        if not own.isdisjoint((c.path, c.chars) for c in one.citations)
    )


def _with_words(
    index: Index, explanation: Explanation, question: str, filters: Filters
) -> Explanation:
    """Add the words that the note lacks, and try words that might help.

    :param question: with its spelling corrected.
    """
    if explanation.stage in (SAID, "filters", "changed"):
        return explanation
    best = explanation.places[0].hit.passage
    note = [place.hit.passage for place in explanation.places]
    explanation = replace(explanation, missing=missing_words(question, best, note))
    first = explanation.sentences[0] if explanation.sentences else None
    lost = first.lost if first else None
    cannot_help = explanation.stage == "composer" and lost in (None, Lost.PASSED_OVER)
    too_long = len(explanation.question.encode()) > MAX_QUESTION_BYTES - _ROOM
    if cannot_help or too_long:
        return explanation
    text = first.citation.quote if first else best.text
    words = distinctive_words(question, text, best, index.snapshot(), most=_WORDS_TRIED)
    return replace(explanation, trials=_try(index, explanation, words, filters))


def _try(
    index: Index, explanation: Explanation, words: Sequence[str], filters: Filters
) -> tuple[Trial, ...]:
    """Retrieve again with each word, then with the best two; compose an answer for the best."""
    own = [place.hit.passage.id for place in explanation.places]

    def ask(*added: str) -> Trial:
        question = " ".join((explanation.question, *added))
        return Trial(added, rank_of(index, question, own, filters), said=False)

    trials = sorted((ask(word) for word in words), key=_order)
    if len(trials) > 1 and (trials[0].rank or PASSAGES + 1) > PASSAGES:
        trials = sorted([*trials, ask(*trials[0].words, *trials[1].words)], key=_order)
    for at, trial in enumerate(trials[:_ASKED_AGAIN]):
        trials[at] = _with_answer(index, explanation, trial, filters)
        if trials[at].said:
            break
    return tuple(sorted(trials, key=_order))


def _with_answer(index: Index, explanation: Explanation, trial: Trial, filters: Filters) -> Trial:
    question = " ".join((explanation.question, *trial.words))
    retrieved, _, _ = index.retrieve(question, filters, refresh=False, progress=None, clock=Clock())
    assessment = _assess(index, retrieved)
    sentences = _sentences(assessment, explanation.places, explanation.lines)
    said = assessment.answered and any(sentence.lost is None for sentence in sentences)
    return replace(trial, said=said)


def _order(trial: Trial) -> tuple[bool, float, int]:
    """The sort key of trials, best first: said, then by rank, then by number of words."""
    rank = float("inf") if trial.rank is None else trial.rank
    return not trial.said, rank, len(trial.words)
