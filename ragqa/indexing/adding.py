"""Add new and changed notes to the next generation, with bounded memory.

files -> split notes -> chunks -> their embeddings, reused or computed -> writer
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from math import ceil

import numpy as np

from ragqa.embedders import Embedder, Workers, WorkersFor
from ragqa.indexing.source import Source
from ragqa.notes import read_note
from ragqa.passages.language import add_pieces, with_language
from ragqa.passages.split import split_note
from ragqa.stores import Writer
from ragqa.types import Note, NoteFile, Passage, Pieces, Progress, Skipped, Vector

CHUNK_PASSAGES = 2048
"""The passages to collect per chunk; its last note may exceed it."""

CHUNK_BYTES = 8 * 2**20
"""The text to collect per chunk, if notes have few passages for their size."""

SAVED_TOGETHER = 256
"""Passages per part: their embeddings are saved together, and a dead worker loses at most these."""

KEPT = "The embeddings so far are saved: run the same command again to resume."


@dataclass(frozen=True, slots=True)
class SplitNote:
    """A note with its passages.

    `settled` is as in `NoteState`, and `size` is the file's when it was found, in bytes.
    """

    note: Note
    settled: bool
    passages: Sequence[Passage]
    size: int


@dataclass(slots=True)
class Chunk:
    """Notes that are embedded together, with all their passages and total size in bytes.

    :param vectors: the embeddings so far, shape (dimension,), by embedding key.
    :param parts: the passages that are at the workers.
    """

    notes: list[SplitNote] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    size: int = 0
    vectors: dict[int, Vector] = field(default_factory=dict)
    parts: deque[list[Passage]] = field(default_factory=deque)


def _split_all(
    files: Sequence[NoteFile],
    source: Source,
    embedder: Embedder,
    lost: list[Skipped],
    progress: Progress,
) -> Iterator[SplitNote]:
    """Read and split notes one by one; append unreadable ones to `lost`."""
    for done, file in enumerate(files, start=1):
        read = read_note(source.corpus, file, max_note_bytes=source.max_note_bytes)
        if isinstance(read, Skipped):
            lost.append(read)
            continue
        note = with_language(read.note, source.chunking.language)
        passages = split_note(
            note,
            chunking=source.chunking,
            window=embedder.info.window,
            count_tokens=embedder.count_tokens,
        )
        progress("splitting", done, len(files))
        yield SplitNote(note, read.settled, passages, file.stamp.size)


def _chunks(notes: Iterable[SplitNote]) -> Iterator[Chunk]:
    """Group notes into chunks of `CHUNK_PASSAGES` or `CHUNK_BYTES`."""
    chunk = Chunk()
    for each in notes:
        chunk.notes.append(each)
        chunk.passages += each.passages
        chunk.size += each.size
        if len(chunk.passages) >= CHUNK_PASSAGES or chunk.size >= CHUNK_BYTES:
            yield chunk
            chunk = Chunk()
    if chunk.notes:
        yield chunk


class Embedding:
    """Embeds and adds notes for one writer, which saves the embeddings until its commit.

    :ivar computed: how many embeddings have been computed so far.
    :ivar languages: the word pieces of the languages of the notes, those in the index included.
    :raises IndexUnusable: here and in every method: embeddings cannot be saved.
    """

    def __init__(self, writer: Writer, embedder: Embedder) -> None:
        self._writer = writer
        self._embedder = embedder
        self._resumed = writer.resume(embedder.info, embedder.dtype)
        self.computed = 0
        self.languages: dict[str, Pieces] = {}

    def add_notes(
        self, files: Sequence[NoteFile], source: Source, workers: WorkersFor, progress: Progress
    ) -> tuple[tuple[Skipped, ...], tuple[str, ...]]:
        """Read notes in their current state, split and embed them, and add them to the writer.

        :param progress: is called with notes split, and with kB of notes embedded once any passage
            needs embedding.
        :returns: the notes lost, which could not be read again, and warnings about the others.
        :raises IndexUnusable: an embedding is not a unit vector.
        """
        lost: list[Skipped] = []
        warnings: list[str] = []
        total = sum(file.stamp.size for file in files)

        def embedded(size: float) -> None:
            progress("embedding", ceil(size / 1000), ceil(total / 1000))

        chunks = _chunks(_split_all(files, source, self._embedder, lost, progress))
        with workers(self._embedder, progress) as at_work:
            for chunk in self.embed_chunks(chunks, at_work, embedded):
                add_pieces(self.languages, chunk.passages, self._embedder.pieces)
                for each in chunk.notes:
                    note = each.note
                    rows = [chunk.vectors[p.embedding_key] for p in each.passages]
                    self._writer.add(
                        note,
                        settled=each.settled,
                        passages=each.passages,
                        vectors=np.array(rows, np.float32).reshape(
                            -1, self._embedder.info.dimension
                        ),
                    )
                    warnings += [f"{note.path}: {warning}" for warning in note.warnings]
        return tuple(lost), tuple(warnings)

    def embed_chunks(
        self, chunks: Iterable[Chunk], workers: Workers, embedded: Callable[[float], None]
    ) -> Iterator[Chunk]:
        """Yield each chunk, in order, with all its embeddings.

        Passages of a chunk that share a key are embedded once. Enough chunks are read ahead to
        keep the workers busy.

        :param embedded: is called with the bytes of text whose embeddings are known, once any
            passage needs embedding.
        """
        pending: deque[Chunk] = deque()
        finished = 0
        for chunk in chain(chunks, (None,)):
            if chunk is not None:
                self._start(chunk, workers)
                pending.append(chunk)
            ahead = 0 if chunk is None else workers.ahead
            while pending and (
                not pending[0].parts or sum(len(each.parts) for each in pending) > ahead
            ):
                first = pending[0]
                if first.parts:
                    self._collect(first, workers, finished, embedded)
                    continue
                yield first
                pending.popleft()
                finished += first.size
                if self.computed:
                    embedded(finished)

    def _start(self, chunk: Chunk, workers: Workers) -> None:
        """Look up a chunk's known embeddings, and hand the rest to the workers in parts."""
        by_key = {passage.embedding_key: passage for passage in chunk.passages}
        chunk.vectors = dict(self._writer.vectors(by_key))
        missing = [passage for key, passage in by_key.items() if key not in chunk.vectors]
        # Longest first: texts of similar lengths in a batch need little padding.
        tokens = self._embedder.count_tokens([passage.embedded_text for passage in missing])
        order = sorted(range(len(missing)), key=lambda place: -tokens[place])
        for begin in range(0, len(missing), SAVED_TOGETHER):
            part = [missing[place] for place in order[begin : begin + SAVED_TOGETHER]]
            workers.give([passage.embedded_text for passage in part])
            chunk.parts.append(part)

    def _collect(
        self, chunk: Chunk, workers: Workers, before: int, embedded: Callable[[float], None]
    ) -> None:
        """Take a chunk's next part from the workers, and save it."""
        part, there = chunk.parts[0], len(chunk.vectors)
        needed = there + sum(map(len, chunk.parts))

        def progress(_stage: str, done: int, _total: int) -> None:
            embedded(before + chunk.size * (there + done) / needed)

        rows = workers.take(progress)
        keys = [passage.embedding_key for passage in part]
        self._writer.save(keys, rows)
        self.computed += len(keys)
        chunk.vectors |= zip(keys, rows, strict=True)
        chunk.parts.popleft()

    @contextmanager
    def noting_saved_work(self) -> Iterator[None]:
        """Note on an interruption that the embeddings so far are saved."""
        try:
            yield
        except KeyboardInterrupt as exc:
            if self._resumed or self.computed:
                exc.add_note(KEPT)
            raise
