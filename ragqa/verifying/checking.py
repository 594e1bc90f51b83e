"""Each citation of a saved answer: intact, moved, changed or gone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ragqa.notes import read_text, walk_notes
from ragqa.types import (
    Checked,
    Place,
    Progress,
    SavedAnswer,
    SavedCitation,
    Skipped,
    Standing,
    Verification,
)
from ragqa.verifying.likeness import Sentence, sentences_of, successor
from ragqa.verifying.locating import Span, find, stands_at
from ragqa.verifying.saved import is_saved

NOT_BELOW = "this is not a path below the folder of notes"
NO_NOTE = "there is no such note: it was removed or renamed, or it is ignored or behind a link"
NOTHING_LIKE_IT = "nothing in the note reads like it"


@dataclass
class _Note:
    """A note as it is now; it is taken apart when that is first needed."""

    path: str
    text: str
    sha256: str

    @cached_property
    def sentences(self) -> list[Sentence]:
        return sentences_of(self.path, self.text)

    def place(self, span: Span) -> Place:
        first = self.text.count("\n", 0, span[0]) + 1
        words = self.text[span[0] : span[1]]
        return Place(self.path, (first, first + words.count("\n")), span, words)


class _Notes:
    """The notes of a corpus, each read when it is asked for.

    Only what the walk finds is opened: what else a saved answer may name, be it outside of the
    corpus, ignored, hidden or behind a link, is not.
    """

    def __init__(self, corpus: Path, max_note_bytes: int) -> None:
        self._corpus = corpus
        self._max_note_bytes = max_note_bytes
        walk = walk_notes(corpus, max_note_bytes=max_note_bytes)
        self.paths = dict.fromkeys(file.path for file in walk.files)  # a set, in order
        self.skipped = {skip.path: skip.reason for skip in walk.skipped}

    def read(self, path: str) -> _Note | None:
        """The note, or None, and then `why_not` knows the reason."""
        if path not in self.paths:
            return None
        read = read_text(self._corpus, path, max_note_bytes=self._max_note_bytes)
        if isinstance(read, Skipped):
            self.skipped[path] = read.reason
            return None
        return _Note(path, read.text, read.sha256)

    def why_not(self, path: str) -> str:
        """Why a path is not read as a note."""
        return self.skipped.get(path, NO_NOTE if _is_below(path) else NOT_BELOW)


def verify(
    saved: SavedAnswer, corpus: Path, *, max_note_bytes: int, progress: Progress
) -> Verification:
    """Hold each citation against the notes as they are now.

    What reads like a quote in the cited note counts before the same words in another note: where
    the note says something else today, an old copy of it does not make the citation sound.

    :raises NoCorpus: there is no such folder, or it cannot be read.
    """
    if not saved.citations:
        return Verification(saved.question, ())
    notes = _Notes(corpus, max_note_bytes)
    own = {path: notes.read(path) for path in {each.path for each in saved.citations}}
    found = {each: _in_own_note(each, own[each.path]) for each in saved.citations}
    lost = [each for each, one in found.items() if one is None and _is_below(each.path)]
    elsewhere = dict(_in_other_notes(lost, notes, progress))
    for each, place in elsewhere.items():
        if own[each.path] is None:  # renamed: there its other citations may have been changed
            own[each.path] = notes.read(place.path)
    checked = (
        found[each] or _lost(each, own[each.path], elsewhere.get(each), notes.why_not(each.path))
        for each in saved.citations
    )
    warnings = _unread(notes) if len(elsewhere) < len(lost) else ()
    return Verification(saved.question, tuple(checked), warnings)


def _is_below(path: str) -> bool:
    """Whether a path can be that of a file in the corpus."""
    return {"", ".", ".."}.isdisjoint(path.split("/")) and "\0" not in path


def _in_own_note(citation: SavedCitation, note: _Note | None) -> Checked | None:
    """The citation where its words still stand in the note that it names."""
    if note is None:
        return None
    is_same = note.sha256 == citation.note_sha256
    if stands_at(note.text, citation.quote, citation.chars, may_cut=is_same):
        return Checked(citation, Standing.INTACT, note.place(citation.chars))
    span = find(note.text, citation.quote, citation.chars[0])
    return Checked(citation, Standing.MOVED, note.place(span)) if span is not None else None


def _in_other_notes(
    lost: Sequence[SavedCitation], notes: _Notes, progress: Progress
) -> Iterator[tuple[SavedCitation, Place]]:
    """The first place, in order of paths, of each citation in a note that it does not name."""
    left = list(lost)
    for count, path in enumerate(notes.paths, start=1):
        wanted = [each for each in left if each.path != path]
        note = notes.read(path) if wanted else None
        if note is not None and not is_saved(note.text):
            for each in wanted:
                span = find(note.text, each.quote, each.chars[0])
                if span is not None:
                    left.remove(each)
                    yield each, note.place(span)
        progress("searching", count, len(notes.paths))


def _lost(
    citation: SavedCitation, note: _Note | None, elsewhere: Place | None, reason: str
) -> Checked:
    """What became of a citation whose words are not in its note any more.

    :param note: its note, under the name that it has now; None where there is none.
    :param reason: why there is none.
    """
    if note is not None and (elsewhere is None or elsewhere.path != note.path):
        span = successor(note.sentences, citation.quote, citation.chars[0])
        if span is not None:
            return Checked(citation, Standing.CHANGED, note.place(span), elsewhere=elsewhere)
    if elsewhere is not None:
        return Checked(citation, Standing.MOVED, elsewhere)
    return Checked(citation, Standing.GONE, reason=reason if note is None else NOTHING_LIKE_IT)


def _unread(notes: _Notes) -> tuple[str, ...]:
    """A warning where words that were not found may stand in what could not be read."""
    if not notes.skipped:
        return ()
    path, reason = next(iter(notes.skipped.items()))
    return (f"not all was searched: {len(notes.skipped)} skipped, such as {path}: {reason}",)
