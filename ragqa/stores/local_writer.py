"""The next generation of the local store, from its draft to its publication."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ragqa.errors import IndexUnusable
from ragqa.stores import generations
from ragqa.stores.catalogue_draft import CatalogueDraft
from ragqa.stores.failures import explaining
from ragqa.stores.generations import step
from ragqa.stores.local_snapshot import LocalSnapshot, checked_manifest
from ragqa.stores.manifest import CATALOGUE, TERMS, VECTORS, Manifest, record_files
from ragqa.stores.saved import SavedEmbeddings, remove_saved
from ragqa.stores.termindex import change_terms, dead_passages, write_terms
from ragqa.stores.vectors import Part, check_dimension, check_vectors, write_vectors
from ragqa.types import EmbedderInfo, IndexInfo, Note, Passage, Stamp, Vector, Vectors

REWRITE_TERMS_BELOW = 2_000
"""Up to so many passages the terms are written anew each time, which takes a quarter second."""

MAX_DEAD_SHARE = 0.1
"""Deleted passages count in BM25's statistics; where there are more, the terms are written anew."""


class LocalWriter:
    """Changes on top of a base, or of nothing, in a draft folder made with the first of them."""

    def __init__(self, root: Path, base: LocalSnapshot | None) -> None:
        self._root = root
        self._base = base
        self._dimension = base.info.embedder.dimension if base else None
        self._draft: _Draft | None = None
        self._saved: SavedEmbeddings | None = None
        self._ended = False
        self._gone: set[int] = set()
        self._dropped: list[int] = []
        self._added: dict[int, Part] = {}

    def resume(self, embedder: EmbedderInfo, dtype: str) -> int:
        """Take up what an interrupted writer saved with this embedder; how many embeddings."""
        self._saved = SavedEmbeddings(self._root, embedder, dtype)
        return len(self._saved)

    def save(self, embedding_keys: Sequence[int], vectors: Vectors) -> None:
        """Keep embeddings beside the generations until the next commit."""
        if self._saved is None:
            raise ValueError("embeddings are saved before it was said whose they are")
        with explaining(self._root, self._bytes_needed):
            self._saved.add(embedding_keys, vectors)

    def vectors(self, embedding_keys: Iterable[int]) -> Mapping[int, Vector]:
        """The embeddings that are saved or already in the base snapshot, by embedding key."""
        keys = list(embedding_keys)
        saved = self._saved.vectors(keys) if self._saved else {}
        return saved | self._in_base(keys)

    def _in_base(self, embedding_keys: Iterable[int]) -> dict[int, Vector]:
        if self._base is None:
            return {}
        ids = self._base.catalogue.ids_by_embedding(embedding_keys)
        if not ids:
            return {}
        rows = self._base.vector_file.rows(np.array(list(ids.values()), dtype=np.int64))
        return dict(zip(ids, rows, strict=True))

    def remove(self, paths: Iterable[str]) -> None:
        """Drop notes with their passages."""
        with self._drafting() as draft:
            for path in paths:
                self._drop(draft, path)

    def add(
        self, note: Note, *, settled: bool, passages: Sequence[Passage], vectors: Vectors
    ) -> None:
        """Add a note, in place of the one at its path if there is one."""
        check_vectors(passages, vectors, self._dimension)
        with self._drafting() as draft:
            self._drop(draft, note.path)
            number = draft.catalogue.add(note, settled=settled, passages=passages)
            ids = np.array([passage.id for passage in passages], dtype=np.int64)
            self._added[number] = (ids, np.array(vectors, dtype=np.float32))
        if passages:
            self._dimension = vectors.shape[1]

    def restamp(self, path: str, stamp: Stamp, *, settled: bool) -> None:
        """Record a new stamp for a note whose text is the same."""
        with self._drafting() as draft:
            draft.catalogue.restamp(path, stamp, settled=settled)

    def commit(self, info: IndexInfo) -> IndexInfo:
        """Make the generation durable, then the one to read."""
        check_dimension(info, self._dimension)
        with self._drafting() as draft:
            notes, passages = draft.catalogue.counts()
            generation = generations.number_of(draft.folder.name)
            info = replace(info, generation=generation, notes=notes, passages=passages)
            self._write_terms(draft, passages)
            step(f"write {CATALOGUE}")
            draft.catalogue.finish()
            self._write_vectors(draft, info.embedder.dimension)
            names = generations.draft_files(draft.folder)
            for name in names:
                generations.sync(draft.folder / name)
            generations.publish(draft.folder, Manifest(info, record_files(draft.folder, names)))
        self._ended = True
        remove_saved(self._root)
        return info

    def close(self) -> None:
        """Let go of the files of the draft and of what was saved."""
        if self._saved is not None:
            self._saved.close()
        if self._draft is not None:
            self._draft.catalogue.close()

    @contextmanager
    def _drafting(self) -> Iterator["_Draft"]:
        """Give the draft; an error ends the writer, since a note may be in the draft by half."""
        if self._ended:
            raise IndexUnusable(
                f"the next generation of the index in {self._root} is finished or was given up"
            )
        self._ended = True
        with explaining(self._root, self._bytes_needed):
            if self._draft is None:
                self._draft = self._begin()
            yield self._draft
        self._ended = False

    def _begin(self) -> "_Draft":
        if self._base is not None:
            # Silent damage must not be carried over and sealed with a fresh digest.
            checked_manifest(self._base.folder, thorough=True)
        folder = generations.begin_draft(self._root)
        if self._base is not None:
            step(f"copy {CATALOGUE}")
            shutil.copyfile(self._base.folder / CATALOGUE, folder / CATALOGUE)
        return _Draft(folder, CatalogueDraft(folder / CATALOGUE))

    def _drop(self, draft: "_Draft", path: str) -> None:
        removed = draft.catalogue.remove(path)
        if removed is None or self._added.pop(removed.note, None) is not None:
            return
        self._gone.add(removed.note)
        self._dropped.extend(removed.passages)

    def _write_terms(self, draft: "_Draft", passages: int) -> None:
        """Write the terms anew, or where that would take long, change links to the old ones."""
        step(f"write {TERMS}")
        folder = draft.folder / TERMS
        if self._base is None or self._rewrites_terms(self._base, passages):
            write_terms(folder, draft.catalogue.all_passages())
            return
        for name in self._base.manifest.term_files:
            generations.link_or_copy(self._base.folder / TERMS / name, folder / name)
        if self._gone or self._added:
            added = draft.catalogue.passages_of(self._added)
            change_terms(folder, gone=self._gone, passages=added)

    def _rewrites_terms(self, base: LocalSnapshot, passages: int) -> bool:
        if not (self._gone or self._added):
            return False
        dead = dead_passages(base.folder / TERMS) + len(self._dropped)
        return passages <= REWRITE_TERMS_BELOW or dead > MAX_DEAD_SHARE * passages

    def _write_vectors(self, draft: "_Draft", dimension: int) -> None:
        path = draft.folder / VECTORS
        if self._base is not None and not (self._gone or self._added):
            generations.link_or_copy(self._base.folder / VECTORS, path)
            return
        kept = self._base.vector_file.all_but(self._dropped) if self._base else ()
        with generations.new_file(path) as write:
            write_vectors(chain(kept, self._added.values()), dimension, write)

    def _bytes_needed(self) -> int:
        old = self._base.manifest.size if self._base else 2**20
        return old + 2 * sum(vectors.nbytes for _, vectors in self._added.values())


class _Draft(NamedTuple):
    folder: Path
    catalogue: CatalogueDraft
