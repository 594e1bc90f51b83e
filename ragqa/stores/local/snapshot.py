"""One generation of the local store, opened for reading."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np

from ragqa.stores.local.catalogue import Catalogue
from ragqa.stores.local.manifest import TERMS, check_files, read_manifest
from ragqa.stores.local.terms import TermIndex
from ragqa.stores.local.vector_file import Mask, VectorFile, find_in
from ragqa.stores.protocol import Snapshot
from ragqa.stores.ranking import Candidate, top_k
from ragqa.types import Filters, Vector


class LocalSnapshot(Catalogue, Snapshot):
    """A generation's catalogue with its terms and vectors.

    The files are held open, so that it answers even after its removal.

    :raises IndexUnusable: a file is missing, damaged or in another format.
    """

    def __init__(self, folder: Path) -> None:
        self.manifest = manifest = read_manifest(folder)
        check_files(manifest)
        super().__init__(*manifest.catalogue)
        self.info = manifest.info
        self._filtered: tuple[Filters, list[int]] | None = None
        with ExitStack() as opened:
            opened.callback(super().close)
            self.term_index = TermIndex(folder / TERMS, manifest.term_files)
            self.base = self._vectors(folder, opened)
            self.delta = self._vectors(manifest.delta, opened) if manifest.delta else None
            self._opened = opened.pop_all()

    @property
    def vector_files(self) -> list[VectorFile]:
        """The vectors of the base, some of which may be deleted, and those of the delta."""
        return [self.base] if self.delta is None else [self.base, self.delta]

    @cached_property
    def _live_rows(self) -> Mask | None:
        """A mask, (rows,), of the base's rows that are not deleted; None for all."""
        gone = self.gone()
        return ~self.base.of_notes(gone) if gone else None

    def vectors(self, ids: Sequence[int]) -> dict[int, Vector]:
        """The vectors, shape (dimension,), of passages in the snapshot, by passage id."""
        return find_in(reversed(self.vector_files), ids)

    def dense(self, vector: Vector, k: int, filters: Filters) -> list[Candidate]:
        """The k nearest passages by cosine, best first; `vector` has shape (dimension,)."""
        notes = self._matching_notes(filters)
        if notes is None:
            masks = [self._live_rows, None]
        else:  # none of these is deleted
            masks = [file.of_notes(notes) for file in self.vector_files]
        searched = list(zip(self.vector_files, masks, strict=False))
        total = sum(
            len(file) if mask is None else int(np.count_nonzero(mask)) for file, mask in searched
        )

        def nearest(limit: int) -> list[Candidate]:
            found = (file.search(vector, limit, mask) for file, mask in searched)
            return sorted(chain.from_iterable(found), key=lambda hit: -hit[1])[:limit]

        return top_k(nearest, k, total)

    def terms(self, terms: Sequence[str], k: int, filters: Filters) -> list[Candidate]:
        """The k best passages by BM25 over any of the terms."""
        notes = self._matching_notes(filters)
        share = 1.0 if notes is None else len(notes) / max(1, self.info.notes)
        return self.term_index.search(terms, k, notes, share=share)

    def idf(self, terms: Sequence[str]) -> dict[str, float]:
        """BM25's inverse document frequency of each term."""
        return self.term_index.idf(terms)

    def terms_with_prefix(self, prefix: str) -> list[str]:
        """Terms with this prefix, most frequent first."""
        return self.term_index.terms_with_prefix(prefix)

    def close(self) -> None:
        """Close the files."""
        self._opened.close()

    def _vectors(self, folder: Path, opened: ExitStack) -> VectorFile:
        file = VectorFile(folder, dimension=self.info.embedder.dimension)
        opened.callback(file.close)
        return file

    def _matching_notes(self, filters: Filters) -> list[int] | None:
        """The numbers of the notes that pass, or None for all; cached for both retrieval legs."""
        if not filters:
            return None
        if self._filtered is None or self._filtered[0] != filters:
            self._filtered = (filters, self.notes_matching(filters))
        return self._filtered[1]
