"""Who embeds many passages: this process, or others that it hands them to."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeAlias

from ragqa.embedders import Embedder
from ragqa.types import Progress, Vectors


class Workers(Protocol):
    """Embeds batches of texts; the batch that was given first is taken first."""

    @property
    def ahead(self) -> int:
        """So many batches may be left untaken while more are made ready; 0 for none."""
        ...

    def give(self, texts: Sequence[str]) -> None:
        """Hand over a batch.

        :raises WorkersFailed: there is nobody to hand it to.
        """
        ...

    def take(self, progress: Progress) -> Vectors:
        """The embeddings of the first batch not taken yet, shape (texts, dimension).

        :param progress: is called with ("embedding", texts done, texts).
        :raises WorkersFailed: they could not be computed.
        """
        ...


WorkersFor: TypeAlias = Callable[[Embedder, Progress], AbstractContextManager[Workers]]
"""Makes workers that compute what this embedder computes; they are gone after the context."""


class Here:
    """This process, which embeds a batch when it is taken."""

    ahead = 0

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._given: deque[Sequence[str]] = deque()

    def give(self, texts: Sequence[str]) -> None:
        """Keep a batch for later."""
        self._given.append(texts)

    def take(self, progress: Progress) -> Vectors:
        """Embed the first batch that was kept."""
        return self._embedder.embed_passages(self._given.popleft(), progress=progress)


def here(embedder: Embedder, progress: Progress) -> AbstractContextManager[Workers]:
    """This process alone."""
    del progress
    return nullcontext(Here(embedder))
