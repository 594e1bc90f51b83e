"""A collection to query, with its embedder: the user's index, or one kept of a public set."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np

from ragqa.answering import Answering
from ragqa.api import Index
from ragqa.config import Settings
from ragqa.config.files import cache_folder
from ragqa.embedders import Embedder, embedder_for
from ragqa.errors import IndexUnusable, NoIndex, UsageError
from ragqa.indexing import Embedders
from ragqa.notes import parse_note
from ragqa.passages import Chunking
from ragqa.passages.language import add_pieces, with_language
from ragqa.passages.split import split_note
from ragqa.readers import reader_for
from ragqa.search.retrieve import Ranking
from ragqa.stores import Snapshot, Store, Writer, open_store
from ragqa.types import EmbedderInfo, IndexInfo, Note, Passage, Pieces, Progress, Stamp, Vector

_NOTES_AT_ONCE = 256
_DTYPE = "float32"


@dataclass(frozen=True, slots=True)
class Collection:
    """An open snapshot, with the embedder, ranking and chunking that it is queried with.

    `answering` is for a set: an index answers by itself.
    """

    snapshot: Snapshot
    embedder: Embedder
    ranking: Ranking
    chunking: Chunking
    answering: Answering = field(default_factory=Answering)

    def passages_of(self, note: Note) -> list[Passage]:
        """The passages of a note, with their ids in the snapshot."""
        return _split(note, self.embedder, self.chunking)


def collection_of(index: Index) -> Collection:
    """An index as it is now; raises as `Index.snapshot` and `reader_for` do."""
    reader_for(index.settings.reader)
    source = index.source
    return Collection(index.snapshot(), source.embedders.asking, index.ranking, source.chunking)


@contextmanager
def build_collection(
    folder: Path, notes: Iterable[Note], total: int, settings: Settings, progress: Progress
) -> Iterator[tuple[Collection, dict[int, str]]]:
    """Index the notes of a set as ragqa does, in the cache folder.

    Yields the collection, and the path of each passage by id. Notes are read in batches. Passages
    that the index had before, or that an interrupted run embedded, are not embedded again.

    :param folder: of the set, which its index is kept by.
    :raises UsageError: the index cannot be written or read; the message names it.
    """
    ranking, chunking = Ranking.of(settings), Chunking.of(settings)
    reader = reader_for(settings.reader)
    answering = Answering(excerpts=settings.excerpts, words=settings.excerpt_words, reader=reader)
    embedders = Embedders(settings.embedder, embedder_for)
    embedder = embedders.asking
    key = repr((str(folder.resolve()), settings.embedder)).encode("utf-8", "surrogatepass")
    name = hashlib.blake2b(key, digest_size=8).hexdigest()
    place = cache_folder() / "evaluation" / f"set-{name}"
    store = open_store(place)
    paths: dict[int, str] = {}
    languages: dict[str, Pieces] = {}
    stream, done = iter(notes), 0
    with _naming(place):
        known = _embedded_before(store, embedder.info)
        with store.writer(fresh=True, wait=True) as writer:
            writer.resume(embedder.info, _DTYPE)
            while some := list(islice(stream, _NOTES_AT_ONCE)):
                progress("indexing", done, total)
                split = [_split(note, embedder, chunking) for note in some]
                passages = [passage for each in split for passage in each]
                vectors = _vectors(passages, writer, embedders, known)
                for note, own in zip(some, split, strict=True):
                    rows = np.array([vectors[p.embedding_key] for p in own], np.float32)
                    rows = rows.reshape(-1, embedder.info.dimension)
                    writer.add(note, settled=True, passages=own, vectors=rows)
                add_pieces(languages, passages, embedder.pieces)
                paths |= {passage.id: passage.path for passage in passages}
                done += len(some)
            progress("indexing", done, total)
            writer.commit(replace(_describe(embedder.info, chunking), languages=languages))
        snapshot = store.snapshot()
    with closing(snapshot):
        yield Collection(snapshot, embedder, ranking, chunking, answering), paths


def _embedded_before(store: Store, made_by: EmbedderInfo) -> dict[int, Vector]:
    """The embeddings in a set's index as it was, by embedding key, if this embedder made them."""
    try:
        old = store.snapshot()
    except (NoIndex, IndexUnusable):
        return {}
    with closing(old):
        if old.info.embedder != made_by:
            return {}
        keys = {p.id: p.embedding_key for _, passages in old.by_note() for p in passages}
        return {keys[id_]: vector for id_, vector in old.vectors(list(keys)).items()}


def _vectors(
    passages: Iterable[Passage],
    writer: Writer,
    embedders: Embedders,
    known: Mapping[int, Vector],
) -> dict[int, Vector]:
    """The embeddings of passages, by embedding key; what is not known is embedded and saved."""
    by_key = {passage.embedding_key: passage for passage in passages}
    vectors = {key: known[key] for key in by_key if key in known} | dict(writer.vectors(by_key))
    missing = [key for key in by_key if key not in vectors]
    if missing:
        # Sort by length, as a batch is as slow as its longest text.
        missing.sort(key=lambda key: -len(by_key[key].embedded_text))
        texts = [by_key[key].embedded_text for key in missing]
        rows = np.asarray(embedders.building.embed_passages(texts), np.float32)
        writer.save(missing, rows)
        vectors |= zip(missing, rows, strict=True)
    return vectors


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except IndexUnusable as exc:
        raise UsageError(
            f"the index of the set cannot be used: {exc.message}",
            hint=f"remove {path}, or set RAGQA_CACHE to another folder",
        ) from exc


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


def _describe(embedder: EmbedderInfo, chunking: Chunking) -> IndexInfo:
    return IndexInfo(
        generation=0,
        embedder=embedder,
        dtype=_DTYPE,
        canary=(),
        chunking=chunking.as_mapping(),
        notes=0,
        passages=0,
        corpus="",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
