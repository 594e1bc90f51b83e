"""The local store: generations of catalogue, terms and vectors below one folder."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ragqa.errors import IndexUnusable, NoIndex, WriterBusy
from ragqa.stores.local import generations
from ragqa.stores.local.lock import building, locked, report_embedded
from ragqa.stores.local.manifest import read_manifest
from ragqa.stores.local.snapshot import LocalSnapshot
from ragqa.stores.protocol import Rebuilder, Repair, Store, Writer
from ragqa.types import Building, Progress


class LocalStore(Store):
    """An index in a folder, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def snapshot(self) -> LocalSnapshot:
        """Open the newest snapshot; takes no lock and writes nothing."""
        name = generations.current(self._root)
        while True:
            try:
                return LocalSnapshot(self._root / name)
            except IndexUnusable:
                # A writer may have removed it since; then there is a newer one.
                failed, name = name, generations.current(self._root)
                if name == failed:
                    raise

    @contextmanager
    def writer(self, *, fresh: bool, wait: bool) -> Iterator[Writer]:
        """Begin the next snapshot on top of the newest, or with `fresh` from nothing."""
        from ragqa.stores.local.writer import LocalWriter

        with locked(self._root, wait=wait):
            report_embedded(self._root, 0)
            generations.sweep(self._root)
            base = None
            with suppress(NoIndex):
                base = None if fresh else self.snapshot()
            writer = LocalWriter(self._root, base)
            try:
                yield writer
            finally:
                writer.close()
                if base is not None:
                    base.close()
                generations.sweep(self._root)

    def building(self) -> Building | None:
        """The progress of another process writing the index; None if none is known."""
        return building(self._root)

    def tidy(self) -> None:
        """Remove what an interrupted writer left, if possible and if no writer is active."""
        if generations.has_leftovers(self._root):
            with (
                suppress(WriterBusy, IndexUnusable),
                locked(self._root, wait=False),
            ):
                generations.sweep(self._root)

    def problems(self, *, deep: bool = True, progress: Progress | None = None) -> list[str]:
        """Read everything and return each problem as a sentence; [] if sound."""
        from ragqa.stores.local.examining import damaged_files, disagreements

        try:
            name = generations.current(self._root)
            while True:
                manifest = read_manifest(self._root / name)
                faults = damaged_files(manifest, progress)
                if deep and not faults:
                    faults = disagreements(manifest)
                read, name = name, generations.current(self._root)
                if not faults or name == read:
                    return [fault.what for fault in faults]
        except (NoIndex, IndexUnusable) as exc:
            return [exc.message]

    def repair(self, rebuilder: Rebuilder, *, wait: bool, progress: Progress) -> Repair:
        """Rebuild the damaged parts of the newest generation as the next one."""
        from ragqa.stores.local.repair import repair

        return repair(self._root, rebuilder, wait=wait, progress=progress)
