"""Find damage in a generation: check its files against the manifest and each other."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ragqa.errors import IndexNotReadable, IndexUnusable
from ragqa.stores.local.catalogue import Catalogue
from ragqa.stores.local.manifest import CATALOGUE, DELTA, ROWS, TERMS, VECTORS, Manifest, findings
from ragqa.stores.local.terms import TermIndex
from ragqa.stores.local.vector_file import VectorFile
from ragqa.stores.protocol import Fault, IndexPart
from ragqa.types import Numbers, Progress

_NAMED = 3


@dataclass(frozen=True, slots=True)
class PassageOwners:
    """The passages in a catalogue: ids and their notes' numbers, int64, (2, passages).

    :param base: the passages of the base.
    :param new: the passages of the delta; None if there is no delta.
    :param gone: the numbers of the base's deleted notes.
    :param paths: the notes' paths by number.
    """

    base: Numbers
    new: Numbers | None
    gone: Sequence[int]
    paths: Mapping[int, str]

    @classmethod
    def of(cls, manifest: Manifest) -> "PassageOwners":
        """Read them from the catalogue of a generation."""
        with closing(Catalogue(*manifest.catalogue)) as catalogue:
            every, gone, paths = catalogue.owners(), catalogue.gone(), catalogue.paths()
            if manifest.delta is None:
                return cls(every, None, gone, paths)
            new = catalogue.owners(of_delta=True)
        return cls(every[:, ~np.isin(every[1], new[1])], new, gone, paths)

    def names(self, notes: Iterable[int]) -> str:
        """The paths of the first few of these notes."""
        return _first(self.paths.get(note, "no note") for note in notes)


def part_of(name: str) -> IndexPart:
    """The part a file belongs to, by its name in the manifest."""
    folder, _, file = name.rpartition("/")
    if TERMS in (folder, file):
        return IndexPart.TERMS
    if file == CATALOGUE:
        return IndexPart.CATALOGUE
    return IndexPart.NEW_VECTORS if folder == DELTA else IndexPart.VECTORS


def damaged_files(manifest: Manifest, progress: Progress | None = None) -> list[Fault]:
    """Read every file and compare it with the manifest."""
    found = findings(manifest, thorough=manifest.files, progress=progress)
    return [Fault(part_of(name), what) for name, what in found]


def disagreements(manifest: Manifest) -> list[Fault]:
    """Compare catalogue, terms and vectors of undamaged files, passage by passage.

    If the catalogue cannot be read, nothing is compared with it.
    """
    faults = _faults_in(IndexPart.CATALOGUE, _in_catalogue(manifest))
    try:
        owners = PassageOwners.of(manifest)
    except IndexNotReadable:
        raise
    except IndexUnusable as exc:
        return faults or [Fault(IndexPart.CATALOGUE, exc.message)]
    faults += _faults_in(IndexPart.TERMS, _in_terms(manifest, owners))
    dimension = manifest.info.embedder.dimension
    old = _in_vectors(manifest.folder, dimension, owners.base, owners.gone, owners)
    faults += _faults_in(IndexPart.VECTORS, old)
    if owners.new is not None:
        new = _in_vectors(manifest.folder / DELTA, dimension, owners.new, (), owners)
        faults += _faults_in(IndexPart.NEW_VECTORS, new)
    return faults


def _faults_in(part: IndexPart, found: Iterator[str]) -> list[Fault]:
    """All faults that are found in a part; failing to read it is one, too."""
    try:
        return [Fault(part, what) for what in found]
    except IndexNotReadable:
        raise
    except IndexUnusable as exc:
        return [Fault(part, exc.message)]


def _in_catalogue(manifest: Manifest) -> Iterator[str]:
    info = manifest.info
    with closing(Catalogue(*manifest.catalogue)) as catalogue:
        yield from catalogue.problems()
        notes, passages = catalogue.counts()
        if (notes, passages) != (info.notes, info.passages):
            yield (
                f"the index file {manifest.folder / CATALOGUE} has {notes} notes and {passages} "
                f"passages, the manifest says {info.notes} and {info.passages}"
            )


def _in_terms(manifest: Manifest, owners: PassageOwners) -> Iterator[str]:
    folder, parts = manifest.folder / TERMS, [owners.base]
    if owners.new is not None:
        parts.append(owners.new)
    found = TermIndex(folder, manifest.term_files).owners()
    yield from _mismatch(folder, np.concatenate(parts, axis=1), found, owners)


def _in_vectors(
    folder: Path, dimension: int, expected: Numbers, gone: Sequence[int], owners: PassageOwners
) -> Iterator[str]:
    with closing(VectorFile(folder, dimension=dimension)) as file:
        rows, bad = np.array(file.owners), file.bad_rows()
    yield from _mismatch(folder / ROWS, expected, rows[:, ~np.isin(rows[1], gone)], owners)
    if bad.any():
        notes = owners.names(rows[1, bad].tolist())
        path = folder / VECTORS
        count = np.count_nonzero(bad)
        yield f"the index file {path} holds {count} bad vectors, such as those of {notes}"


def _mismatch(
    path: Path, expected: Numbers, found: Numbers, owners: PassageOwners
) -> Iterator[str]:
    """Describe the passages that only one side has or that belong to different notes."""
    one, other = (side[:, np.lexsort(side[::-1])] for side in (expected, found))
    if np.array_equal(one, other):
        return
    ours, theirs = (Counter(map(tuple, side.T.tolist())) for side in (expected, found))
    missing, extra = ours - theirs, theirs - ours
    differing = {id_ for id_, _ in (*missing, *extra)}
    details = []
    if missing:
        details.append(f"it lacks some of {owners.names(note for _, note in missing)}")
    if extra:
        details.append(f"it has others, such as {_first(str(id_) for id_, _ in extra)}")
    yield (
        f"the index file {path} does not hold the passages of the catalogue: {len(differing)} "
        f"of {expected.shape[1]} are in only one of them or have different notes; "
        f"{' and '.join(details)}"
    )


def _first(names: Iterable[str]) -> str:
    """The first few distinct names."""
    every = list(dict.fromkeys(names))
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + more
