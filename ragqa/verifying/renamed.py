"""Find what quotes became whose note was renamed and edited: note and words are both gone."""

from collections import defaultdict
from collections.abc import Sequence
from heapq import nlargest

from ragqa.types import Place, Progress, SavedCitation
from ragqa.verifying.current_notes import Notes
from ragqa.verifying.saved import is_saved
from ragqa.verifying.similarity import successor, word_share, words_of

MAX_NOTES = 20
"""At most this many notes are compared with a quote: those with the most of its words."""


def successors(
    orphans: Sequence[SavedCitation], notes: Notes, progress: Progress
) -> dict[SavedCitation, Place]:
    """The most similar text in any note to each quote; quotes without any are omitted.

    Ties go to the text nearest to the quote's old offset, as within a note.
    """
    wanted = defaultdict(list)
    for orphan, paths in _likely(orphans, notes, progress).items():
        for path in paths:
            wanted[path].append(orphan)
    best: dict[SavedCitation, tuple[tuple[float, int], Place]] = {}
    for count, path in enumerate(sorted(wanted), start=1):
        note = notes.read(path)
        for orphan in wanted[path]:
            found = note and successor(note.sentences, orphan.quote, orphan.chars[0])
            if note and found:
                rank = found.similarity, -abs(found.span[0] - orphan.chars[0])
                if orphan not in best or rank > best[orphan][0]:
                    best[orphan] = rank, note.place(found.span)
        progress("comparing", count, len(wanted))
    return {orphan: place for orphan, (_, place) in best.items()}


def _likely(
    orphans: Sequence[SavedCitation], notes: Notes, progress: Progress
) -> dict[SavedCitation, list[str]]:
    """The notes with the most words of each quote, if enough for the minimum similarity."""
    words = {orphan: words_of(orphan.quote) for orphan in orphans}
    held: dict[SavedCitation, list[tuple[float, str]]] = {orphan: [] for orphan in orphans}
    for count, path in enumerate(notes.paths if orphans else (), start=1):
        note = notes.read(path)
        if note is not None and not is_saved(note.text):
            theirs = set(words_of(note.text))
            for orphan in orphans:
                share = word_share(words[orphan], theirs)
                if share:
                    held[orphan].append((share, path))
        progress("searching", count, len(notes.paths))
    return {one: [path for _, path in nlargest(MAX_NOTES, likely)] for one, likely in held.items()}
