"""The embeddings of passages: reused where known, otherwise computed and saved."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ragqa.embedders import Embedder
from ragqa.embedders.workers import Workers
from ragqa.stores import EmbeddingLookup, Writer, no_embeddings
from ragqa.types import Passage, Vector

SAVED_TOGETHER = 256
"""Passages per part: their embeddings are saved together, and a dead worker loses at most these."""

KEPT = "The embeddings so far are saved: run the same command again to resume."


class Chunk(Protocol):
    """Passages that belong together, with the size of their notes."""

    @property
    def passages(self) -> Sequence[Passage]:
        """The passages."""
        ...

    @property
    def size(self) -> int:
        """The size of their notes in bytes."""
        ...


C = TypeVar("C", bound=Chunk)


@dataclass(slots=True)
class _Pending(Generic[C]):
    """A chunk with its known embeddings and the parts still at the workers.

    :param before: bytes of text in earlier chunks.
    :param keys: the number of embeddings it needs.
    """

    chunk: C
    before: int
    vectors: dict[int, Vector]
    keys: int
    parts: deque[list[Passage]]


class Embedding:
    """Embeds passages for one writer, which saves the embeddings until its commit.

    :param reusable: the sound embeddings of a damaged or older index.
    :ivar computed: how many embeddings have been computed so far.
    :raises IndexUnusable: here and in every method: embeddings cannot be saved.
    """

    def __init__(
        self, writer: Writer, embedder: Embedder, reusable: EmbeddingLookup = no_embeddings
    ) -> None:
        self._writer = writer
        self._reusable = reusable
        self._embedder = embedder
        self._resumed = writer.resume(embedder.info, embedder.dtype)
        self.computed = 0

    def embed_chunks(
        self, chunks: Iterable[C], workers: Workers, embedded: Callable[[float], None]
    ) -> Iterator[tuple[C, dict[int, Vector]]]:
        """Yield each chunk, in order, with its embeddings, shape (dimension,), by embedding key.

        Passages of a chunk that share a key are embedded once. Enough chunks are read ahead to
        keep the workers busy.

        :param embedded: is called with the bytes of text whose embeddings are known, once any
            passage needs embedding.
        """
        pending: deque[_Pending[C]] = deque()
        before = 0
        for chunk in chunks:
            pending.append(self._start(chunk, before, workers))
            before += chunk.size
            yield from self._finish(pending, workers.ahead, workers, embedded)
        yield from self._finish(pending, 0, workers, embedded)

    def _finish(
        self,
        pending: deque[_Pending[C]],
        ahead: int,
        workers: Workers,
        embedded: Callable[[float], None],
    ) -> Iterator[tuple[C, dict[int, Vector]]]:
        """Yield finished chunks until the workers have at most `ahead` parts."""
        while pending and (not pending[0].parts or _parts(pending) > ahead):
            first = pending[0]
            if first.parts:
                self._collect(first, workers, embedded)
                continue
            yield first.chunk, first.vectors
            pending.popleft()
            if self.computed:
                embedded(first.before + first.chunk.size)

    def _start(self, chunk: C, before: int, workers: Workers) -> _Pending[C]:
        """Look up a chunk's known embeddings, and hand the rest to the workers in parts."""
        by_key = {passage.embedding_key: passage for passage in chunk.passages}
        vectors = dict(self._writer.vectors(by_key))
        found = self._reusable([passage.id for passage in chunk.passages])
        vectors |= {p.embedding_key: found[p.id] for p in chunk.passages if p.id in found}
        missing = self._longest_first([p for key, p in by_key.items() if key not in vectors])
        parts = [missing[i : i + SAVED_TOGETHER] for i in range(0, len(missing), SAVED_TOGETHER)]
        for part in parts:
            workers.give([passage.embedded_text for passage in part])
        return _Pending(chunk, before, vectors, len(by_key), deque(parts))

    def _collect(
        self, first: _Pending[C], workers: Workers, embedded: Callable[[float], None]
    ) -> None:
        """Take a chunk's next part from the workers, and save it."""
        part, there = first.parts[0], len(first.vectors)

        def progress(_stage: str, done: int, _total: int) -> None:
            embedded(first.before + first.chunk.size * (there + done) / first.keys)

        rows = workers.take(progress)
        keys = [passage.embedding_key for passage in part]
        self._writer.save(keys, rows)
        self.computed += len(keys)
        first.vectors |= zip(keys, rows, strict=True)
        first.parts.popleft()

    def _longest_first(self, passages: Sequence[Passage]) -> list[Passage]:
        """Sort by tokens, longest first: similar lengths in a batch need little padding."""
        tokens = self._embedder.count_tokens([passage.embedded_text for passage in passages])
        order = sorted(range(len(passages)), key=lambda place: -tokens[place])
        return [passages[place] for place in order]

    @contextmanager
    def noting_saved_work(self) -> Iterator[None]:
        """Note on an interruption that the embeddings so far are saved."""
        try:
            yield
        except KeyboardInterrupt as exc:
            if self._resumed or self.computed:
                exc.add_note(KEPT)
            raise


def _parts(pending: Iterable[_Pending[C]]) -> int:
    return sum(len(each.parts) for each in pending)
