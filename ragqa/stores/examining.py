"""Find damage in a generation: check its files against the manifest and each other."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ragqa.errors import IndexNotReadable, IndexUnusable
from ragqa.stores.faults import Fault, IndexPart
from ragqa.stores.local_snapshot import open_catalogue
from ragqa.stores.manifest import CATALOGUE, DELTA, ROWS, TERMS, VECTORS, Manifest, findings
from ragqa.stores.termindex import TermIndex
from ragqa.stores.vectorfile import VectorFile
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


def part_of(name: str) -> IndexPart:
    """The part a file belongs to, by its name in the manifest."""
    folder, _, file = name.rpartition("/")
    if TERMS in (folder, file):
        return IndexPart.TERMS
    if file == CATALOGUE:
        return IndexPart.CATALOGUE
    return IndexPart.NEW_VECTORS if folder == DELTA else IndexPart.VECTORS


def damaged_files(
    folder: Path, manifest: Manifest, progress: Progress | None = None
) -> list[Fault]:
    """Read every file and compare it with the manifest."""
    found = findings(folder, manifest, thorough=manifest.files, progress=progress)
    return [Fault(part_of(name), what) for name, what in found]


def disagreements(folder: Path, manifest: Manifest) -> list[Fault]:
    """Compare catalogue, terms and vectors of undamaged files, passage by passage.

    If the catalogue cannot be read, nothing is compared with it.
    """
    faults = _faults_in(IndexPart.CATALOGUE, lambda: _in_catalogue(folder, manifest))
    try:
        owners = passages_of(folder, manifest)
    except IndexNotReadable:
        raise
    except IndexUnusable as exc:
        return faults or [Fault(IndexPart.CATALOGUE, exc.message)]
    faults += _faults_in(IndexPart.TERMS, lambda: _in_terms(folder / TERMS, manifest, owners))
    dimension = manifest.info.embedder.dimension
    faults += _faults_in(
        IndexPart.VECTORS,
        lambda: _in_vectors(folder, dimension, owners.base, owners.gone, owners.paths),
    )
    new = owners.new
    if new is not None:
        faults += _faults_in(
            IndexPart.NEW_VECTORS,
            lambda: _in_vectors(folder / DELTA, dimension, new, (), owners.paths),
        )
    return faults


def passages_of(folder: Path, manifest: Manifest) -> PassageOwners:
    """Read the ids and owners of all passages from the catalogue."""
    with closing(open_catalogue(folder, manifest)) as catalogue:
        every, gone, paths = catalogue.owners(), catalogue.gone(), catalogue.paths()
        if not manifest.has_delta:
            return PassageOwners(every, None, gone, paths)
        new = catalogue.owners(of_delta=True)
    return PassageOwners(every[:, ~np.isin(every[1], new[1])], new, gone, paths)


def _faults_in(part: IndexPart, check: Callable[[], Iterable[str]]) -> list[Fault]:
    """All faults in a part; failing to read it is one, too."""
    try:
        return [Fault(part, what) for what in check()]
    except IndexNotReadable:
        raise
    except IndexUnusable as exc:
        return [Fault(part, exc.message)]


def _in_catalogue(folder: Path, manifest: Manifest) -> Iterator[str]:
    info = manifest.info
    with closing(open_catalogue(folder, manifest)) as catalogue:
        yield from catalogue.problems()
        notes, passages = catalogue.counts()
        if (notes, passages) != (info.notes, info.passages):
            yield (
                f"the index file {folder / CATALOGUE} has {notes} notes and {passages} passages, "
                f"the manifest says {info.notes} and {info.passages}"
            )


def _in_terms(folder: Path, manifest: Manifest, owners: PassageOwners) -> Iterator[str]:
    expected = (
        owners.base if owners.new is None else np.concatenate([owners.base, owners.new], axis=1)
    )
    found = TermIndex(folder, manifest.term_files).owners()
    yield from _mismatch(folder, expected, found, owners.paths)


def _in_vectors(
    folder: Path, dimension: int, expected: Numbers, gone: Sequence[int], paths: Mapping[int, str]
) -> Iterator[str]:
    with closing(VectorFile(folder, dimension=dimension)) as file:
        rows, bad = np.array(file.owners), file.bad_rows()
    yield from _mismatch(folder / ROWS, expected, rows[:, ~np.isin(rows[1], gone)], paths)
    if bad.any():
        notes = _first(paths.get(note, "no note") for note in rows[1, bad].tolist())
        path = folder / VECTORS
        count = np.count_nonzero(bad)
        yield f"the index file {path} holds {count} bad vectors, such as those of {notes}"


def _mismatch(
    path: Path, expected: Numbers, found: Numbers, paths: Mapping[int, str]
) -> Iterator[str]:
    """Describe the passages that only one side has or that belong to different notes."""
    if np.array_equal(_in_order(expected), _in_order(found)):
        return
    ours, theirs = (Counter(map(tuple, owners.T.tolist())) for owners in (expected, found))
    missing, extra = ours - theirs, theirs - ours
    differing = {id_ for id_, _ in (*missing, *extra)}
    details = []
    if missing:
        lacking = _first(paths.get(note, "no note") for _, note in missing)
        details.append(f"it lacks some of {lacking}")
    if extra:
        details.append(f"it has others, such as {_first(str(id_) for id_, _ in extra)}")
    yield (
        f"the index file {path} does not hold the passages of the catalogue: {len(differing)} of "
        f"{expected.shape[1]} are in only one of them or have different notes; "
        f"{' and '.join(details)}"
    )


def _in_order(owners: Numbers) -> Numbers:
    order: Numbers = owners[:, np.lexsort(owners[::-1])]
    return order


def _first(names: Iterable[str]) -> str:
    """The first few distinct names."""
    every = list(dict.fromkeys(names))
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + more
