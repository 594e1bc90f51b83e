"""Mend a damaged index by making anew what is damaged, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ragqa.embedders import Embedder
from ragqa.errors import IndexUnusable
from ragqa.indexing.checking import check_passages
from ragqa.indexing.refresh import SMALL_CHANGE_PASSAGES, refresh
from ragqa.indexing.source import Source, check_embedder, check_origin
from ragqa.stores import Fault, Snapshot, Store
from ragqa.types import IndexInfo, Passage, Progress, Vectors, no_progress

ROUNDS = 4
"""What is wrong with files hides what is wrong between them, and that what is wrong with all."""


def repair(
    store: Store, source: Source, *, wait: bool = False, progress: Progress | None = None
) -> tuple[str, ...]:
    """Find what is damaged and make it anew; where nothing is, nothing is written.

    Terms are made from the catalogue, embeddings from its passages, and only where the catalogue
    is damaged the notes are read again, with the embeddings that are sound.

    :returns: what was done and why, each in a sentence.
    :raises NoIndex: there is nothing to repair.
    :raises NoCorpus: the notes have to be read, and cannot be.
    :raises EmbedderMismatch: the index was built with another embedder.
    :raises IndexUnusable: it was made from other notes or settings, or cannot be written.
    :raises WriterBusy: another process is writing it and `wait` is False.
    """
    report = progress or no_progress
    done: list[str] = []
    for _ in range(ROUNDS):
        mended = store.repair(_Maker(source, report), wait=wait, progress=report)
        if set(mended.done) & set(done):
            break  # making it anew does not mend it
        done += mended.done
        if mended.lost:
            _check_reach(source, mended.lost)
            refresh(store, source, rebuild=True, wait=wait, kept=mended.kept, progress=report)
            done.append(mended.lost)
        elif mended.went_back:
            refresh(store, source, wait=wait, progress=report)
        elif not mended.done:
            break
    return tuple(done)


def _check_reach(source: Source, why: str) -> None:
    """Make sure that all notes can be read before an index is made of those that can.

    :raises IndexUnusable: some lie below a folder that cannot be read now.
    """
    out_of_reach = source.walk().unreadable_folders
    if out_of_reach:
        raise IndexUnusable(
            f"the folder {out_of_reach[0]} cannot be read, and the index has to be made from the "
            f"notes, which would lose those: to {why}",
            hint="make the folder readable; to go on without it: ragqa index --rebuild",
        )


@dataclass
class _Maker:
    """The embedder and the notes of one index, for its store."""

    source: Source
    progress: Progress
    info: IndexInfo | None = None

    def check(self, info: IndexInfo) -> None:
        """Make sure that the index was made from these notes, with this embedder."""
        check_origin(info, self.source)
        check_embedder(info, self.source.embedders.asking)
        self.info = info

    def faults(self, snapshot: Snapshot) -> list[Fault]:
        """What of the passages is not as notes and embedder have it."""
        asking = self.source.embedders.asking
        checked = check_passages(snapshot, self.source, asking, progress=self.progress)
        return list(checked.faults)

    def embed(self, passages: Sequence[Passage]) -> Vectors:
        """Embed passages."""
        small = len(passages) <= SMALL_CHANGE_PASSAGES
        embedder = self.source.embedders.asking if small else self._building
        return embedder.embed_passages([passage.embedded_text for passage in passages])

    @cached_property
    def _building(self) -> Embedder:
        self.progress("loading", 0, 1)
        embedder = self.source.embedders.building
        if self.info is not None:
            check_embedder(self.info, embedder)
        self.progress("loading", 1, 1)
        return embedder
