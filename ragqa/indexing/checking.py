"""Whether an index holds what its notes say and what its embedder gives for it."""

import hashlib
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ragqa.embedders import Embedder
from ragqa.indexing.source import Source
from ragqa.notes import NoteText, read_text
from ragqa.passages import matches_note
from ragqa.stores import Fault, Faulty, Snapshot
from ragqa.types import Passage, Progress, counted

SAMPLE = 64
"""So many passages are embedded again."""

LEAST_COSINE = 0.99
"""Both forms of an embedder, in any number format, give vectors that are closer than this."""

_NAMED = 3
_SEED = 1


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of comparing an index with its notes and its embedder.

    :param notes: how many notes are as they were when they were indexed.
    :param embedded: how many passages were embedded again.
    :param lowest: the lowest cosine of an embedding with the one that the index has.
    """

    notes: int
    embedded: int
    lowest: float
    faults: tuple[Fault, ...]


def check_passages(
    snapshot: Snapshot, source: Source, embedder: Embedder, *, progress: Progress
) -> Checked:
    """Look for each passage in its note, if that is unchanged, and embed some passages again.

    :param embedder: what the index was built with.
    :param progress: is called with ("comparing", done, total) for each note.
    """
    reading = _Reading(snapshot, source, progress, [], [])
    sample = heapq.nsmallest(SAMPLE, reading.passages(), key=_draw)
    faults = [] if not reading.astray else [_astray(reading.astray)]
    lowest, unlike = _compare(snapshot, sample, embedder)
    if unlike:
        faults.append(_unlike(unlike, len(sample), lowest))
    return Checked(len(reading.notes), len(sample), lowest, tuple(faults))


@dataclass(frozen=True, slots=True)
class _Reading:
    snapshot: Snapshot
    source: Source
    progress: Progress
    notes: list[str]
    astray: list[Passage]

    def passages(self) -> Iterator[Passage]:
        """Give all passages but those that do not stand in their note, which are put down."""
        total = len(self.snapshot.states())
        for done, (path, passages) in enumerate(self.snapshot.by_note(), start=1):
            self.progress("comparing", done, total)
            text = self._text(path, passages)
            for passage in passages:
                if text is None or matches_note(text, passage):
                    yield passage
                else:
                    self.astray.append(passage)

    def _text(self, path: str, passages: Sequence[Passage]) -> str | None:
        """The text of a note that is as it was indexed."""
        if not passages:
            return None
        read = read_text(self.source.corpus, path, max_note_bytes=self.source.max_note_bytes)
        if not isinstance(read, NoteText) or read.sha256 != passages[0].note_sha256:
            return None
        self.notes.append(path)
        return read.text


def _draw(passage: Passage) -> bytes:
    """What passages are drawn by: always the same of the same index."""
    return hashlib.blake2b(f"{_SEED} {passage.id}".encode(), digest_size=8).digest()


def _astray(passages: Sequence[Passage]) -> Fault:
    return Fault(
        Faulty.CATALOGUE,
        f"the index has {counted(len(passages), 'passage')} not found in the unchanged notes, "
        f"{_first(passages)}",
    )


def _compare(
    snapshot: Snapshot, sample: Sequence[Passage], embedder: Embedder
) -> tuple[float, list[Passage]]:
    """The lowest cosine, and the passages whose is too low."""
    if not sample:
        return 1.0, []
    texts = [passage.embedded_text for passage in sample]
    # Whoever changed a passage may have made it longer than any that was ever embedded.
    window = embedder.info.window
    long = {i for i, tokens in enumerate(embedder.count_tokens(texts)) if tokens > window}
    embedded = embedder.embed_passages(["" if i in long else text for i, text in enumerate(texts)])
    stored = snapshot.vectors([passage.id for passage in sample])
    nothing = np.zeros(embedded.shape[1], np.float32)
    rows = np.stack([stored.get(passage.id, nothing) for passage in sample])
    cosines = np.einsum("ij,ij->i", rows, embedded)
    unlike = [p for p, cosine in zip(sample, cosines, strict=True) if not cosine >= LEAST_COSINE]
    return float(np.min(cosines)), unlike


def _unlike(unlike: Sequence[Passage], of: int, lowest: float) -> Fault:
    return Fault(
        Faulty.VECTORS,
        f"{len(unlike)} of {counted(of, 'passage')} got another embedding when embedded again, "
        f"{_first(unlike)}; the lowest cosine is {lowest:.3f}",
    )


def _first(passages: Sequence[Passage]) -> str:
    """Where the first few of these stand."""
    places = [f"{p.path} from line {p.lines[0]} to {p.lines[1]}" for p in passages[:_NAMED]]
    return f"such as {', '.join(places)}"
