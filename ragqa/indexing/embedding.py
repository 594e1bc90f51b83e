"""The embeddings of passages: found where they are kept, computed and saved where not."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ragqa.embedders import Embedder
from ragqa.stores import Writer
from ragqa.types import Passage, Vector

SAVED_TOGETHER = 256
"""So many passages are embedded before their embeddings are saved, and lost at most."""

KEPT = "What was embedded so far is kept: the same command goes on from there."


class Embedding:
    """Embeds for one writer, which keeps what was embedded until its commit.

    :raises IndexUnusable: from any method: what is embedded cannot be saved.
    """

    def __init__(self, writer: Writer, embedder: Embedder) -> None:
        self._writer = writer
        self._embedder = embedder
        self._saved = writer.resume(embedder.info, embedder.dtype)

    def vectors(
        self, passages: Sequence[Passage], embedded: Callable[[int, int], None]
    ) -> dict[int, Vector]:
        """The embedding of each key; passages that share a key are embedded once.

        :param embedded: is told how many of how many keys have their embedding, unless all were
            kept.
        """
        by_key = {passage.embedding_key: passage for passage in passages}
        vectors = dict(self._writer.vectors(by_key))
        kept = len(vectors)
        # Texts of like length are embedded together, so that little is padded.
        missing = sorted(
            (passage for key, passage in by_key.items() if key not in vectors),
            key=lambda passage: -len(passage.embedded_text),
        )
        for first in range(0, len(missing), SAVED_TOGETHER):
            part = missing[first : first + SAVED_TOGETHER]
            before = kept + first

            def progress(_stage: str, done: int, _total: int, before: int = before) -> None:
                embedded(before + done, len(by_key))

            texts = [passage.embedded_text for passage in part]
            rows = self._embedder.embed_passages(texts, progress=progress)
            keys = [passage.embedding_key for passage in part]
            self._writer.save(keys, rows)
            self._saved += len(keys)
            vectors |= zip(keys, rows, strict=True)
        return vectors

    @contextmanager
    def saying_what_is_kept(self) -> Iterator[None]:
        """Add to an interruption that what was embedded is not lost."""
        try:
            yield
        except KeyboardInterrupt as exc:
            if self._saved:
                exc.add_note(KEPT)
            raise
