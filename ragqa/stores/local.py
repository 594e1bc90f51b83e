"""The local store: catalogue, terms and vectors in generations below one folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragqa.errors import IndexUnusable, NoIndex
from ragqa.stores import generations
from ragqa.stores.local_snapshot import LocalSnapshot, problems_of
from ragqa.stores.local_writer import LocalWriter


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
        with generations.locked(self._root, wait=wait):
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

    def problems(self) -> list[str]:
        """Everything that is wrong, each in a sentence, found by reading all of it."""
        try:
            name = generations.current(self._root)
            found = problems_of(self._root / name)
            while found and generations.current(self._root) != name:
                name = generations.current(self._root)
                found = problems_of(self._root / name)
        except (NoIndex, IndexUnusable) as exc:
            return [exc.message]
        return found

    def _base(self) -> LocalSnapshot | None:
        try:
            return self.snapshot()
        except NoIndex:
            return None
