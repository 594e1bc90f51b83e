"""Classify each citation of a saved answer: intact, moved, changed or gone."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeGuard

from ragqa.types import EXTRACTIVE, Corpus, Progress
from ragqa.verifying.current_notes import (
    CurrentNote,
    CurrentNotes,
    Stretch,
    is_inside,
    places,
    successor,
)
from ragqa.verifying.saved import ANY_NOTE, NOWHERE, SavedAnswer, SavedCitation

ANOTHER_READER = "the file is the same; this version of ragqa extracts other text from it"
NOTHING_LIKE_IT = "nothing in the note resembles it"
OTHER_CONTEXT = "the note has other words above it than the answer"
SHOWN_OTHERWISE = "the quotes shown differ from those in the record; the record was checked"


class Standing(StrEnum):
    """The state of a saved citation."""

    INTACT = "intact"
    MOVED = "moved"
    CHANGED = "changed"
    EXTRACTED = "extracted differently"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Checked:
    """A citation compared with the notes.

    `place` is where its words are now, or what a changed citation became; None if it is gone.
    `reason` says why it is gone, or counts as changed although its words remain.
    """

    citation: SavedCitation
    standing: Standing
    place: Stretch | None = None
    reason: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether the notes still contain its words."""
        return self.standing in (Standing.INTACT, Standing.MOVED)

    @property
    def is_rewrapped(self) -> bool:
        """Whether only the white space between the words has changed."""
        is_moved = self.standing is Standing.MOVED
        return is_moved and self.place is not None and self.place.text != self.citation.quote


@dataclass(frozen=True, slots=True)
class Verification:
    """A saved answer compared with the notes.

    `warnings` say what could not be checked; `shown_otherwise` is as in the saved answer.
    """

    question: str
    checked: tuple[Checked, ...]
    warnings: tuple[str, ...] = ()
    shown_otherwise: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether all citations are sound and the answer displays their quotes."""
        return not self.shown_otherwise and all(one.is_sound for one in self.checked)


def verify(
    saved: SavedAnswer,
    corpus: Corpus,
    *,
    max_note_bytes: int,
    progress: Progress,
    formats: Collection[str] = (),
) -> Verification:
    """Check each citation against the current notes.

    Similar text in the cited note takes precedence over the same words in another note: if the
    note now says something else, an old copy of it does not make the citation sound.

    :param formats: as in the setting.
    :raises NoCorpus: the folder does not exist or cannot be read.
    """
    if not saved.citations:
        return Verification(saved.question, ())
    notes = CurrentNotes(corpus, max_note_bytes, formats)
    citations = [
        replace(one, path=notes.named(one.path)) if one.lines == NOWHERE else one
        for one in saved.citations
    ]
    own = {path: notes.read(path) for path in {one.path for one in citations}}
    found = {one: _became(one, own[one.path]) for one in citations}
    lost = [one for one in found if found[one] is None and is_inside(one.path)]
    found |= _in_other_notes(lost, notes, progress)
    renamed = {
        one.path: there.place.path
        for one in lost
        if _is_sound(there := found[one]) and there.place and own[one.path] is None
    }
    for one in lost:
        if one.path in renamed and not _is_sound(found[one]):
            found[one] = _became(one, notes.read(renamed[one.path])) or found[one]
    checked = [
        _told_apart(found[one] or _gone(one, own[one.path], notes), own[one.path])
        for one in citations
    ]
    warnings = []
    if saved.backend != EXTRACTIVE:
        warnings = [
            f"{saved.backend} wrote this answer: what it cites is checked, not what it says"
        ]
    warnings += [SHOWN_OTHERWISE] if saved.shown_otherwise else []
    warnings += [] if all(_is_sound(found[one]) for one in lost) else _unread(notes)
    return Verification(saved.question, tuple(checked), tuple(warnings), saved.shown_otherwise)


def _is_sound(checked: Checked | None) -> TypeGuard[Checked]:
    return checked is not None and checked.is_sound


def _became(citation: SavedCitation, note: CurrentNote | None) -> Checked | None:
    """What became of a citation in a note: its words there, else the text most similar to it."""
    if note is None:
        return None
    if found := in_note(citation, note):
        return found
    span = successor(note.sentences, citation.quote, citation.chars[0])
    return None if span is None else Checked(citation, Standing.CHANGED, note.place(span))


def in_note(citation: SavedCitation, note: CurrentNote) -> Checked | None:
    """The citation where its words occur in a note, preferring places that say nothing more."""
    start, end = citation.chars
    is_as_cited = (note.path, note.sha256) == (citation.path, citation.note_sha256)
    if is_as_cited and 0 <= start <= end and note.text[start:end] == citation.quote:
        contexts = note.contexts(citation.chars) if citation.context else [""]
        if citation.context in contexts:
            return Checked(citation, Standing.INTACT, note.place(citation.chars))
        place = note.place(citation.chars, contexts[0])
        return Checked(citation, Standing.CHANGED, place, OTHER_CONTEXT)
    changed = None
    for span in places(note.text, citation.quote, start):
        place, is_same, reason = note.said(span)
        is_free = not (citation.context and place.header)
        if is_same and (is_free or citation.context in note.contexts(span)):
            place = replace(place, header="")
            return Checked(citation, _standing_at(place, citation), place)
        changed = changed or Checked(citation, Standing.CHANGED, place, reason)
    return changed


def _standing_at(place: Stretch, citation: SavedCitation) -> Standing:
    """Whether a quote that stands here has moved: not if nobody said where it was.

    Within a page, cell or paragraph it has not, since its lines are not those of the file.
    """
    is_there = citation.lines in (place.lines, NOWHERE) or "" != citation.locator == place.locator
    is_there = is_there and citation.path in (place.path, ANY_NOTE)
    return Standing.INTACT if is_there else Standing.MOVED


def _in_other_notes(
    lost: Iterable[SavedCitation], notes: CurrentNotes, progress: Progress
) -> dict[SavedCitation, Checked]:
    """Where other notes have the words of citations, by path: the first that says them.

    Words that a note has and does not say count for a citation whose own note is not there.
    """
    found: dict[SavedCitation, Checked] = {}
    left = list(lost)
    for note in notes.searched(progress) if left else ():
        for one in [each for each in left if each.path != note.path]:
            there = in_note(one, note)
            if _is_sound(there):
                left.remove(one)
            if _is_sound(there) or (there and one not in found and one.path not in notes.paths):
                found[one] = there
        if not left:
            break
    return found


def _gone(citation: SavedCitation, note: CurrentNote | None, notes: CurrentNotes) -> Checked:
    reason = notes.why_not(citation.path) if note is None else NOTHING_LIKE_IT
    return Checked(citation, Standing.GONE, reason=reason)


def _told_apart(checked: Checked, note: CurrentNote | None) -> Checked:
    """The result, unless only the reader has changed: of a format whose digests name it."""
    if checked.is_sound or note is None or note.sha256 == checked.citation.note_sha256:
        return checked
    file, dash, _ = note.sha256.partition("-")
    is_same_file = dash and file == checked.citation.note_sha256.partition("-")[0]
    differs = replace(checked, standing=Standing.EXTRACTED, reason=ANOTHER_READER)
    return differs if is_same_file else checked


def _unread(notes: CurrentNotes) -> list[str]:
    """Warn of unreadable notes, which might contain the words not found."""
    if not notes.skipped:
        return []
    path, reason = next(iter(notes.skipped.items()))
    return [f"not every note was searched: {len(notes.skipped)} skipped, such as {path}: {reason}"]
