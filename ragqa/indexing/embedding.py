"""The embeddings of passages: found where they are kept, computed and saved where not."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ragqa.embedders import Embedder
from ragqa.stores import Kept, Writer, none_kept
from ragqa.types import Passage, Vector

SAVED_TOGETHER = 256
"""So many passages are embedded before their embeddings are saved, and lost at most."""

KEPT = "What was embedded so far is kept: the same command goes on from there."


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

    def vectors(
        self, passages: Sequence[Passage], embedded: Callable[[int, int], None]
    ) -> dict[int, Vector]:
        """The embedding of each key; passages that share a key are embedded once.

        :param embedded: is told how many of how many keys have their embedding, unless all were
            kept.
        """
        by_key = {passage.embedding_key: passage for passage in passages}
        vectors = dict(self._writer.vectors(by_key))
        found = self._kept([passage.id for passage in passages])
        vectors |= {p.embedding_key: found[p.id] for p in passages if p.id in found}
        kept = len(vectors)
        missing = self._longest_first([p for key, p in by_key.items() if key not in vectors])
        for first in range(0, len(missing), SAVED_TOGETHER):
            part = missing[first : first + SAVED_TOGETHER]
            before = kept + first

            def progress(_stage: str, done: int, _total: int, before: int = before) -> None:
                embedded(before + done, len(by_key))

            texts = [passage.embedded_text for passage in part]
            rows = self._embedder.embed_passages(texts, progress=progress)
            keys = [passage.embedding_key for passage in part]
            self._writer.save(keys, rows)
            self.computed += len(keys)
            vectors |= zip(keys, rows, strict=True)
        return vectors

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
