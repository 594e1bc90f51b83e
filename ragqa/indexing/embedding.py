"""The embeddings of passages: found where they are kept, computed and saved where not."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ragqa.embedders import Embedder
from ragqa.embedders.workers import Workers
from ragqa.stores import Kept, Writer, none_kept
from ragqa.types import Passage, Vector

SAVED_TOGETHER = 256
"""So many passages are embedded before their embeddings are saved, and lost at most by a worker."""

KEPT = "What was embedded so far is kept: the same command goes on from there."


class Chunk(Protocol):
    """Passages that belong together, and how much text they are of."""

    @property
    def passages(self) -> Sequence[Passage]:
        """The passages."""
        ...

    @property
    def size(self) -> int:
        """Bytes of their notes."""
        ...


C = TypeVar("C", bound=Chunk)


@dataclass(slots=True)
class _Waiting(Generic[C]):
    """A chunk behind so much text, with the embeddings that are there and the parts that are not.

    There will be as many embeddings as `keys`.
    """

    chunk: C
    before: int
    vectors: dict[int, Vector]
    keys: int
    parts: deque[list[Passage]]


class Embedding:
    """Embeds for one writer, which keeps what was embedded until its commit.

    :param kept: embeddings that are sound in an index whose others are not, by passage id.
    :ivar computed: how many embeddings were computed so far.
    :raises IndexUnusable: from any method: what is embedded cannot be saved.
    """

    def __init__(self, writer: Writer, embedder: Embedder, kept: Kept = none_kept) -> None:
        self._writer = writer
        self._kept = kept
        self._embedder = embedder
        self._resumed = writer.resume(embedder.info, embedder.dtype)
        self.computed = 0

    def of_each(
        self, chunks: Iterable[C], workers: Workers, embedded: Callable[[float], None]
    ) -> Iterator[tuple[C, dict[int, Vector]]]:
        """Each chunk with the embedding of each key in it, in the order given.

        Passages of a chunk that share a key are embedded once. Of the chunks, so many are taken
        before the first is given back as keep the workers busy.

        :param embedded: is told how much of all text has its embedding, in bytes, from the first
            passage that has to be embedded.
        """
        waiting: deque[_Waiting[C]] = deque()
        before = 0
        for chunk in chunks:
            waiting.append(self._begun(chunk, before, workers))
            before += chunk.size
            yield from self._finished(waiting, workers.ahead, workers, embedded)
        yield from self._finished(waiting, 0, workers, embedded)

    def _finished(
        self,
        waiting: deque[_Waiting[C]],
        ahead: int,
        workers: Workers,
        embedded: Callable[[float], None],
    ) -> Iterator[tuple[C, dict[int, Vector]]]:
        """Those that lack nothing, until the workers have no more than so many parts."""
        while waiting and (not waiting[0].parts or _parts(waiting) > ahead):
            first = waiting[0]
            if first.parts:
                self._collect(first, workers, embedded)
                continue
            yield first.chunk, first.vectors
            waiting.popleft()
            if self.computed:
                embedded(first.before + first.chunk.size)

    def _begun(self, chunk: C, before: int, workers: Workers) -> _Waiting[C]:
        """Find what is kept of a chunk, and hand the rest to the workers in parts."""
        by_key = {passage.embedding_key: passage for passage in chunk.passages}
        vectors = dict(self._writer.vectors(by_key))
        found = self._kept([passage.id for passage in chunk.passages])
        vectors |= {p.embedding_key: found[p.id] for p in chunk.passages if p.id in found}
        missing = self._longest_first([p for key, p in by_key.items() if key not in vectors])
        parts = [missing[i : i + SAVED_TOGETHER] for i in range(0, len(missing), SAVED_TOGETHER)]
        for part in parts:
            workers.give([passage.embedded_text for passage in part])
        return _Waiting(chunk, before, vectors, len(by_key), deque(parts))

    def _collect(
        self, first: _Waiting[C], workers: Workers, embedded: Callable[[float], None]
    ) -> None:
        """Take the next part of a chunk from the workers, and save it."""
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
        """By tokens, so that texts of like length are embedded together and little is padded."""
        tokens = self._embedder.count_tokens([passage.embedded_text for passage in passages])
        order = sorted(range(len(passages)), key=lambda place: -tokens[place])
        return [passages[place] for place in order]

    @contextmanager
    def saying_what_is_kept(self) -> Iterator[None]:
        """Add to an interruption that what was embedded is not lost."""
        try:
            yield
        except KeyboardInterrupt as exc:
            if self._resumed or self.computed:
                exc.add_note(KEPT)
            raise


def _parts(waiting: Iterable[_Waiting[C]]) -> int:
    return sum(len(each.parts) for each in waiting)
