"""Classify each citation of a saved answer: intact, moved, changed or gone."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeGuard

from ragqa.types import EXTRACTIVE, Corpus, Progress
from ragqa.verifying.current_notes import CurrentNote, CurrentNotes, Stretch, is_inside, places
from ragqa.verifying.saved import ANY_NOTE, NOWHERE, SavedAnswer, SavedCitation
from ragqa.verifying.similarity import successor

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
    `reason` says why it is gone, or counts as changed although its words remain. `elsewhere` is
    another note that still has the words of a changed citation.
    """

    citation: SavedCitation
    standing: Standing
    place: Stretch | None = None
    reason: str = ""
    elsewhere: Stretch | None = None

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
    checked, warnings = _checked(saved.citations, notes, progress)
    if saved.shown_otherwise:
        warnings = (SHOWN_OTHERWISE, *warnings)
    if saved.backend != EXTRACTIVE:
        warnings = (
            f"{saved.backend} wrote this answer: what it cites is checked, not what it says",
            *warnings,
        )
    return Verification(saved.question, checked, warnings, saved.shown_otherwise)


def _checked(
    citations: Sequence[SavedCitation], notes: CurrentNotes, progress: Progress
) -> tuple[tuple[Checked, ...], tuple[str, ...]]:
    """The result for each citation, and the warnings."""
    own = {path: notes.read(path) for path in {each.path for each in citations}}
    found = {each: in_note(each, own[each.path]) for each in citations}
    lost = [each for each, one in found.items() if not _is_sound(one) and is_inside(each.path)]
    elsewhere: dict[SavedCitation, Checked] = {}
    for each, there in _in_other_notes(lost, notes, progress):
        if there.is_sound:
            elsewhere[each] = there
        elif own[each.path] is None:
            found[each] = found[each] or there
    for each, there in elsewhere.items():
        if own[each.path] is None and there.place:  # renamed: its other citations may be there
            own[each.path] = notes.read(there.place.path)
    checked = tuple(
        _told_apart(_result(each, found[each], own[each.path], elsewhere.get(each), notes), note)
        for each, note in ((each, own[each.path]) for each in citations)
    )
    return checked, _unread(notes) if len(elsewhere) < len(lost) else ()


def _is_sound(checked: Checked | None) -> TypeGuard[Checked]:
    return checked is not None and checked.is_sound


def in_note(citation: SavedCitation, note: CurrentNote | None) -> Checked | None:
    """The citation where its words occur in a note, preferring places that say nothing more."""
    if note is None:
        return None
    start, end = citation.chars
    is_as_cited = (note.path, note.sha256) == (citation.path, citation.note_sha256)
    if is_as_cited and 0 <= start <= end and note.text[start:end] == citation.quote:
        contexts = note.contexts(citation.chars) if citation.context else [""]
        is_own = citation.context in contexts
        place = note.place(citation.chars, "" if is_own else contexts[0])
        standing = Standing.INTACT if is_own else Standing.CHANGED
        return Checked(citation, standing, place, "" if is_own else OTHER_CONTEXT)
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
    lost: Sequence[SavedCitation], notes: CurrentNotes, progress: Progress
) -> Iterator[tuple[SavedCitation, Checked]]:
    """Search other notes for each citation, by path, until it is sound; yields every match."""
    left = list(lost)
    for note in notes.searched(progress) if left else ():
        for each in [one for one in left if one.path != note.path]:
            found = in_note(each, note)
            if found is not None:
                if found.is_sound:
                    left.remove(each)
                yield each, found
        if not left:
            return


def _result(
    citation: SavedCitation,
    found: Checked | None,
    note: CurrentNote | None,
    elsewhere: Checked | None,
    notes: CurrentNotes,
) -> Checked:
    """What became of a citation.

    :param found: its words in a note, perhaps in a place that now says something else.
    :param note: its note, under its current name; None if there is none.
    :param elsewhere: its words in another note.
    """
    if _is_sound(found):
        return found
    there = elsewhere.place if elsewhere else None
    if found is not None and found.place is not None and found.place.path == citation.path:
        return replace(found, elsewhere=there)
    if note is not None and (there is None or there.path != note.path):
        span = successor(note.sentences, citation.quote, citation.chars[0])
        if span is not None:
            return Checked(citation, Standing.CHANGED, note.place(span), elsewhere=there)
    reason = notes.why_not(citation.path) if note is None else NOTHING_LIKE_IT
    return elsewhere or found or Checked(citation, Standing.GONE, reason=reason)


def _told_apart(checked: Checked, note: CurrentNote | None) -> Checked:
    """The result, unless only the reader has changed: of a format whose digests name it."""
    if checked.is_sound or note is None or note.sha256 == checked.citation.note_sha256:
        return checked
    file, dash, _ = note.sha256.partition("-")
    is_same_file = dash and file == checked.citation.note_sha256.partition("-")[0]
    differs = replace(checked, standing=Standing.EXTRACTED, reason=ANOTHER_READER)
    return differs if is_same_file else checked


def _unread(notes: CurrentNotes) -> tuple[str, ...]:
    """Warn of unreadable notes, which might contain the words not found."""
    if not notes.skipped:
        return ()
    path, reason = next(iter(notes.skipped.items()))
    return (f"not every note was searched: {len(notes.skipped)} skipped, such as {path}: {reason}",)
