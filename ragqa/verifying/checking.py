"""Classify each citation of a saved answer: intact, moved, changed or gone."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ragqa.types import (
    EXTRACTIVE,
    Checked,
    Place,
    Progress,
    SavedAnswer,
    SavedCitation,
    Standing,
    Verification,
)
from ragqa.verifying.current_notes import Note, Notes, is_inside
from ragqa.verifying.locating import places
from ragqa.verifying.renamed import successors
from ragqa.verifying.saved import is_saved
from ragqa.verifying.similarity import successor

NOTHING_LIKE_IT = "nothing in the note resembles it"
SHOWN_OTHERWISE = "the quotes shown differ from those in the record; the record was checked"


def verify(
    saved: SavedAnswer, corpus: Path, *, max_note_bytes: int, progress: Progress
) -> Verification:
    """Check each citation against the current notes.

    Similar text in the cited note takes precedence over the same words in another note: if the
    note now says something else, an old copy of it does not make the citation sound.

    :raises NoCorpus: the folder does not exist or cannot be read.
    """
    if not saved.citations:
        return Verification(saved.question, ())
    checked, warnings = _checked(saved.citations, Notes(corpus, max_note_bytes), progress)
    if saved.shown_otherwise:
        warnings = (SHOWN_OTHERWISE, *warnings)
    if saved.backend != EXTRACTIVE:
        warnings = (
            f"{saved.backend} wrote this answer: what it cites is checked, not what it says",
            *warnings,
        )
    return Verification(saved.question, checked, warnings, saved.shown_otherwise)


def _checked(
    citations: Sequence[SavedCitation], notes: Notes, progress: Progress
) -> tuple[tuple[Checked, ...], tuple[str, ...]]:
    """The result for each citation, and the warnings."""
    own = {path: notes.read(path) for path in {each.path for each in citations}}
    found = {each: _in_note(each, own[each.path]) for each in citations}
    lost = [each for each, one in found.items() if not _is_sound(one) and is_inside(each.path)]
    elsewhere: dict[SavedCitation, Place] = {}
    for each, there in _in_other_notes(lost, notes, progress):
        if there.is_sound and there.place is not None:
            elsewhere[each] = there.place
        elif own[each.path] is None:
            found[each] = found[each] or there
    for each, place in elsewhere.items():
        if own[each.path] is None:  # renamed: look there for changes of its other citations
            own[each.path] = notes.read(place.path)
    results = {
        each: one if _is_sound(one) else _lost(each, one, own[each.path], elsewhere.get(each))
        for each, one in found.items()
    }
    orphans = [each for each in lost if results[each] is None and each.path not in notes.paths]
    likely = successors(orphans, notes, progress)
    checked = tuple(
        results[each] or _orphan(each, likely.get(each), notes, own[each.path])
        for each in citations
    )
    return checked, _unread(notes) if len(elsewhere) < len(lost) else ()


def _is_sound(checked: Checked | None) -> bool:
    return checked is not None and checked.is_sound


def _in_note(citation: SavedCitation, note: Note | None) -> Checked | None:
    """The citation where its words occur in a note, preferring places that say nothing more."""
    if note is None:
        return None
    start, end = citation.chars
    is_as_cited = (note.path, note.sha256) == (citation.path, citation.note_sha256)
    if is_as_cited and 0 <= start <= end and note.text[start:end] == citation.quote:
        return Checked(citation, Standing.INTACT, note.place(citation.chars))
    changed = None
    for span in places(note.text, citation.quote, start):
        reading = note.reading(span)
        if reading.is_same and _has_header(reading.header, citation.context):
            place = note.place(span)
            is_there = note.path == citation.path and place.lines == citation.lines
            return Checked(citation, Standing.INTACT if is_there else Standing.MOVED, place)
        place = note.place(reading.span, reading.header)
        changed = changed or Checked(citation, Standing.CHANGED, place, reading.reason)
    return changed


def _has_header(header: str, context: str) -> bool:
    """Whether a row has the header that it was cited with, which a heading may precede."""
    return not header or not context or f": {context}".endswith(f": {header}")


def _in_other_notes(
    lost: Sequence[SavedCitation], notes: Notes, progress: Progress
) -> Iterator[tuple[SavedCitation, Checked]]:
    """Search other notes for each citation, by path, until it is sound; yields every match."""
    left = list(lost)
    for count, path in enumerate(notes.paths, start=1):
        wanted = [each for each in left if each.path != path]
        note = notes.read(path) if wanted else None
        if note is not None and not is_saved(note.text):
            for each in wanted:
                found = _in_note(each, note)
                if found is not None:
                    if found.is_sound:
                        left.remove(each)
                    yield each, found
        progress("searching", count, len(notes.paths))


def _lost(
    citation: SavedCitation, changed: Checked | None, note: Note | None, elsewhere: Place | None
) -> Checked | None:
    """The result for a citation that is not sound in its note; None if it is unknown.

    :param changed: its words, in a place that now says something else.
    :param note: its note, under its current name; None if there is none.
    :param elsewhere: its words in another note.
    """
    if changed is not None and changed.place is not None and changed.place.path == citation.path:
        return replace(changed, elsewhere=elsewhere)
    if note is not None and (elsewhere is None or elsewhere.path != note.path):
        found = successor(note.sentences, citation.quote, citation.chars[0])
        if found is not None:
            place = note.place(found.span)
            return Checked(citation, Standing.CHANGED, place, elsewhere=elsewhere)
    return changed if elsewhere is None else Checked(citation, Standing.MOVED, elsewhere)


def _orphan(
    citation: SavedCitation, place: Place | None, notes: Notes, note: Note | None
) -> Checked:
    """The result for a citation whose words are nowhere, with similar text, if any."""
    if place is not None:
        return Checked(citation, Standing.CHANGED, place)
    reason = notes.why_not(citation.path) if note is None else NOTHING_LIKE_IT
    return Checked(citation, Standing.GONE, reason=reason)


def _unread(notes: Notes) -> tuple[str, ...]:
    """Warn of unreadable notes, which might contain the words not found."""
    if not notes.skipped:
        return ()
    path, reason = next(iter(notes.skipped.items()))
    return (f"not every note was searched: {len(notes.skipped)} skipped, such as {path}: {reason}",)
