"""What is wrong with a generation: its files against the manifest, and against each other."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ragqa.errors import IndexNotReadable, IndexUnusable
from ragqa.stores.faults import Fault, Faulty
from ragqa.stores.local_snapshot import open_catalogue
from ragqa.stores.manifest import CATALOGUE, DELTA, ROWS, TERMS, VECTORS, Manifest, findings
from ragqa.stores.termindex import TermIndex
from ragqa.stores.vectorfile import VectorFile
from ragqa.types import Numbers, Progress

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Passages:
    """Which passages there are: ids with their notes' numbers, (2, passages).

    :param new: those of the delta; None where there is no delta.
    :param paths: of the notes, by number.
    """

    base: Numbers
    new: Numbers | None
    gone: Sequence[int]
    paths: Mapping[int, str]


def part_of(name: str) -> Faulty:
    """Which part a file belongs to, by its name in the manifest."""
    folder, _, file = name.rpartition("/")
    if TERMS in (folder, file):
        return Faulty.TERMS
    if file == CATALOGUE:
        return Faulty.CATALOGUE
    return Faulty.NEW_VECTORS if folder == DELTA else Faulty.VECTORS


def damaged_files(
    folder: Path, manifest: Manifest, progress: Progress | None = None
) -> list[Fault]:
    """Read every file and compare it with the manifest."""
    found = findings(folder, manifest, thorough=manifest.files, progress=progress)
    return [Fault(part_of(name), what) for name, what in found]


def disagreements(folder: Path, manifest: Manifest) -> list[Fault]:
    """Compare catalogue, terms and vectors passage by passage; the files are as they were written.

    Where the catalogue cannot be read nothing is compared with it.
    """
    faults = _told(Faulty.CATALOGUE, lambda: _in_catalogue(folder, manifest))
    try:
        there = passages_of(folder, manifest)
    except IndexNotReadable:
        raise
    except IndexUnusable as exc:
        return faults or [Fault(Faulty.CATALOGUE, exc.message)]
    faults += _told(Faulty.TERMS, lambda: _in_terms(folder / TERMS, manifest, there))
    dimension = manifest.info.embedder.dimension
    faults += _told(
        Faulty.VECTORS, lambda: _in_vectors(folder, dimension, there.base, there.gone, there.paths)
    )
    new = there.new
    if new is not None:
        faults += _told(
            Faulty.NEW_VECTORS,
            lambda: _in_vectors(folder / DELTA, dimension, new, (), there.paths),
        )
    return faults


def passages_of(folder: Path, manifest: Manifest) -> Passages:
    """Read from the catalogue which passages there are."""
    with closing(open_catalogue(folder, manifest)) as catalogue:
        every, gone, paths = catalogue.owners(), catalogue.gone(), catalogue.paths()
        if not manifest.has_delta:
            return Passages(every, None, gone, paths)
        new = catalogue.owners(of_delta=True)
    return Passages(every[:, ~np.isin(every[1], new[1])], new, gone, paths)


def _told(part: Faulty, look: Callable[[], Iterable[str]]) -> list[Fault]:
    """Everything that is found in a part; that it cannot be read is found, too."""
    try:
        return [Fault(part, what) for what in look()]
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


def _in_terms(folder: Path, manifest: Manifest, there: Passages) -> Iterator[str]:
    expected = there.base if there.new is None else np.concatenate([there.base, there.new], axis=1)
    found = TermIndex(folder, manifest.term_files).owners()
    yield from _apart(folder, expected, found, there.paths)


def _in_vectors(
    folder: Path, dimension: int, expected: Numbers, gone: Sequence[int], paths: Mapping[int, str]
) -> Iterator[str]:
    with closing(VectorFile(folder, dimension=dimension)) as file:
        rows, bad = np.array(file.owners), file.bad_rows()
    yield from _apart(folder / ROWS, expected, rows[:, ~np.isin(rows[1], gone)], paths)
    if bad.any():
        notes = _first(paths.get(note, "no note") for note in rows[1, bad].tolist())
        path = folder / VECTORS
        yield f"the index file {path} holds {np.count_nonzero(bad)} bad vectors, such as of {notes}"


def _apart(
    path: Path, expected: Numbers, found: Numbers, paths: Mapping[int, str]
) -> Iterator[str]:
    """Say which passages are not the catalogue's, or belong to another note than there."""
    if np.array_equal(_in_order(expected), _in_order(found)):
        return
    wanted, held = (Counter(map(tuple, owners.T.tolist())) for owners in (expected, found))
    missing, strange = wanted - held, held - wanted
    amiss = {id_ for id_, _ in (*missing, *strange)}
    told = []
    if missing:
        told.append(f"it lacks some of {_first(paths.get(note, 'no note') for _, note in missing)}")
    if strange:
        told.append(f"it has others, such as {_first(str(id_) for id_, _ in strange)}")
    yield (
        f"the index file {path} does not hold the passages of the catalogue: {len(amiss)} of "
        f"{expected.shape[1]} are in only one of them, or there of another note; "
        f"{' and '.join(told)}"
    )


def _in_order(owners: Numbers) -> Numbers:
    order: Numbers = owners[:, np.lexsort(owners[::-1])]
    return order


def _first(names: Iterable[str]) -> str:
    """The first few of these, each once."""
    every = list(dict.fromkeys(names))
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + more
