"""One generation of the local store, opened for reading."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from ragqa.errors import IndexUnusable
from ragqa.stores.catalogue import Catalogue
from ragqa.stores.failures import REBUILD
from ragqa.stores.generations import number_of
from ragqa.stores.manifest import (
    CATALOGUE,
    MANIFEST,
    TERMS,
    VECTORS,
    Manifest,
    findings,
    read_manifest,
)
from ragqa.stores.ranking import Candidate
from ragqa.stores.termindex import TermIndex
from ragqa.stores.vectors import VectorFile
from ragqa.types import Filters, IndexInfo, NoteRecord, Passage, Vector


class LocalSnapshot:
    """A generation whose files are held open, so that it answers even after it was removed.

    :raises IndexUnusable: a file is missing, damaged or of another format.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = checked_manifest(folder)
        self._filtered: tuple[Filters, list[int]] | None = None
        info = self.manifest.info
        with ExitStack() as opened:
            self.catalogue = Catalogue(folder / CATALOGUE)
            opened.callback(self.catalogue.close)
            self.term_index = TermIndex(folder / TERMS, self.manifest.term_files)
            self.vector_file = VectorFile(
                folder / VECTORS, dimension=info.embedder.dimension, count=info.passages
            )
            opened.callback(self.vector_file.close)
            self._opened = opened.pop_all()

    @property
    def info(self) -> IndexInfo:
        """What it holds and how it was made."""
        return self.manifest.info

    def notes(self) -> dict[str, NoteRecord]:
        """Every note by path."""
        return self.catalogue.notes()

    def dense(self, vector: Vector, k: int, filters: Filters) -> list[Candidate]:
        """The k passages nearest by cosine."""
        notes = self._let_through(filters)
        among = None if notes is None else self.catalogue.ids_of(notes)
        return self.vector_file.search(vector, k, among)

    def terms(self, terms: Sequence[str], k: int, filters: Filters) -> list[Candidate]:
        """The k best passages by BM25 over any of the terms."""
        return self.term_index.search(terms, k, self._let_through(filters))

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """The passages with these ids, in the order given."""
        return self.catalogue.passages(ids)

    def idf(self, terms: Sequence[str]) -> dict[str, float]:
        """BM25's inverse document frequency of each term."""
        return self.term_index.idf(terms)

    def close(self) -> None:
        """Let go of the files."""
        self._opened.close()

    def _let_through(self, filters: Filters) -> list[int] | None:
        """The notes that count, by number, or None for all; both legs ask this of one question."""
        if not filters:
            return None
        if self._filtered is None or self._filtered[0] != filters:
            self._filtered = (filters, self.catalogue.notes_matching(filters))
        return self._filtered[1]


def checked_manifest(folder: Path, *, thorough: bool = False) -> Manifest:
    """Read a generation's manifest and compare its files with it.

    :param thorough: read every file whole, rather than those whose size or time is another.
    :raises IndexUnusable: the manifest or a file is not as it was written; the message names it.
    """
    manifest = read_manifest(folder)
    if manifest.info.generation != number_of(folder.name):
        raise IndexUnusable(
            f"the index file {folder / MANIFEST} is that of generation {manifest.info.generation}",
            hint=REBUILD,
        )
    for finding in findings(folder, manifest, thorough=thorough):
        raise IndexUnusable(finding, hint=REBUILD)
    return manifest


def problems_of(folder: Path) -> list[str]:
    """Read all of a generation and say what is wrong with it, each thing in a sentence."""
    try:
        manifest = read_manifest(folder)
        damaged = list(findings(folder, manifest, thorough=True))
        if damaged:
            return damaged
        snapshot = LocalSnapshot(folder)
    except IndexUnusable as exc:
        return [exc.message]
    try:
        return [*snapshot.catalogue.problems(), *_disagreements(snapshot)]
    except IndexUnusable as exc:
        return [exc.message]
    finally:
        snapshot.close()


def _disagreements(snapshot: LocalSnapshot) -> Iterable[str]:
    info, folder = snapshot.info, snapshot.folder
    notes, passages = snapshot.catalogue.counts()
    if (notes, passages) != (info.notes, info.passages):
        yield (
            f"the index file {folder / CATALOGUE} has {notes} notes and {passages} passages, "
            f"the manifest says {info.notes} and {info.passages}"
        )
    ids = sorted(snapshot.catalogue.ids())
    for name, others in (
        (TERMS, snapshot.term_index.ids()),
        (VECTORS, snapshot.vector_file.ids().tolist()),
    ):
        if sorted(others) != ids:
            amiss = len(set(ids) ^ set(others))
            yield (
                f"the index file {folder / name} does not hold the passages of the catalogue: "
                f"{amiss} of {len(ids)} are in only one of them"
            )
    yield from snapshot.vector_file.problems()
