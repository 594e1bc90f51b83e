"""An index and its store: build, refresh, check and repair it.

A store on another machine is opened only with the user's consent.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from datetime import date
from functools import cached_property
from typing import Self

from ragqa.clock import today
from ragqa.config import Places, Settings
from ragqa.embedders import embedder_for
from ragqa.errors import IndexUnusable, NoIndex, OtherFormat
from ragqa.indexing import (
    Changes,
    Embedders,
    Source,
    ahead,
    check_embedder,
    check_origin,
    find_changes,
    refresh,
    repair,
)
from ragqa.passages import Chunking
from ragqa.search.retrieve import Ranking
from ragqa.stores import MayUse, Snapshot, Store, StorePlace
from ragqa.types import (
    Building,
    IndexInfo,
    IndexReport,
    NoteState,
    Progress,
    Vector,
    Waiting,
    no_progress,
)

Shown = Callable[[], AbstractContextManager[Progress]]
"""Makes a context manager that shows the progress of a build."""

_POLL_S = 0.5


def was_allowed(host: str) -> bool:
    """Whether the user has already allowed this host to store notes; does not ask."""
    from ragqa.consent import Use, is_allowed

    return is_allowed(host, Use.STORE)


class StoredIndex:
    """The part of an `Index` that builds, refreshes, checks and repairs it."""

    def __init__(
        self,
        settings: Settings,
        places: Places,
        *,
        today: Callable[[], date] = today,
        may_use: MayUse = was_allowed,
        shown: Shown | None = None,
    ) -> None:
        self.settings = settings
        self.places = places
        self.kept = StorePlace.of(settings, places)
        self._today = today
        self._may_use = may_use
        self._shown = shown
        self.source = Source(
            corpus=places.corpus,
            index=places.index,
            embedders=Embedders(settings.embedder, embedder_for),
            chunking=Chunking.of(settings),
            max_note_bytes=settings.max_note_bytes,
            formats=settings.formats,
            shared_name=self.kept.name if self.kept.is_shared else "",
        )
        self._opened = ExitStack()
        self._snapshot: Snapshot | None = None
        self._is_newest = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the index's files."""
        self._snapshot = None
        self._opened.close()

    def is_built(self) -> bool:
        """Whether there is an index, sound or not; what this opens serves the next question."""
        self._is_newest = self._snapshot is None
        try:
            self._open()
        except (NoIndex, IndexUnusable) as exc:
            return not isinstance(exc, NoIndex)
        return True

    def info(self) -> IndexInfo:
        """The index's contents and how it was made.

        :raises NoIndex: nothing has been built yet.
        :raises IndexUnusable: it is damaged, or was made from other notes or settings.
        """
        return self._state()[0]

    def snapshot(self) -> Snapshot:
        """The current index, open for reading until `close`; for evaluations.

        :raises NoIndex: nothing has been built yet.
        :raises IndexUnusable: it is damaged, or belongs to other notes, settings or embedder.
        """
        self.check_embedder()
        return self._open()

    @property
    def ranking(self) -> Ranking:
        """The ranking that the settings choose."""
        return Ranking.of(self.settings, self._contexts)

    @cached_property
    def _contexts(self) -> dict[str, Vector]:
        """The embeddings of the contexts of several folders, by the folder's name."""
        folders = self.places.corpus.folders
        said = {one.name: one.context for one in folders if one.context and len(folders) > 1}
        if not said:
            return {}
        vectors = self.source.embedders.asking.embed_passages(list(said.values()))
        return dict(zip(said, vectors, strict=True))

    def refresh(
        self,
        *,
        rebuild: bool = False,
        wait: bool = False,
        unless_long: bool = False,
        progress: Progress | None = None,
    ) -> IndexReport:
        """Bring the index up to date with the notes; see `ragqa.indexing.refresh`."""
        given = nullcontext(progress or no_progress)
        with self._shown() if self._shown and progress is None else given as progress:
            while wait and (building := self.building()):
                progress("queueing", building.embedded, 0)
                time.sleep(_POLL_S)
            if not self._is_newest:
                self.close()
            self._is_newest, seen = False, None
            with suppress(NoIndex, IndexUnusable):  # these are told by whoever reads it again
                seen = None if rebuild else self._open()
            return refresh(
                self._store, self.source, seen=seen, release=self.close,
                rebuild=rebuild, wait=wait, unless_long=unless_long, progress=progress,
            )  # fmt: skip

    def building(self) -> Building | None:
        """The progress of another process that is writing the index; None if none is known."""
        return self._store.building()

    def ahead(self, *, rebuild: bool = False) -> Waiting:
        """What a build would read: everything, if another version of ragqa made the index."""
        with suppress(NoIndex, OtherFormat):
            if not rebuild:
                return ahead(self.source, self.source.walk(), *self._state())
        return ahead(self.source, self.source.walk(), None, {})

    def pending(self) -> Changes:
        """The changes on disk since the index was made; nothing is written."""
        return find_changes(self.source, self.source.walk(), *self._state(), progress=no_progress)

    def problems(self) -> list[str]:
        """Read all of the index and return its problems, each in a sentence."""
        return [problem.what for problem in self._store.problems()]

    def repair(self, *, wait: bool = False, progress: Progress | None = None) -> tuple[str, ...]:
        """Rebuild what is damaged and return what was done; see `ragqa.indexing.repair`."""
        self.close()
        return repair(self._store, self.source, wait=wait, progress=progress or no_progress)

    def check_embedder(self) -> None:
        """Check that the embedder in use made the index.

        :raises EmbedderMismatch: another embedder did.
        """
        check_embedder(self._open().info, self.source.embedders.asking)

    @cached_property
    def _store(self) -> Store:
        return self.kept.open(self._may_use)

    def _state(self) -> tuple[IndexInfo, dict[str, NoteState]]:
        with ExitStack() as briefly:
            snapshot = self._snapshot or briefly.enter_context(self._store.snapshot())
            check_origin(snapshot.info, self.source)
            return snapshot.info, snapshot.states

    def _open(self) -> Snapshot:
        if self._snapshot is None:
            self._snapshot = self._opened.enter_context(self._store.snapshot())
        check_origin(self._snapshot.info, self.source)
        return self._snapshot
