"""The local store: generations of catalogue, terms and vectors below one folder."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ragqa.errors import IndexUnusable, NoIndex, WriterBusy
from ragqa.stores import Rebuilder, generations
from ragqa.stores.examining import damaged_files, disagreements
from ragqa.stores.faults import OlderIndex, Remark, Repair
from ragqa.stores.local_repair import embeddings_of_older, repair
from ragqa.stores.local_snapshot import LocalSnapshot, own_manifest
from ragqa.stores.local_writer import LocalWriter
from ragqa.stores.lock import building, locked, report_embedded
from ragqa.types import Building, Progress


class LocalStore:
    """An index in a folder, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def snapshot(self) -> LocalSnapshot:
        """Open the newest snapshot; takes no lock and writes nothing.

        :raises NoIndex: nothing has been committed yet.
        :raises IndexUnusable: the index cannot be read or trusted.
        """
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
    def writer(self, *, fresh: bool, wait: bool) -> Iterator[LocalWriter]:
        """Begin the next snapshot on top of the newest, or with `fresh` from nothing.

        :raises WriterBusy: another process is writing and `wait` is False.
        :raises IndexUnusable: the folder is not writable, or its newest snapshot is damaged.
        """
        with locked(self._root, wait=wait):
            report_embedded(self._root, 0)
            generations.sweep(self._root)
            base = None if fresh else self._base()
            writer = LocalWriter(self._root, base)
            try:
                yield writer
            finally:
                writer.close()
                if base is not None:
                    base.close()
                generations.sweep(self._root)

    def older(self) -> OlderIndex | None:
        """What the newest generation offers for reuse, if it has an older format."""
        return embeddings_of_older(self._root)

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
        """Read everything and return each problem as a sentence; [] if sound.

        :param deep: also compare intact files with each other.
        """
        try:
            name = generations.current(self._root)
            found = _problems(self._root / name, deep, progress)
            while found and generations.current(self._root) != name:
                name = generations.current(self._root)
                found = _problems(self._root / name, deep, progress)
        except (NoIndex, IndexUnusable) as exc:
            return [exc.message]
        return found

    def remarks(self) -> list[Remark]:
        """No remarks: a folder has only the problems of its files."""
        return []

    def repair(self, rebuilder: Rebuilder, *, wait: bool, progress: Progress) -> Repair:
        """Rebuild the damaged parts of the newest generation as the next one.

        :raises NoIndex: nothing has been committed yet.
        :raises WriterBusy: another process is writing and `wait` is False.
        :raises IndexUnusable: the folder is not writable, or `rebuilder` does not match the index.
        """
        return repair(self._root, rebuilder, wait=wait, progress=progress)

    def _base(self) -> LocalSnapshot | None:
        try:
            return self.snapshot()
        except NoIndex:
            return None


def _problems(folder: Path, deep: bool, progress: Progress | None) -> list[str]:  # noqa: FBT001 - as in the method
    manifest = own_manifest(folder)
    faults = damaged_files(folder, manifest, progress)
    if deep and not faults:
        faults = disagreements(folder, manifest)
    return [fault.what for fault in faults]
