"""The local store: catalogue, terms and vectors in generations below one folder."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ragqa.errors import IndexUnusable, NoIndex, WriterBusy
from ragqa.stores import Maker, generations
from ragqa.stores.examining import damaged_files, disagreements
from ragqa.stores.faults import Older, Remark, Repair
from ragqa.stores.local_repair import embeddings_of_older, repair
from ragqa.stores.local_snapshot import LocalSnapshot, own_manifest
from ragqa.stores.local_writer import LocalWriter
from ragqa.stores.lock import building, locked, tell_embedded
from ragqa.types import Building, Progress


class LocalStore:
    """An index in a folder, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def snapshot(self) -> LocalSnapshot:
        """Open the newest snapshot; takes no lock and writes nothing.

        :raises NoIndex: nothing was committed here yet.
        :raises IndexUnusable: what is here cannot be read or trusted.
        """
        name = generations.current(self._root)
        while True:
            try:
                return LocalSnapshot(self._root / name)
            except IndexUnusable:
                # Writers may have removed it since its name was read; then there is a newer one.
                failed, name = name, generations.current(self._root)
                if name == failed:
                    raise

    @contextmanager
    def writer(self, *, fresh: bool, wait: bool) -> Iterator[LocalWriter]:
        """Begin the next snapshot; with `fresh`, from nothing rather than from the newest.

        :raises WriterBusy: another process writes and `wait` is False.
        :raises IndexUnusable: the place cannot be written, or its newest snapshot is damaged.
        """
        with locked(self._root, wait=wait):
            tell_embedded(self._root, 0)
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

    def older(self) -> Older | None:
        """What can be taken over from the newest generation, if it is of an older format."""
        return embeddings_of_older(self._root)

    def building(self) -> Building | None:
        """What another process that writes the index has done; None where none is known of."""
        return building(self._root)

    def tidy(self) -> None:
        """Remove what an interrupted writer left, as far as it can be and no writer is at work."""
        if generations.has_leftovers(self._root):
            with (
                suppress(WriterBusy, IndexUnusable),
                locked(self._root, wait=False),
            ):
                generations.sweep(self._root)

    def problems(self, *, deep: bool = True, progress: Progress | None = None) -> list[str]:
        """Everything that is wrong, each in a sentence, found by reading all of it.

        :param deep: whether what is as it was written is also compared with each other.
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
        """Of a folder there is nothing to say but what is wrong with its files."""
        return []

    def repair(self, maker: Maker, *, wait: bool, progress: Progress) -> Repair:
        """Make anew, as the next generation, what is damaged of the newest.

        :raises NoIndex: nothing was committed here yet.
        :raises WriterBusy: another process writes and `wait` is False.
        :raises IndexUnusable: the place cannot be written, or `maker` does not go with the index.
        """
        return repair(self._root, maker, wait=wait, progress=progress)

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
