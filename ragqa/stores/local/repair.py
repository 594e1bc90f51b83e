"""Repair a damaged generation: link its sound files into the next one, rebuild the rest.

The new generation is built beside the damaged one and published like any other, so an interrupted
repair leaves the index either as it was or repaired.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from ragqa.errors import IndexNotReadable, IndexUnusable, NoIndex, OtherFormat
from ragqa.stores.disk import explaining_failure, step
from ragqa.stores.local import generations
from ragqa.stores.local.catalogue import Catalogue
from ragqa.stores.local.examining import PassageOwners, damaged_files, disagreements, part_of
from ragqa.stores.local.lock import locked
from ragqa.stores.local.manifest import (
    DELTA,
    TERMS,
    Manifest,
    number_of,
    read_manifest,
)
from ragqa.stores.local.snapshot import LocalSnapshot
from ragqa.stores.local.terms import write_terms
from ragqa.stores.local.vector_draft import Spool, write_part
from ragqa.stores.local.vector_file import VectorFile, find_in
from ragqa.stores.protocol import (
    EmbeddingLookup,
    Fault,
    IndexPart,
    Rebuilder,
    Repair,
)
from ragqa.stores.saved import SAVED, SavedEmbeddings, remove_saved
from ragqa.stores.vectors import check_vectors
from ragqa.types import DenseInfo, Numbers, Passage, Progress, Vectors

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
        manifest, why = _target(root)
        if manifest is None:
            return Repair(rebuild=f"read and embedded all notes again, since {why}")
        rollback = (f"went back to {manifest.folder.name}, since {why}",) if why else ()
        rebuilder.check(manifest.info)
        faults = _faults(manifest, rebuilder, progress)
        first: dict[IndexPart, str] = {}
        for fault in faults:
            first.setdefault(fault.part, fault.what)
        if IndexPart.CATALOGUE in first:
            rebuild = f"read all notes again, since {first[IndexPart.CATALOGUE]}"
            return Repair(rollback, bool(rollback), rebuild, _sound_embeddings(manifest, first))
        if faults:
            with explaining_failure(root, lambda: manifest.size):
                generations.sweep(root)
                _rebuild_parts(root, manifest, first.keys(), rebuilder, progress)
                generations.sweep(root)
        done = (f"rebuilt {part}, since {what}" for part, what in first.items())
        return Repair((*rollback, *done), bool(rollback))


def _target(root: Path) -> tuple[Manifest | None, str]:
    """The generation to repair, and why it is not the current one, or "".

    If the current one is unknown, this makes the newest sound one, or else the newest readable one,
    current. None if there is none.
    """
    try:
        return read_manifest(root / generations.current(root)), ""
    except NoIndex:
        why = f"nothing in {root} says which generation to read"
    except IndexUnusable as exc:
        # Neither permissions nor the format are damage.
        if isinstance(exc, IndexNotReadable | OtherFormat):
            raise
        why = exc.message
    readable = []
    for name in generations.all_generations(root):
        try:
            readable.append(read_manifest(root / name))
        except IndexUnusable:
            continue
    # Lazy: stop reading at the first sound generation.
    sound = (manifest for manifest in readable if not damaged_files(manifest))
    chosen = next(sound, next(iter(readable), None))
    if chosen is not None:
        with explaining_failure(root, lambda: 1):
            generations.set_current(root, chosen.folder.name)
    return chosen, why


def _faults(manifest: Manifest, rebuilder: Rebuilder, progress: Progress) -> list[Fault]:
    faults = damaged_files(manifest, progress) or disagreements(manifest)
    if faults:
        return faults
    with closing(LocalSnapshot(manifest.folder)) as snapshot:
        faults = rebuilder.faults(snapshot)
    if manifest.delta is None:
        return faults
    # A bad embedding in the sample casts doubt on all, those of the delta included.
    of_vectors = [fault for fault in faults if fault.part is IndexPart.VECTORS]
    return [*faults, *(replace(fault, part=IndexPart.NEW_VECTORS) for fault in of_vectors)]


def _rebuild_parts(
    root: Path,
    manifest: Manifest,
    broken: AbstractSet[IndexPart],
    rebuilder: Rebuilder,
    progress: Progress,
) -> None:
    draft = generations.begin_draft(root, delta=manifest.delta is not None)
    sound = [name for name in manifest.files if part_of(name) not in broken]
    generations.link_files(manifest, sound, draft)
    owners = PassageOwners.of(manifest)
    info, dense = manifest.info, manifest.info.dense
    embeddings = SavedEmbeddings(root / SAVED, info.embedder, info.dtype)
    with closing(embeddings) as saved, closing(Catalogue(*manifest.catalogue)) as catalogue:

        def embed(owners: Numbers, folder: Path) -> DenseInfo:
            """Embed passages in batches, save each, and write the files."""
            passages = catalogue.passages_of(set(owners[1].tolist()))
            done, dimension = 0, info.embedder.dimension
            with closing(Spool(folder)) as spool:
                while batch := list(islice(passages, EMBEDDED_AT_ONCE)):
                    notes, some = zip(*batch, strict=True)
                    vectors = _embed(some, dimension, rebuilder, saved)
                    spool.append([passage.id for passage in some], notes, vectors)
                    done += len(batch)
                    progress("repairing", done, owners.shape[1])
                return write_part(spool.part(dimension), folder)

        if IndexPart.TERMS in broken:
            step(f"write {TERMS}")
            write_terms(draft / TERMS, catalogue.all_passages())
        if IndexPart.VECTORS in broken:
            dense = embed(owners.base, draft)
        if IndexPart.NEW_VECTORS in broken and owners.new is not None:
            embed(owners.new, draft / DELTA)
    generations.publish(
        draft, replace(info, generation=number_of(draft.name), dense=dense), manifest
    )
    if broken & {IndexPart.VECTORS, IndexPart.NEW_VECTORS}:
        remove_saved(root / SAVED)


def _embed(
    passages: Sequence[Passage], dimension: int, rebuilder: Rebuilder, saved: SavedEmbeddings
) -> Vectors:
    """Embed passages, shape (passages, dimension): equal texts once, saved ones not again."""
    by_key = {passage.embedding_key: passage for passage in passages}
    known = saved.vectors(by_key)
    missing = [passage for key, passage in by_key.items() if key not in known]
    if missing:
        rows = rebuilder.embed(missing)
        check_vectors(missing, rows, dimension)
        keys = [passage.embedding_key for passage in missing]
        saved.add(keys, rows)
        known |= dict(zip(keys, rows, strict=True))
    return np.stack([known[passage.embedding_key] for passage in passages])


def _sound_embeddings(manifest: Manifest, broken: Iterable[IndexPart]) -> EmbeddingLookup:
    """A lookup in the undamaged embedding files."""
    folders = [manifest.folder] if IndexPart.VECTORS not in broken else []
    if manifest.delta and IndexPart.NEW_VECTORS not in broken:
        folders.append(manifest.delta)
    files: list[VectorFile] = []
    for folder in folders:
        try:
            file = VectorFile(folder, dimension=manifest.info.embedder.dimension)
            files += [] if file.bad_rows().any() else [file]
        except IndexNotReadable:
            raise
        except IndexUnusable:
            continue

    return partial(find_in, files)
