"""Explain why a note is or is not in an answer: how far it came."""

from collections.abc import Mapping
from dataclasses import replace

from ragqa.answering import assess, cite
from ragqa.answering.sentences import PASSAGES
from ragqa.api import Index
from ragqa.clock import Clock
from ragqa.errors import NotIndexed
from ragqa.explaining.explanation import SAID, Explanation
from ragqa.explaining.ranking import missing_words, rank_note, rank_sentences
from ragqa.explaining.targets import Notes, Target
from ragqa.stages import losing_leg
from ragqa.types import Filters, IndexInfo, NoteList, NoteRecord, Progress


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
    asked = index.find(question, filters, refresh=refresh, progress=progress, clock=clock)
    found = _notes(index, index.snapshot().notes(), asked.info).find(target)
    explanation = Explanation(
        found, asked, warnings=tuple(asked.warnings), waiting=index.files_waiting
    )
    if not found.reason:
        explanation = _follow(index, explanation, filters)
    clock.lap("explain")
    return replace(explanation, timings_ms=clock.laps())


def find_indexed(index: Index, listed: NoteList, text: str) -> Target:
    """The note among these of an index that a target names; raises as `Notes.find` does.

    :raises NotIndexed: the note is on disk but not in the index.
    """
    target = _notes(index, {note.path: note for note in listed.notes}, listed.info).find(text)
    if target.reason:
        raise NotIndexed(f"{target.path} is not in the index: {target.reason}", hint="ragqa status")
    return target


def _notes(index: Index, known: Mapping[str, NoteRecord], info: IndexInfo) -> Notes:
    corpus, settings = index.places.corpus, index.settings
    return Notes(corpus, settings.max_note_bytes, known, info, settings.formats)


def _follow(index: Index, explanation: Explanation, filters: Filters) -> Explanation:
    """Follow an indexed note through every stage; what is cited gets its place in its file."""
    asked, notes = explanation.asked, explanation.asked.notes
    embedder, answering = index.source.embedders.asking, index.answering_from(notes)
    assessment = assess(asked.question, asked.hits, embedder, answering)
    places, left_out = rank_note(index, asked, explanation.target, filters)
    current = {hit.passage.id: hit for hit in notes.keep([place.hit for place in places])[0]}
    sentences = rank_sentences(assessment, places, explanation.target.lines)
    _, said = cite(assessment.excerpts)
    explanation = replace(
        explanation,
        assessment=assessment,
        filters=left_out,
        places=tuple(
            replace(place, hit=current.get(place.hit.passage.id, place.hit)) for place in places
        ),
        sentences=tuple(replace(one, citation=notes.located(one.citation)) for one in sentences),
        said=tuple(map(notes.located, said)),
    )
    stage = _stage(explanation, is_current=bool(current))
    if not places or stage in (SAID, "filters", "changed"):
        return replace(explanation, stage=stage)
    missing = missing_words(asked.question.spelled, places[0].hit.passage)
    return replace(explanation, stage=stage, missing=missing)


def _stage(explanation: Explanation, *, is_current: bool) -> str:
    """The first stage that the note did not pass."""
    places = explanation.places
    if not places:
        return "chunking"
    if explanation.filters:
        return "filters"
    if not is_current:
        return "changed"
    best = places[0]
    near = best.rank is not None and best.rank <= PASSAGES
    if not near and not any(place.read for place in places):
        if explanation.asked.question.by_terms_alone:
            return "terms"
        return losing_leg(best.hit.dense_rank, best.hit.terms_rank)
    if not explanation.assessment.answered:
        return "confidence"
    return SAID if any(sentence.lost is None for sentence in explanation.sentences) else "composer"
