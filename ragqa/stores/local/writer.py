"""Build the next generation of the local store, from draft to publication."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ragqa.stores.disk import explaining_failure, step
from ragqa.stores.local import generations
from ragqa.stores.local.catalogue_draft import CatalogueDraft, fold
from ragqa.stores.local.lock import report_embedded
from ragqa.stores.local.manifest import (
    CATALOGUE,
    DELTA,
    PART,
    ROWS,
    TERMS,
    VECTORS,
    check_files,
    number_of,
)
from ragqa.stores.local.snapshot import LocalSnapshot
from ragqa.stores.local.terms import dead_passages, write_terms
from ragqa.stores.local.vector_draft import Part, Spool, concatenate, write_part
from ragqa.stores.local.vector_file import VectorFile
from ragqa.stores.saved import ResumableWriter
from ragqa.stores.vectors import check_dimension
from ragqa.types import DenseInfo, IndexInfo, Note, Passage, Stamp, Vector, Vectors

REWRITE_BELOW = 2_000
"""Up to this many passages, an index is rewritten each time, in a quarter of a second."""

MAX_DELTA_SHARE = 0.1
"""If a larger share of the base has changed, base and delta are merged into a new base."""

MAX_DEAD_SHARE = 0.1
"""Deleted passages count in BM25's statistics; above this share, the terms are rewritten."""


class _Draft(NamedTuple):
    folder: Path
    catalogue: CatalogueDraft
    spool: Spool


class LocalWriter(ResumableWriter):
    """Changes on top of a base, or of nothing; the first change creates the draft folder."""

    def __init__(self, root: Path, base: LocalSnapshot | None) -> None:
        super().__init__(root, base.info if base else None)
        self._base = base
        self._draft: _Draft | None = None
        self._vectors_checked = False
        self._gone: set[int] = set()
        self._added: set[int] = set()
        self._deleted_passages = 0
        self._spooled = 0

    def save(self, embedding_keys: Sequence[int], vectors: Vectors) -> None:
        """Save embeddings, (keys, dimension), beside the generations until the next commit."""
        super().save(embedding_keys, vectors)
        report_embedded(self._root, len(self._saved or ()))

    def _in_base(self, embedding_keys: Iterable[int]) -> dict[int, Vector]:
        if self._base is None:
            return {}
        ids = self._base.ids_by_embedding(embedding_keys)
        if ids and not self._vectors_checked:
            files = {name for name in self._base.manifest.files if name.endswith((VECTORS, ROWS))}
            check_files(self._base.manifest, thorough=files)
            self._vectors_checked = True
        vectors = self._base.vectors(list(ids.values()))
        return {key: vectors[id_] for key, id_ in ids.items()}

    def remove(self, paths: Iterable[str]) -> None:
        """Delete notes and their passages."""
        with self._drafting() as draft:
            for path in paths:
                self._drop(draft, path)

    def add(
        self, note: Note, *, settled: bool, passages: Sequence[Passage], vectors: Vectors
    ) -> None:
        """Add a note, replacing any note at its path; `vectors` is (passages, dimension)."""
        self._check(passages, vectors)
        with self._drafting() as draft:
            step("add a note")
            self._drop(draft, note.path)
            number = draft.catalogue.add(note, settled=settled, passages=passages)
            ids = [passage.id for passage in passages]
            draft.spool.append(ids, [number] * len(ids), vectors)
            self._added.add(number)
            self._spooled += vectors.nbytes

    def restamp(self, path: str, stamp: Stamp, *, settled: bool) -> None:
        """Record a new stamp for a note whose text is unchanged."""
        with self._drafting() as draft:
            draft.catalogue.restamp(path, stamp, settled=settled)

    def commit(self, info: IndexInfo) -> IndexInfo:
        """Make the generation durable, then current."""
        check_dimension(info, self._dimension)
        with self._drafting() as draft:
            notes, passages = draft.catalogue.counts()
            generation = number_of(draft.folder.name)
            info = replace(info, generation=generation, notes=notes, passages=passages)
            self._write_terms(draft, passages)
            base = None if self._needs_new_base(draft, passages) else self._base
            step(f"write {CATALOGUE}")
            draft.catalogue.finish()
            if base is None:
                dense = self._write_base(draft, info.embedder.dimension)
            else:
                dense = self._write_delta(draft, base, info.embedder.dimension)
            info = replace(info, dense=dense)
            old = self._base.manifest if self._base else None
            generations.publish(draft.folder, info, old)
        self._finish()
        return info

    def close(self) -> None:
        """Close the files of the draft and of saved embeddings."""
        super().close()
        if self._draft is not None:
            self._draft.catalogue.close()
            self._draft.spool.close()

    @contextmanager
    def _drafting(self) -> Iterator[_Draft]:
        """Yield the draft; an error ends the writer."""
        with (
            self._changing(f"in {self._root}"),
            explaining_failure(self._root, self._bytes_needed),
        ):
            if self._draft is None:
                self._draft = self._begin()
            yield self._draft

    def _begin(self) -> _Draft:
        base = self._base
        if base is None:
            folder = generations.begin_draft(self._root, delta=False)
            step(f"begin {CATALOGUE}")
            return _Draft(folder, CatalogueDraft(folder / CATALOGUE), Spool(folder))
        # Silent damage must not get a fresh digest in the new generation.
        files = base.manifest.files.keys()
        small = base.info.passages <= REWRITE_BELOW
        check_files(base.manifest, thorough=files if small else files - set(PART))
        folder = generations.begin_draft(self._root, delta=True)
        if base.manifest.delta:
            step(f"copy {CATALOGUE}")
            shutil.copyfile(base.manifest.delta / CATALOGUE, folder / DELTA / CATALOGUE)
        step(f"begin {CATALOGUE}")
        catalogue = CatalogueDraft(folder / DELTA / CATALOGUE, base.manifest.folder / CATALOGUE)
        return _Draft(folder, catalogue, Spool(folder))

    def _drop(self, draft: _Draft, path: str) -> None:
        removed = draft.catalogue.remove(path)
        if removed is None:
            return
        note, passages = removed
        if note in self._added:
            self._added.discard(note)
        else:
            self._gone.add(note)
            self._deleted_passages += passages

    def _write_terms(self, draft: _Draft, passages: int) -> None:
        """Rewrite the terms, or if that takes long, link the old ones and change them."""
        step(f"write {TERMS}")
        folder = draft.folder / TERMS
        if self._base is None or self._rewrites_terms(self._base, passages):
            if self._base is not None:
                check_files(self._base.manifest, thorough=(CATALOGUE,))
            write_terms(folder, draft.catalogue.all_passages())
            return
        names = [f"{TERMS}/{name}" for name in self._base.manifest.term_files]
        generations.link_files(self._base.manifest, names, draft.folder)
        if self._gone or self._added:
            added = draft.catalogue.passages_of(self._added)
            step(f"change {TERMS}")
            write_terms(folder, added, gone=self._gone)

    def _rewrites_terms(self, base: LocalSnapshot, passages: int) -> bool:
        if not (self._gone or self._added):
            return False
        dead = dead_passages(base.manifest.folder / TERMS) + self._deleted_passages
        return passages <= REWRITE_BELOW or dead > MAX_DEAD_SHARE * passages

    def _needs_new_base(self, draft: _Draft, passages: int) -> bool:
        """Whether too much has changed since the base was written to add to its delta."""
        if self._base is None or passages <= REWRITE_BELOW:
            return True
        return draft.catalogue.changed() > MAX_DELTA_SHARE * len(self._base.base)

    def _write_base(self, draft: _Draft, dimension: int) -> DenseInfo:
        """Merge everything into a new base."""
        old, lists = [], None
        if self._base is not None:
            check_files(self._base.manifest, thorough=PART)
            step(f"copy {CATALOGUE}")
            shutil.copyfile(self._base.manifest.folder / CATALOGUE, draft.folder / CATALOGUE)
            step(f"fold {CATALOGUE}")
            fold(draft.folder / DELTA / CATALOGUE, draft.folder / CATALOGUE)
            step(f"remove {DELTA}")
            shutil.rmtree(draft.folder / DELTA)
            if self._base.delta is None and not (self._gone or self._added):
                generations.link_files(self._base.manifest, (VECTORS, ROWS), draft.folder)
                return self._base.info.dense
            old, lists = self._surviving(self._base.vector_files), self._base.base.lists
        part = concatenate([*old, self._new(draft, dimension)], dimension)
        return write_part(part, draft.folder, lists)

    def _write_delta(self, draft: _Draft, base: LocalSnapshot, dimension: int) -> DenseInfo:
        """Write the changes since the base was written, and link the base."""
        old = self._surviving([base.delta] if base.delta else [])
        part = concatenate([*old, self._new(draft, dimension)], dimension)
        new = write_part(part, draft.folder / DELTA, base.delta.lists if base.delta else None)
        generations.link_files(base.manifest, PART, draft.folder)
        dense = base.info.dense
        return replace(dense, recall=min(dense.recall, new.recall))

    def _surviving(self, files: Iterable[VectorFile]) -> list[Part]:
        """The vectors of the base that are not deleted."""
        gone = [*(self._base.gone() if self._base else ()), *self._gone]
        return [file.part.select(~file.of_notes(gone)) for file in files]

    def _new(self, draft: _Draft, dimension: int) -> Part:
        part = draft.spool.part(dimension)
        added = np.fromiter(self._added, np.int64, len(self._added))
        return part.select(np.isin(part.owners[1], added))

    def _bytes_needed(self) -> int:
        """A lower bound: more notes may still come."""
        if self._base is None:
            return 2**20 + 4 * self._spooled
        linked = self._base.info.passages > REWRITE_BELOW
        files = self._base.manifest.files
        copied = [files[name].size for name in files if not (linked and name in PART)]
        return sum(copied) + 2 * self._spooled
