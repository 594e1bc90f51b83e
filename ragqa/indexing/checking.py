"""Check an index against its notes and its embedder."""

import hashlib
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ragqa.embedders import Embedder
from ragqa.indexing.source import Source
from ragqa.notes import NoteText, read_text
from ragqa.passages import matches_note
from ragqa.stores import Fault, IndexPart, Snapshot
from ragqa.types import Passage, Progress, counted

SAMPLE = 64
"""How many passages to embed again."""

MIN_COSINE = 0.99
"""Both forms of an embedder, in any number format, yield cosines above this."""

_NAMED = 3
_SEED = 1


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of checking an index against its notes and its embedder.

    :param notes: how many notes are unchanged since they were indexed.
    :param embedded: how many passages were embedded again.
    :param lowest: the lowest cosine of a new embedding with the stored one.
    """

    notes: int
    embedded: int
    lowest: float
    faults: tuple[Fault, ...]


def check_passages(
    snapshot: Snapshot, source: Source, embedder: Embedder, *, progress: Progress
) -> Checked:
    """Find each passage in its note, if the note is unchanged, and embed a sample again.

    :param embedder: the one that the index was built with.
    :param progress: is called with ("comparing", done, total) for each note.
    """
    reading = _Reading(snapshot, source, progress, [], [])
    sample = heapq.nsmallest(SAMPLE, reading.passages(), key=_sample_key)
    faults = [] if not reading.misplaced else [_misplaced_fault(reading.misplaced)]
    lowest, differing = _compare(snapshot, sample, embedder)
    if differing:
        faults.append(_differing_fault(differing, len(sample), lowest))
    return Checked(len(reading.notes), len(sample), lowest, tuple(faults))


@dataclass(frozen=True, slots=True)
class _Reading:
    snapshot: Snapshot
    source: Source
    progress: Progress
    notes: list[str]
    misplaced: list[Passage]

    def passages(self) -> Iterator[Passage]:
        """Yield the passages found in their note or not checked; collect the others."""
        total = len(self.snapshot.states())
        for done, (path, passages) in enumerate(self.snapshot.by_note(), start=1):
            self.progress("comparing", done, total)
            text = self._text(path, passages)
            for passage in passages:
                if text is None or matches_note(text, passage):
                    yield passage
                else:
                    self.misplaced.append(passage)

    def _text(self, path: str, passages: Sequence[Passage]) -> str | None:
        """The text of a note that is unchanged since it was indexed; None otherwise."""
        if not passages:
            return None
        read = read_text(self.source.corpus, path, max_note_bytes=self.source.max_note_bytes)
        if not isinstance(read, NoteText) or read.sha256 != passages[0].note_sha256:
            return None
        self.notes.append(path)
        return read.text


def _sample_key(passage: Passage) -> bytes:
    """A pseudo-random sort key for sampling, the same every time."""
    return hashlib.blake2b(f"{_SEED} {passage.id}".encode(), digest_size=8).digest()


def _misplaced_fault(passages: Sequence[Passage]) -> Fault:
    return Fault(
        IndexPart.CATALOGUE,
        f"the index has {counted(len(passages), 'passage')} not found in the unchanged notes, "
        f"{_first(passages)}",
    )


def _compare(
    snapshot: Snapshot, sample: Sequence[Passage], embedder: Embedder
) -> tuple[float, list[Passage]]:
    """The lowest cosine, and the passages whose cosine is below `MIN_COSINE`."""
    if not sample:
        return 1.0, []
    texts = [passage.embedded_text for passage in sample]
    # A tampered passage may exceed the embedder's window.
    window = embedder.info.window
    too_long = {i for i, tokens in enumerate(embedder.count_tokens(texts)) if tokens > window}
    embedded = embedder.embed_passages(
        ["" if i in too_long else text for i, text in enumerate(texts)]
    )
    stored = snapshot.vectors([passage.id for passage in sample])
    zeros = np.zeros(embedded.shape[1], np.float32)
    rows = np.stack([stored.get(passage.id, zeros) for passage in sample])
    cosines = np.einsum("ij,ij->i", rows, embedded)
    differing = [p for p, cosine in zip(sample, cosines, strict=True) if not cosine >= MIN_COSINE]
    return float(np.min(cosines)), differing


def _differing_fault(differing: Sequence[Passage], of: int, lowest: float) -> Fault:
    return Fault(
        IndexPart.VECTORS,
        f"{len(differing)} of {counted(of, 'passage')} got another embedding when embedded again, "
        f"{_first(differing)}; the lowest cosine is {lowest:.3f}",
    )


def _first(passages: Sequence[Passage]) -> str:
    """The places of the first few passages."""
    places = [f"{p.path} from line {p.lines[0]} to {p.lines[1]}" for p in passages[:_NAMED]]
    return f"such as {', '.join(places)}"
