"""Check an index against its notes and its embedder, and rebuild what is damaged, nothing else."""

import hashlib
import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

import numpy as np

from ragqa.embedders import Embedder
from ragqa.errors import IndexUnusable
from ragqa.indexing.refresh import SMALL_CHANGE_PASSAGES, refresh
from ragqa.indexing.source import Source, check_embedder, check_origin
from ragqa.notes import NoteText, read_text
from ragqa.stores import Fault, IndexPart, Snapshot, Store
from ragqa.types import IndexInfo, Passage, Progress, Vectors, counted, no_progress

SAMPLE = 64
"""How many passages to embed again."""

MIN_COSINE = 0.99
"""Both forms of an embedder, in any number format, yield cosines above this."""

_NAMED = 3
_SEED = 1

ROUNDS = 4
"""Repairs to try: damaged files hide inconsistencies between them, which hide wrong contents."""


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
    unchanged, misplaced, sample = _compared_with_notes(snapshot, source, progress)
    faults = []
    if misplaced:
        number = counted(len(misplaced), "passage")
        problem = f"the index has {number} not found in the unchanged notes, {_first(misplaced)}"
        faults.append(Fault(IndexPart.NOTES, problem))
    lowest, differing = _compare(snapshot, sample, embedder)
    if differing:
        problem = (
            f"{len(differing)} of {counted(len(sample), 'passage')} got another embedding when "
            f"embedded again, {_first(differing)}; the lowest cosine is {lowest:.3f}"
        )
        faults.append(Fault(IndexPart.ALL_EMBEDDINGS, problem))
    return Checked(unchanged, len(sample), lowest, tuple(faults))


def _compared_with_notes(
    snapshot: Snapshot, source: Source, progress: Progress
) -> tuple[int, list[Passage], list[Passage]]:
    """How many notes are unchanged, the passages not found in theirs, a sample of the others."""
    unchanged, misplaced = 0, []
    sample: list[tuple[bytes, Passage]] = []
    total = len(snapshot.states())
    for done, (path, passages) in enumerate(snapshot.by_note(), start=1):
        progress("comparing", done, total)
        if not passages:
            continue
        read = read_text(source.corpus, path, max_note_bytes=source.max_note_bytes)
        same = isinstance(read, NoteText) and read.sha256 == passages[0].note_sha256
        unchanged += same
        text = read.text if isinstance(read, NoteText) and same else None
        for passage in passages:
            if text is not None and not passage.stands_in(text):
                misplaced.append(passage)
            else:
                sample.append((_sample_key(passage), passage))
        sample = heapq.nsmallest(SAMPLE, sample, key=itemgetter(0))
    return unchanged, misplaced, [passage for _, passage in sample]


def _sample_key(passage: Passage) -> bytes:
    """A pseudo-random sort key for sampling, the same every time."""
    return hashlib.blake2b(f"{_SEED} {passage.id}".encode(), digest_size=8).digest()


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


def _first(passages: Sequence[Passage]) -> str:
    """The places of the first few passages."""
    places = [f"{p.path} from line {p.lines[0]} to {p.lines[1]}" for p in passages[:_NAMED]]
    return f"such as {', '.join(places)}"


def repair(
    store: Store, source: Source, *, wait: bool = False, progress: Progress = no_progress
) -> tuple[str, ...]:
    """Find what is damaged and rebuild it; write nothing if nothing is damaged.

    Terms are rebuilt from the catalogue and embeddings from its passages. Only if the catalogue
    is damaged are the notes read again, reusing the sound embeddings.

    :returns: what was done and why, each in a sentence.
    :raises NoIndex: there is nothing to repair.
    :raises NoCorpus: the notes are needed and cannot be read.
    :raises EmbedderMismatch: the index was built with another embedder.
    :raises IndexUnusable: it was built from other notes or settings, or is not writable.
    :raises WriterBusy: another process is writing it and `wait` is False.
    """
    done: list[str] = []
    for _ in range(ROUNDS):
        outcome = store.repair(_Rebuilder(source, progress), wait=wait, progress=progress)
        if set(outcome.done) & set(done):
            break  # rebuilding does not fix it
        done += outcome.done
        if outcome.rebuild:
            _check_all_readable(source, outcome.rebuild)
            refresh(store, source, rebuild=outcome.anew, wait=wait, progress=progress)
            done.append(outcome.rebuild)
        elif not outcome.done:
            break
    return tuple(done)


def _check_all_readable(source: Source, why: str) -> None:
    """Check that all notes can be read before rebuilding the index from them.

    :raises IndexUnusable: some are below an unreadable folder.
    """
    unreadable = source.walk().unreadable_folders
    if unreadable:
        raise IndexUnusable(
            f"the folder {unreadable[0]} cannot be read, and the index has to be rebuilt from the "
            f"notes, which would lose those in it: to {why}",
            hint="make the folder readable, or continue without it: ragqa index --rebuild",
        )


@dataclass
class _Rebuilder:
    """The embedder and the notes of one index, for its store to repair it."""

    source: Source
    progress: Progress
    info: IndexInfo | None = None

    def check(self, info: IndexInfo) -> None:
        """Check that the index was built from these notes, with this embedder."""
        check_origin(info, self.source)
        check_embedder(info, self.source.embedders.asking)
        self.info = info

    def faults(self, snapshot: Snapshot) -> list[Fault]:
        """The passages that do not match the notes or the embedder."""
        asking = self.source.embedders.asking
        checked = check_passages(snapshot, self.source, asking, progress=self.progress)
        return list(checked.faults)

    def embed(self, passages: Sequence[Passage]) -> Vectors:
        """Embed passages; returns shape (passages, dimension)."""
        small = len(passages) <= SMALL_CHANGE_PASSAGES
        embedder = self.source.embedders.asking if small else self._building
        return embedder.embed_passages([passage.embedded_text for passage in passages])

    @cached_property
    def _building(self) -> Embedder:
        embedder = self.source.embedders.load_building(self.progress)
        if self.info is not None:
            check_embedder(self.info, embedder)
        return embedder
