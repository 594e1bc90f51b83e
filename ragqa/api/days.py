"""A question about a day, read as one about the daily note of that day."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePath

from ragqa.corpus import Corpus
from ragqa.notes.daily import day_in, paths_of_day
from ragqa.stores import Snapshot
from ragqa.stores.filters import note_matcher
from ragqa.text.words import index_terms, query_terms
from ragqa.types import Correction, Filters, Hit, Kind, Passage, Retrieved


@dataclass(frozen=True, slots=True)
class NoteOfDay:
    """The daily note that a question is about, and the question with its title for the day."""

    asked: str
    question: str
    correction: Correction
    path: str

    def first_in(self, retrieved: Retrieved, own: Sequence[Hit]) -> Retrieved:
        """The hits after the note's own, and the day as a correction of the question.

        Other days go, and front matter of which the question has no word: a day is what happened.
        """
        others = (hit for hit in retrieved.hits if hit.passage.path != self.path)
        return replace(
            retrieved,
            hits=tuple(hit for hit in (*own, *others) if self._is_asked(hit.passage)),
            asked=self.asked,
            corrected=(self.correction, *retrieved.corrected),
            day=self.path,
        )

    def _is_asked(self, passage: Passage) -> bool:
        is_beside = PurePath(passage.path).parent == PurePath(self.path).parent
        if is_beside and passage.note_date and passage.path != self.path:
            return False
        is_front = all(unit.kind is Kind.PROPERTY for unit in passage.units)
        words = query_terms(self.asked.replace(self.correction.typed, ""), (passage.language,))
        found = frozenset(index_terms(passage.text, passage.language))
        return not is_front or not found.isdisjoint(words)


def find_day(
    snapshot: Snapshot, corpus: Corpus, question: str, today: date, filters: Filters
) -> NoteOfDay | None:
    """The daily note of the day that a question names, if it is there and passes the filters."""
    found = day_in(question, today)
    if found is None:
        return None
    day, (start, end) = found
    for path in paths_of_day(corpus, day):
        passage: Passage | None = next(iter(snapshot.passages_at([path])), None)
        if passage and (not filters or note_matcher(filters)(snapshot.notes()[path])):
            read = f"{question[:start]}{passage.title}{question[end:]}"
            return NoteOfDay(question, read, Correction(question[start:end], passage.title), path)
    return None
