"""What a question is answered from: what was found, and its notes, opened once beforehand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ragqa.answering.layout import Layout, Run, layout_of_passage
from ragqa.text.dates import ANY_TIME, Period
from ragqa.types import Dated, Hit, Kind, Span

_NEVER = "9999-12-31"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The passages found for a question, and their notes as far as an answer may show them.

    `hits` are the passages, best first. `notes` has the note of each passage that is read, by the
    passage's id, and `dates` the day of each note, by path. `embeds` has the note and the span of
    it that an embed shows, by the path of the note that has the embed, and its link.
    `no_note_has` are the words of the question that no note has, in any like spelling. Notes with
    an ISO date before `old_before` are old. Only what was stated `within` a time may answer.
    """

    hits: tuple[Hit, ...]
    notes: Mapping[int, Layout]
    dates: Mapping[str, Dated]
    embeds: Mapping[tuple[str, str], tuple[Layout, Span]] = field(default_factory=dict)
    no_note_has: tuple[str, ...] = ()
    old_before: str = ""
    within: Period = ANY_TIME

    @classmethod
    def of_passages(cls, hits: tuple[Hit, ...]) -> "Evidence":
        """The evidence where nothing of a note is known but its passages."""
        passages = [hit.passage for hit in hits]
        return cls(
            hits,
            {passage.id: layout_of_passage(passage) for passage in passages},
            {p.path: Dated(p.note_date, "note" if p.note_date else "", _NEVER) for p in passages},
        )

    def embedded(self, layout: Layout, i: int, words: int) -> Iterator[tuple[Layout, Run]]:
        """Yield what a piece embeds: of each note the first runs, of about so many words."""
        for link in layout.embeds(i):
            if shown := self.embeds.get((layout.path, link)):
                note, span = shown
                yield from ((note, run) for run in embedded_runs(note, span, words))


def embedded_runs(note: Layout, span: Span, words: int) -> Iterator[Run]:
    """Yield what an embed of a span of a note shows: a piece, and more while `words` last.

    Hidden text ends a run. Front matter is left out, as where Obsidian embeds a note.
    """
    run: Run | None = None
    for n in range(note.at(span[0]), len(note.pieces)):
        piece = note.pieces[n]
        if piece.kind is Kind.PROPERTY:
            continue
        words -= piece.words
        if piece.unit.start >= span[1] or (run and words < 0):
            break
        between = note.text[note.pieces[n - 1].unit.end : piece.unit.start] if run else ""
        if run and between.replace(">", " ").strip():
            yield run
            run = None
        run = (run[0] if run else n), n
    if run:
        yield run
