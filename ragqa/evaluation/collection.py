"""A collection to query: the user's index or one built for a set, with its embedder."""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from ragqa.answering import Answering
from ragqa.api import Index
from ragqa.config import Settings
from ragqa.embedders import Embedder, embedder_for
from ragqa.evaluation.cache import CachedEmbedder
from ragqa.indexing import Embedders
from ragqa.notes import parse_note
from ragqa.passages import Chunking
from ragqa.passages.language import add_pieces, with_language
from ragqa.passages.split import split_note
from ragqa.readers import prepared
from ragqa.search.retrieve import Ranking
from ragqa.stores import Snapshot, open_store
from ragqa.types import IndexInfo, Note, Passage, Pieces, Progress, Stamp, Vectors

_NOTES_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Collection:
    """An open snapshot, with the embedder, ranking and chunking that it is queried with.

    `answering` is for a set: an index answers by itself.
    """

    snapshot: Snapshot
    embedder: CachedEmbedder
    ranking: Ranking
    chunking: Chunking
    answering: Answering = field(default_factory=Answering)

    def passages_of(self, note: Note) -> list[Passage]:
        """The passages of a note, with their ids in the snapshot."""
        return _split(note, self.embedder, self.chunking)


@contextmanager
def open_collection(index: Index) -> Iterator[Collection]:
    """Open an index as it is now; until it is closed, the index uses the caching embedder, too.

    :raises RagqaError: as `Index.snapshot`, `CachedEmbedder.open` and `prepared` do.
    """
    own = index.source
    prepared(index.settings.reader)
    with CachedEmbedder.open(own.embedders) as embedder:
        cached = Embedders(own.embedders.spec, lambda *_, **__: embedder)
        index.source = replace(own, embedders=cached)
        try:
            yield Collection(
                snapshot=index.snapshot(),
                embedder=embedder,
                ranking=index.ranking,
                chunking=own.chunking,
            )
        finally:
            index.source = own


@contextmanager
def build_collection(
    notes: Iterable[Note], total: int, settings: Settings, progress: Progress
) -> Iterator[tuple[Collection, dict[int, str]]]:
    """Index notes as ragqa does, in a temporary folder.

    Yields the collection, and the path of each passage by id. Notes are read in batches; the writer
    holds all vectors until the commit.
    """
    ranking, chunking = Ranking.of(settings), Chunking.of(settings)
    reader = prepared(settings.reader)
    answering = Answering(excerpts=settings.excerpts, words=settings.excerpt_words, reader=reader)
    with (
        CachedEmbedder.open(Embedders(settings.embedder, embedder_for)) as embedder,
        tempfile.TemporaryDirectory(prefix="ragqa-eval-") as folder,
    ):
        store = open_store(Path(folder))
        paths: dict[int, str] = {}
        languages: dict[str, Pieces] = {}
        stream, done = iter(notes), 0
        with store.writer(fresh=True, wait=False) as writer:
            while some := list(islice(stream, _NOTES_AT_ONCE)):
                progress("indexing", done, total)
                split = [_split(note, embedder, chunking) for note in some]
                for note, passages, rows in zip(some, split, _rows(split, embedder), strict=True):
                    writer.add(note, settled=True, passages=passages, vectors=rows)
                    add_pieces(languages, passages, embedder.pieces)
                    paths |= {p.id: p.path for p in passages}
                done += len(some)
            progress("indexing", done, total)
            writer.commit(replace(_describe(embedder, chunking), languages=languages))
        with closing(store.snapshot()) as snapshot:
            yield Collection(snapshot, embedder, ranking, chunking, answering), paths


def note_of(path: str, text: str, *, title: str | None = None) -> Note:
    """A document of a set as a note; a given title is used even if it is empty.

    The path need not be a file's: without a plain-text suffix the text is read as Markdown.
    """
    # A document with a title has no front matter: a line of dashes is text.
    text = text if title is None else f"\n{text}"
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    note = parse_note(path, text, digest, Stamp(len(text), 0))
    return note if title is None else replace(note, title=title)


def _split(note: Note, embedder: Embedder, chunking: Chunking) -> list[Passage]:
    window, count_tokens = embedder.info.window, embedder.count_tokens
    known = with_language(note, chunking.language)
    return split_note(known, chunking=chunking, window=window, count_tokens=count_tokens)


def _rows(split: Sequence[Sequence[Passage]], embedder: Embedder) -> Iterator[Vectors]:
    """The embeddings of each note's passages, shape (passages, dimension), as one batch."""
    vectors = embedder.embed_passages([p.embedded_text for passages in split for p in passages])
    at = 0
    for passages in split:
        yield vectors[at : at + len(passages)]
        at += len(passages)


def _describe(embedder: CachedEmbedder, chunking: Chunking) -> IndexInfo:
    return IndexInfo(
        generation=0,
        embedder=embedder.info,
        dtype=embedder.dtype,
        canary=(),
        chunking=chunking.as_mapping(),
        notes=0,
        passages=0,
        corpus="",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
