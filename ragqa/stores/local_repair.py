"""Repair a damaged generation: link its sound files into the next one, rebuild the rest.

The new generation is built beside the damaged one and published like any other, so an interrupted
repair leaves the index either as it was or repaired.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from ragqa.errors import IndexNotReadable, IndexUnusable, NoIndex, OtherFormat
from ragqa.stores import Rebuilder, generations
from ragqa.stores.examining import damaged_files, disagreements, part_of, passages_of
from ragqa.stores.failures import explaining_failure
from ragqa.stores.faults import EmbeddingLookup, Fault, IndexPart, OlderIndex, Repair
from ragqa.stores.generations import step
from ragqa.stores.local_snapshot import LocalSnapshot, open_catalogue, own_manifest
from ragqa.stores.local_writer import seal
from ragqa.stores.lock import locked
from ragqa.stores.manifest import (
    DELTA,
    OLDEST,
    TERMS,
    Manifest,
    linked_files,
    read_manifest,
)
from ragqa.stores.saved import SAVED, SavedEmbeddings, remove_saved
from ragqa.stores.termindex import NumberedPassage, write_terms
from ragqa.stores.vectorfile import VectorFile
from ragqa.stores.vectors import Spool, check_vectors, write_part
from ragqa.types import DenseInfo, Numbers, Passage, Progress, Vector, Vectors

EMBEDDED_AT_ONCE = 512


def repair(root: Path, rebuilder: Rebuilder, *, wait: bool, progress: Progress) -> Repair:
    """Rebuild the damaged parts of the newest generation; see `Store.repair`."""
    try:
        generations.current(root)
    except NoIndex:
        if not generations.all_generations(root):
            raise
    except IndexUnusable:
        pass
    with locked(root, wait=wait):
        found = _find_target(root)
        if isinstance(found, Repair):
            return found
        rollback = (found.rollback,) if found.rollback else ()
        rebuilder.check(found.manifest.info)
        faults = _faults(found, rebuilder, progress)
        broken = {fault.part for fault in faults}
        if IndexPart.CATALOGUE in broken:
            first = next(fault for fault in faults if fault.part is IndexPart.CATALOGUE)
            rebuild = f"read all notes again, since {first.what}"
            return Repair(rollback, bool(rollback), rebuild, _sound_embeddings(found, broken))
        if faults:
            with explaining_failure(root, lambda: found.manifest.size):
                generations.sweep(root)
                _rebuild_parts(root, found, broken, rebuilder, progress)
                generations.sweep(root)
        return Repair((*rollback, *_descriptions(faults)), bool(rollback))


def embeddings_of_older(root: Path) -> OlderIndex | None:
    """The newest generation's embeddings, if its manifest has a readable older format.

    A passage's id derives from its note's path and the embedded text, so equal ids mean equal
    embeddings, whatever the catalogue's format.
    """
    try:
        folder = root / generations.current(root)
        manifest = read_manifest(folder, oldest=OLDEST)
    except (NoIndex, IndexUnusable):
        return None

    def embeddings(progress: Progress) -> EmbeddingLookup:
        broken = {fault.part for fault in damaged_files(folder, manifest, progress)}
        return _sound_embeddings(_Target(folder, manifest), broken)

    return OlderIndex(manifest.info, embeddings)


@dataclass(frozen=True, slots=True)
class _Target:
    """The generation to repair; `rollback` says why it is not the current one, or ""."""

    folder: Path
    manifest: Manifest
    rollback: str = ""


def _find_target(root: Path) -> _Target | Repair:
    """The current generation; if unknown, the newest sound one, or else the newest readable."""
    try:
        folder = root / generations.current(root)
        return _Target(folder, own_manifest(folder))
    except NoIndex:
        why = f"nothing in {root} says which generation to read"
    except IndexUnusable as exc:
        if not _is_damage(exc):
            raise
        why = exc.message
    readable = []
    for name in generations.all_generations(root):
        try:
            readable.append((name, own_manifest(root / name)))
        except IndexUnusable:
            continue
    # Lazy: stop reading at the first sound generation.
    sound = ((name, manifest) for name, manifest in readable if _is_sound(root / name, manifest))
    chosen = next(sound, next(iter(readable), None))
    if chosen is None:
        return Repair(rebuild=f"read and embedded all notes again, since {why}")
    name, manifest = chosen
    with explaining_failure(root, lambda: 1):
        generations.set_current(root, name)
    return _Target(root / name, manifest, f"went back to {name}, since {why}")


def _is_damage(exc: IndexUnusable) -> bool:
    """Whether the index itself is at fault, rather than permissions or its format."""
    return not isinstance(exc, IndexNotReadable | OtherFormat)


def _is_sound(folder: Path, manifest: Manifest) -> bool:
    return not damaged_files(folder, manifest)


def _faults(found: _Target, rebuilder: Rebuilder, progress: Progress) -> list[Fault]:
    folder, manifest = found.folder, found.manifest
    faults = damaged_files(folder, manifest, progress) or disagreements(folder, manifest)
    if faults:
        return faults
    with closing(LocalSnapshot(folder)) as snapshot:
        faults = rebuilder.faults(snapshot)
    # A bad embedding in the sample casts doubt on all, those of the delta included.
    everywhere = [replace(one, part=IndexPart.NEW_VECTORS) for one in faults if _is_of_vectors(one)]
    return [*faults, *(everywhere if manifest.has_delta else ())]


def _is_of_vectors(fault: Fault) -> bool:
    return fault.part is IndexPart.VECTORS


def _descriptions(faults: Iterable[Fault]) -> Iterator[str]:
    """One sentence per part, naming its first fault."""
    first = {fault.part: fault for fault in reversed(list(faults))}
    return (f"rebuilt {fault.part}, since {fault.what}" for fault in reversed(first.values()))


def _rebuild_parts(
    root: Path,
    found: _Target,
    broken: AbstractSet[IndexPart],
    rebuilder: Rebuilder,
    progress: Progress,
) -> None:
    folder, manifest = found.folder, found.manifest
    draft = generations.begin_draft(root)
    if manifest.has_delta:
        step(f"make {DELTA}")
        (draft / DELTA).mkdir()
    sound = [name for name in manifest.files if part_of(name) not in broken]
    generations.link_files(folder, manifest, sound, draft)
    owners = passages_of(folder, manifest)
    info = manifest.info
    dense = info.dense
    with closing(open_catalogue(folder, manifest)) as catalogue:

        def embed(owners: Numbers, place: Path) -> DenseInfo:
            passages = catalogue.passages_of(sorted(set(owners[1].tolist())))
            with closing(SavedEmbeddings(root / SAVED, info.embedder, info.dtype)) as saved:
                embedding = _Embedding(rebuilder, saved, owners.shape[1], progress)
                return embedding.write(passages, place, info.embedder.dimension)

        if IndexPart.TERMS in broken:
            step(f"write {TERMS}")
            write_terms(draft / TERMS, catalogue.all_passages())
        if IndexPart.VECTORS in broken:
            dense = embed(owners.base, draft)
        if IndexPart.NEW_VECTORS in broken and owners.new is not None:
            embed(owners.new, draft / DELTA)
    info = replace(info, generation=generations.number_of(draft.name), dense=dense)
    seal(draft, info, linked_files(folder, manifest, draft))
    if broken & {IndexPart.VECTORS, IndexPart.NEW_VECTORS}:
        remove_saved(root / SAVED)


@dataclass(frozen=True, slots=True)
class _Embedding:
    """Embeds passages in batches, `total` in all, and saves each batch."""

    rebuilder: Rebuilder
    saved: SavedEmbeddings
    total: int
    progress: Progress

    def write(self, numbered: Iterable[NumberedPassage], folder: Path, dimension: int) -> DenseInfo:
        """Embed passages and write the files; returns how the vectors are indexed."""
        done = 0
        with closing(Spool(folder)) as spool:
            for batch in _batches(numbered):
                passages = [passage for _, passage in batch]
                vectors = self._embed(passages, dimension)
                start = 0
                for note, run in groupby(batch, key=lambda each: each[0]):
                    ids = [passage.id for _, passage in run]
                    spool.append(note, ids, vectors[start : start + len(ids)])
                    start += len(ids)
                done += len(batch)
                self.progress("repairing", done, self.total)
            return write_part(spool.part(dimension), folder)

    def _embed(self, passages: Sequence[Passage], dimension: int) -> Vectors:
        """Embed passages, shape (passages, dimension): equal texts once, saved ones not again."""
        by_key = {passage.embedding_key: passage for passage in passages}
        known = self.saved.vectors(by_key)
        missing = [passage for key, passage in by_key.items() if key not in known]
        if missing:
            rows = self.rebuilder.embed(missing)
            check_vectors(missing, rows, dimension)
            keys = [passage.embedding_key for passage in missing]
            self.saved.add(keys, rows)
            known |= dict(zip(keys, rows, strict=True))
        return np.stack([known[passage.embedding_key] for passage in passages])


def _batches(numbered: Iterable[NumberedPassage]) -> Iterator[list[NumberedPassage]]:
    batch: list[NumberedPassage] = []
    for each in numbered:
        batch.append(each)
        if len(batch) == EMBEDDED_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _sound_embeddings(found: _Target, broken: AbstractSet[IndexPart]) -> EmbeddingLookup:
    """A lookup in the undamaged embedding files."""
    places = {IndexPart.VECTORS: found.folder}
    if found.manifest.has_delta:
        places[IndexPart.NEW_VECTORS] = found.folder / DELTA
    files: list[VectorFile] = []
    for part, place in places.items():
        if part not in broken:
            files += _readable(place, found.manifest.info.embedder.dimension)

    def find(ids: Sequence[int]) -> Mapping[int, Vector]:
        vectors: dict[int, Vector] = {}
        for file in files:
            vectors |= file.find([id_ for id_ in ids if id_ not in vectors])
        return vectors

    return find


def _readable(folder: Path, dimension: int) -> list[VectorFile]:
    """The vector file below a folder, if all its vectors are valid."""
    try:
        file = VectorFile(folder, dimension=dimension)
        return [] if file.bad_rows().any() else [file]
    except IndexNotReadable:
        raise
    except IndexUnusable:
        return []
