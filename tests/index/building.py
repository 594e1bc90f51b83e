"""Small notes, passages and embeddings for tests of stores; no model is involved."""

import hashlib
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ragqa.index.filters import passing
from ragqa.index.ranking import bm25, inverse_frequency, rank
from ragqa.index.rows import model_of
from ragqa.index.source import Embedders, Source
from ragqa.passages import Chunking
from ragqa.text.dates import passage_terms
from ragqa.text.words import query_terms
from ragqa.types import (
    Corpus,
    EmbedderInfo,
    Filters,
    IndexInfo,
    Kind,
    Note,
    NoteState,
    Passage,
    Skipped,
    Stamp,
    Unit,
)

DIMENSION = 16
MOMENT = 1_700_000_000_000_000_000
EVERYTHING = Filters()
ALIASES = ("also",)
QUESTIONS = ("apple banana", "cherry", "date elder fig grape", "what is an apple")

INFO = IndexInfo(
    generation=0,
    embedder=EmbedderInfo(
        name="exact",
        weights_sha256="0" * 64,
        dimension=DIMENSION,
        window=256,
        pooling="mean",
        query_prompt="query: ",
    ),
    dtype="float32",
    canary=(0.1, -0.25, 1e-9),
    chunking={"target_tokens": 200},
    notes=0,
    passages=0,
    corpus="../n\udce9tes",
    created="2026-01-31T10:00:00+00:00",
    skipped=(
        Skipped("caf\udce9.md", "not UTF-8", NoteState(Stamp(9, MOMENT + 1), "", True)),
        Skipped("link.md", "a symbolic link, which is not followed"),
    ),
)


@contextmanager
def quick_folder():
    """A folder in memory where there is one: hundreds of commits are to wait for no disk."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder with a random name is made in it
    place = memory if memory.is_dir() else None
    # A reader of terms that was just opened may be making its lock while the folder is removed.
    with tempfile.TemporaryDirectory(dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def number(text):
    """A signed 64-bit hash."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def embedding(text):
    """A unit vector with four entries of +-0.5: products of such vectors are exact, ties common."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    vector = np.zeros(DIMENSION, dtype=np.float32)
    for place, byte in enumerate(digest[:4]):
        vector[4 * place + byte % 4] = 0.5 if byte & 16 else -0.5
    return vector


class Entry(NamedTuple):
    """A note with all that a writer wants to know of it."""

    note: Note
    passages: list[Passage]
    vectors: np.ndarray

    @property
    def record(self):
        return self.note.record

    def put(self, writer):
        if self.passages:
            writer.save(self.passages, self.vectors)
        writer.add(self.record, self.passages)


def entry(path, *paragraphs, title="", tags=(), date="", language="en", mtime_ns=MOMENT):
    """A note with one passage a paragraph."""
    text = "\n\n".join(paragraphs)
    title = title or path
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    passages, start, line = [], 0, 1
    for place, paragraph in enumerate(paragraphs):
        end = start + len(paragraph)
        embedded = f"{title} > Part\n{paragraph}"
        passages.append(
            Passage(
                id=number(f"{path}\0{embedded}\0{place}"),
                embedding_key=number(embedded),
                path=path,
                title=title,
                start=start,
                end=end,
                lines=(line, line + paragraph.count("\n")),
                heading=(title, "Part"),
                text=paragraph,
                units=(
                    Unit(Kind.PARAGRAPH, start, end),
                    Unit(Kind.ROW, start, end, context="a | b \udce9"),
                ),
                note_sha256=sha256,
                note_date=date,
                aliases=ALIASES,
                language=language,
            )
        )
        start, line = end + 2, line + paragraph.count("\n") + 2
    vectors = [embedding(passage.embedded_text) for passage in passages]
    note = Note(
        path=path,
        text=text,
        settled=True,
        sha256=sha256,
        stamp=Stamp(size=len(text.encode()), mtime_ns=mtime_ns),
        title=title,
        aliases=ALIASES,
        tags=tuple(tags),
        date=date,
        links=("other",),
        properties=(("due", date), *(("kind", tag) for tag in tags)),
        language=language,
    )
    return Entry(note, passages, np.array(vectors, dtype=np.float32).reshape(-1, DIMENSION))


FRUIT = (
    entry("one.md", "apple banana\nbanana", "cherry apple", tags=("food/sweet", "x")),
    entry("ml/two.md", "date elder apple", "fig", "grape fig", date="2026-01-31"),
    entry("ml/deep/three.md", "banana cherry date", tags=("food",), date="2025-06-01"),
    entry("empty.md"),
)


def commit(store, *entries, remove=(), fresh=False, info=INFO):
    """Write the next snapshot."""
    with store.writer(fresh=fresh, wait=False) as writer:
        writer.model = model_of(info)
        for each in entries:
            each.put(writer)
        return writer.commit(info, removed=remove)


def ask(snapshot, question, k=50, filters=EVERYTHING):
    """What both legs find for a question, with their scores."""
    return (
        snapshot.nearest(embedding(question), k, filters),
        snapshot.best(query_terms(question), k, filters),
    )


def expected(entries, question, k=50, filters=EVERYTHING):
    """What both legs must find in these notes: a dot product a passage, and plain BM25."""
    rows = [
        (each, passage, vector, Counter(passage_terms(passage)))
        for each in entries
        for passage, vector in zip(each.passages, each.vectors, strict=True)
    ]
    vector, asked = embedding(question), Counter(query_terms(question))
    having = {term: sum(term in terms for *_, terms in rows) for term in asked}
    weights = {term: n * inverse_frequency(len(rows), having[term]) for term, n in asked.items()}
    mean = sum(terms.total() for *_, terms in rows) / max(1, len(rows))
    chosen = [row for row in rows if passing([row[0].record], filters)]
    dense = rank((passage.id, float(row @ vector)) for _, passage, row, _ in chosen)
    scored = [(passage.id, bm25(terms, weights, mean)) for _, passage, _, terms in chosen]
    return dense[:k], rank(one for one in scored if one[1] > 0)[:k]


def answers(store):
    """All that can be asked of the newest snapshot, to compare with another time's."""
    with store.snapshot() as snapshot:
        found = [ask(snapshot, question) for question in QUESTIONS]
        ids = sorted({id_ for legs in found for leg in legs for id_, _ in leg})
        return found, snapshot.passages(ids), snapshot.notes()


def source_with(folder, embedder):
    """The notes and the index below a folder, embedded by this one embedder."""
    return Source(
        corpus=Corpus.of(folder / "notes"),
        index=folder / "index",
        embedders=Embedders("hashed:32", lambda *_, **__: embedder),
        chunking=Chunking(),
        max_note_bytes=100_000,
    )
