"""An index kept in its folder: the database, and the terms and lists that are made from it.

Terms and lists that are damaged are made anew.
"""

import logging
from collections.abc import Mapping
from contextlib import ExitStack

from ragqa.errors import IndexUnusable, NeedsRebuild, WriterBusy
from ragqa.index.database import Database, Made
from ragqa.index.engine import Engine
from ragqa.index.local.engine import LocalEngine
from ragqa.index.snapshot import Snapshot
from ragqa.index.store import Store
from ragqa.types import IndexInfo

logger = logging.getLogger("ragqa")


class LocalStore(Store):
    """An index in a folder, which need not exist yet."""

    def _newest(self, opened: ExitStack) -> Snapshot:
        """The newest snapshot; terms or lists that are damaged are made anew."""
        failed, is_made = 0, False
        while True:
            database, info, made = self._database(opened)
            engine = LocalEngine(database, info, made)
            try:
                engine.open()
            except NeedsRebuild as exc:
                opened.close()
                if failed != info.generation:
                    failed = info.generation
                    continue  # a writer may have replaced them meanwhile
                if is_made:
                    raise
                self._make_again(exc)
                is_made = True
            else:
                return Snapshot(info, database, engine)

    def _make_again(self, damage: NeedsRebuild) -> None:
        """Make terms and lists that are damaged anew, by a commit without changes.

        :raises NeedsRebuild: that cannot be written.
        """
        try:
            with self.writer(fresh=False, wait=False) as writer:
                writer.commit()
        except (WriterBusy, IndexUnusable):
            raise damage from None
        logger.warning("%s, so it is made anew from the rest of the index", damage.message)

    def _to_change(
        self, database: Database, info: IndexInfo | None, made: Mapping[str, Made]
    ) -> Engine:
        return LocalEngine(database, info, made)
