"""Repair an index by rebuilding what is damaged, and nothing else."""

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
"""Repairs to try: damaged files hide inconsistencies between them, which hide wrong contents."""


def repair(
    store: Store, source: Source, *, wait: bool = False, progress: Progress | None = None
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
    report = progress or no_progress
    done: list[str] = []
    for _ in range(ROUNDS):
        outcome = store.repair(_Rebuilder(source, report), wait=wait, progress=report)
        if set(outcome.done) & set(done):
            break  # rebuilding does not fix it
        done += outcome.done
        if outcome.rebuild:
            _check_all_readable(source, outcome.rebuild)
            refresh(
                store,
                source,
                rebuild=True,
                wait=wait,
                reusable=outcome.embeddings,
                progress=report,
            )
            done.append(outcome.rebuild)
        elif outcome.rolled_back:
            refresh(store, source, wait=wait, progress=report)
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
        self.progress("loading", 0, 1)
        embedder = self.source.embedders.building
        if self.info is not None:
            check_embedder(self.info, embedder)
        self.progress("loading", 1, 1)
        return embedder
