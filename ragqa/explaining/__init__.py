"""Why a note is in the answer to a question, or is not: how far it came, and what would help."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ragqa.answering import (
    PASSAGES,
    Assessment,
    Lost,
    assess,
    citation_of,
    cite,
    keep_current,
    why_not,
)
from ragqa.answering.disagreement import disagreements
from ragqa.api import Index
from ragqa.clock import Clock
from ragqa.explaining.explanation import (
    SAID,
    STAGES,
    Explanation,
    Missing,
    Place,
    Sentence,
    Trial,
)
from ragqa.explaining.ranking import Ranked, rank_note, rank_of
from ragqa.explaining.targets import Notes
from ragqa.explaining.words import missing_words, telling_words
from ragqa.retrieval import MAX_QUESTION_BYTES
from ragqa.stages import losing_leg
from ragqa.types import Disagreement, Filters, Progress, Retrieved

__all__ = ["SAID", "STAGES", "Explanation", "Missing", "Place", "Sentence", "explain"]

_WORDS_TRIED = 4
_ROOM = 600
"""Bytes that the words which are tried can take."""

_ASKED_AGAIN = 2
"""Asking to the end takes most of the time of a question, so only so many words are tried so."""


def explain(
    index: Index,
    question: str,
    *,
    target: str,
    filters: Filters | None = None,
    refresh: bool = True,
    progress: Progress | None = None,
) -> Explanation:
    """Ask a question and tell how far a note came on the way into the answer.

    :param target: a note by its path, file name, title or alias, and a part of it (`readings`).
    :raises UsageError: no note or several are called so, or it has no such part; else as
        `Index.ask`.
    """
    clock, filters = Clock(), filters or Filters()
    retrieved, info, warnings = index.retrieve(
        question, filters, refresh=refresh, progress=progress, clock=clock
    )
    notes = Notes(
        index.places.corpus, index.settings.max_note_bytes, index.snapshot().notes(), info
    )
    found = notes.find(target)
    told = Explanation(
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
        told = _follow(index, _ask(index, retrieved), told, filters)
    clock.lap("explain")
    return replace(told, timings_ms=clock.laps())


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question asked to the end."""

    retrieved: Retrieved
    weighed: Assessment


def _ask(index: Index, retrieved: Retrieved) -> _Asked:
    return _Asked(retrieved, assess(retrieved, index.source.embedders.asking, index.answering))


def _follow(index: Index, asked: _Asked, told: Explanation, filters: Filters) -> Explanation:
    """Follow an indexed note through every stage."""
    ranked = rank_note(index, asked.retrieved, told.path, told.lines, filters)
    sentences = _sentences(asked, ranked.places, told.lines)
    _, said = cite(asked.weighed.excerpts)
    told = replace(
        told,
        stage=_stage(index, asked, ranked, sentences),
        filters=ranked.filters,
        places=ranked.places,
        by_terms_alone=asked.retrieved.by_terms_alone,
        answered=asked.weighed.answered,
        confidence=asked.weighed.confidence,
        reasons=tuple(asked.weighed.reasons),
        candidates=len(asked.weighed.candidates),
        sentences=sentences,
        said=said,
        disagreements=_disagreements(asked, sentences),
    )
    right = asked.retrieved.spelled
    return _with_words(index, told, right, filters) if ranked.places else told


def _stage(index: Index, asked: _Asked, ranked: Ranked, sentences: Sequence[Sentence]) -> str:
    """Where the note was lost: the first stage that it did not pass."""
    if not ranked.places:
        return "chunking"
    if ranked.filters:
        return "filters"
    hits = [place.hit for place in ranked.places]
    limit = index.settings.max_note_bytes
    if not keep_current(index.places.corpus, hits, max_note_bytes=limit)[0]:
        return "changed"
    best = ranked.places[0]
    near = best.rank is not None and best.rank <= PASSAGES
    if not near and not any(place.read for place in ranked.places):
        if asked.retrieved.by_terms_alone:
            return "terms"
        return losing_leg(best.hit.dense_rank, best.hit.terms_rank)
    if not asked.weighed.answered:
        return "confidence"
    return SAID if any(sentence.lost is None for sentence in sentences) else "composer"


def _sentences(
    asked: _Asked, places: Sequence[Place], lines: tuple[int, int] | None
) -> tuple[Sentence, ...]:
    """The candidate sentences of these passages, on these lines if given, best first."""
    own = {place.hit.passage.id for place in places}
    found = []
    in_order = sorted(asked.weighed.candidates, key=lambda one: -one.score)
    for rank, one in enumerate(in_order, start=1):
        if one.candidate.hit.passage.id not in own:
            continue
        citation = citation_of(one, rank)
        own_lines = citation.lines
        if lines is None or (own_lines[0] <= lines[1] and lines[0] <= own_lines[1]):
            found.append(Sentence(citation, rank, why_not(one, asked.weighed.excerpts)))
    return tuple(found)


def _disagreements(asked: _Asked, sentences: Sequence[Sentence]) -> tuple[Disagreement, ...]:
    """The disagreements of the answer that show one of these sentences."""
    if not asked.weighed.answered:
        return ()
    said = [excerpt.best for excerpt in asked.weighed.excerpts]
    found = disagreements(asked.retrieved.question, said, asked.weighed.candidates)
    own = {(sentence.citation.path, sentence.citation.chars) for sentence in sentences}
    return tuple(
        one for one in found if not own.isdisjoint((c.path, c.chars) for c in one.citations)
    )


def _with_words(index: Index, told: Explanation, question: str, filters: Filters) -> Explanation:
    """Add the words that were missing, and try those that might have helped.

    :param question: with its misspelt words corrected.
    """
    if told.stage in (SAID, "filters", "changed"):
        return told
    best = told.places[0].hit.passage
    note = [place.hit.passage for place in told.places]
    told = replace(told, missing=missing_words(question, best, note))
    lost = told.sentences[0].lost if told.sentences else None
    nothing_to_say = told.stage == "composer" and lost in (None, Lost.PASSED_OVER)
    too_long = len(told.question.encode()) > MAX_QUESTION_BYTES - _ROOM
    if nothing_to_say or too_long:
        return told
    text = told.sentences[0].citation.quote if told.sentences else best.text
    words = telling_words(question, text, best, index.snapshot(), most=_WORDS_TRIED)
    return replace(told, trials=_try(index, told, words, filters))


def _try(
    index: Index, told: Explanation, words: Sequence[str], filters: Filters
) -> tuple[Trial, ...]:
    """Ask again with each word, then with the best two at once; the best of these to the end."""
    own = [place.hit.passage.id for place in told.places]

    def ask(*added: str) -> Trial:
        question = " ".join((told.question, *added))
        return Trial(added, rank_of(index, question, own, filters), said=False)

    trials = sorted((ask(word) for word in words), key=_order)
    if len(trials) > 1 and (trials[0].rank or PASSAGES + 1) > PASSAGES:
        trials = sorted([*trials, ask(*trials[0].words, *trials[1].words)], key=_order)
    for at, trial in enumerate(trials[:_ASKED_AGAIN]):
        trials[at] = _to_the_end(index, told, trial, filters)
        if trials[at].said:
            break
    return tuple(sorted(trials, key=_order))


def _to_the_end(index: Index, told: Explanation, trial: Trial, filters: Filters) -> Trial:
    question = " ".join((told.question, *trial.words))
    retrieved, _, _ = index.retrieve(question, filters, refresh=False, progress=None, clock=Clock())
    asked = _ask(index, retrieved)
    sentences = _sentences(asked, told.places, told.lines)
    said = asked.weighed.answered and any(sentence.lost is None for sentence in sentences)
    return replace(trial, said=said)


def _order(trial: Trial) -> tuple[bool, float, int]:
    """What sorts trials, best first: said or not, then the rank, then as few words as can be."""
    rank = float("inf") if trial.rank is None else trial.rank
    return not trial.said, rank, len(trial.words)
