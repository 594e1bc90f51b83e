"""Add new and changed notes to the next generation, with bounded memory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from ragqa.embedders import Embedder
from ragqa.embedders.workers import WorkersFor
from ragqa.indexing.embedding import Embedding
from ragqa.indexing.source import Source
from ragqa.notes import ReadNote, read_note
from ragqa.passages import split_note
from ragqa.stores import Writer
from ragqa.types import NoteFile, Passage, Progress, Skipped, Vector, Vectors

CHUNK_PASSAGES = 2048
"""The passages to collect per chunk; its last note may exceed it."""

CHUNK_BYTES = 8 * 2**20
"""The text to collect per chunk, if notes have few passages for their size."""


@dataclass(frozen=True, slots=True)
class Added:
    """The outcome of adding notes: `lost` ones could not be read again."""

    lost: tuple[Skipped, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Split:
    """A note with its passages; `size` is the file's size in bytes when it was found."""

    read: ReadNote
    passages: Sequence[Passage]
    size: int


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Notes that are embedded together, with all their passages and total size in bytes."""

    notes: Sequence[_Split]
    passages: Sequence[Passage]
    size: int

    @classmethod
    def of(cls, notes: Sequence[_Split]) -> "_Chunk":
        passages = [passage for each in notes for passage in each.passages]
        return cls(notes, passages, sum(each.size for each in notes))


def add_notes(
    files: Sequence[NoteFile],
    source: Source,
    embedder: Embedder,
    *,
    writer: Writer,
    embedding: Embedding,
    workers: WorkersFor,
    progress: Progress,
) -> Added:
    """Read notes in their current state, split and embed them, and add them to the writer.

    :param workers: starts the embedding workers.
    :param progress: is called with notes split, and with kB of notes embedded once any passage
        needs embedding.
    :returns: the notes lost, and warnings about the others.
    :raises IndexUnusable: they cannot be written, or an embedding is not a unit vector.
    """
    lost: list[Skipped] = []
    warnings: list[str] = []
    total = sum(file.stamp.size for file in files)

    def embedded(size: float) -> None:
        progress("embedding", ceil(size / 1000), ceil(total / 1000))

    chunks = _chunks(_split_all(files, source, embedder, lost, progress))
    with workers(embedder, progress) as at_work:
        for chunk, vectors in embedding.embed_chunks(chunks, at_work, embedded):
            for each in chunk.notes:
                note, rows = each.read.note, _rows(each.passages, vectors, embedder.info.dimension)
                writer.add(note, settled=each.read.settled, passages=each.passages, vectors=rows)
                warnings += [f"{note.path}: {warning}" for warning in note.warnings]
    return Added(lost=tuple(lost), warnings=tuple(warnings))


def _split_all(
    files: Sequence[NoteFile],
    source: Source,
    embedder: Embedder,
    lost: list[Skipped],
    progress: Progress,
) -> Iterator[_Split]:
    """Read and split notes one by one; append unreadable ones to `lost`."""
    for done, file in enumerate(files, start=1):
        read = read_note(source.corpus, file, max_note_bytes=source.max_note_bytes)
        if isinstance(read, Skipped):
            lost.append(read)
            continue
        passages = split_note(
            read.note,
            chunking=source.chunking,
            window=embedder.info.window,
            count_tokens=embedder.count_tokens,
        )
        progress("splitting", done, len(files))
        yield _Split(read, passages, file.stamp.size)


def _chunks(notes: Iterable[_Split]) -> Iterator[_Chunk]:
    """Group notes into chunks of `CHUNK_PASSAGES` or `CHUNK_BYTES`."""
    chunk: list[_Split] = []
    passages = size = 0
    for each in notes:
        chunk.append(each)
        passages, size = passages + len(each.passages), size + each.size
        if passages >= CHUNK_PASSAGES or size >= CHUNK_BYTES:
            yield _Chunk.of(chunk)
            chunk, passages, size = [], 0, 0
    if chunk:
        yield _Chunk.of(chunk)


def _rows(passages: Sequence[Passage], vectors: dict[int, Vector], dimension: int) -> Vectors:
    if not passages:
        return np.empty((0, dimension), dtype=np.float32)
    return np.stack([vectors[passage.embedding_key] for passage in passages])
