"""Workers that embed many passages: this process, or others."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeAlias

from ragqa.embedders import Embedder
from ragqa.types import Progress, Vectors


class Workers(Protocol):
    """Embeds batches of texts, first in, first out."""

    @property
    def ahead(self) -> int:
        """How many batches may be outstanding while more are prepared; 0 for none."""
        ...

    def give(self, texts: Sequence[str]) -> None:
        """Hand over a batch.

        :raises WorkersFailed: no worker can take it.
        """
        ...

    def take(self, progress: Progress) -> Vectors:
        """The embeddings of the next batch, shape (texts, dimension).

        :param progress: called with ("embedding", done, total), counted in texts.
        :raises WorkersFailed: they could not be computed.
        """
        ...


WorkersFor: TypeAlias = Callable[[Embedder, Progress], AbstractContextManager[Workers]]
"""Makes workers that compute the same as this embedder; they end with the context."""


class Here:
    """Embeds in this process, when a batch is taken."""

    ahead = 0

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._given: deque[Sequence[str]] = deque()

    def give(self, texts: Sequence[str]) -> None:
        """Queue a batch."""
        self._given.append(texts)

    def take(self, progress: Progress) -> Vectors:
        """Embed the next batch."""
        return self._embedder.embed_passages(self._given.popleft(), progress=progress)


def here(embedder: Embedder, progress: Progress) -> AbstractContextManager[Workers]:
    """Make workers in this process alone; `progress` is unused."""
    del progress
    return nullcontext(Here(embedder))
