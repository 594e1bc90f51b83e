"""An index whose passages are found in Milvus, on a server or in a file.

Any machine that has the notes can ask the collection. Only the one with the database from which it
was made changes it; another makes its own, for which the name of the index, an alias, then stands.
"""

import hashlib
import os
import platform
import re
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import cached_property, partial
from pathlib import Path

from ragqa.config.urls import is_file
from ragqa.errors import IndexNotWritable, IndexUnusable, NoIndex
from ragqa.index.database import Database, Derived
from ragqa.index.engine import Engine
from ragqa.index.milvus.client import Client
from ragqa.index.milvus.milvus_engine import COLLECTION, MilvusEngine
from ragqa.index.store import Snapshot, Store


class MilvusStore(Store):
    """An index in Milvus, which need not exist yet; connects on first use.

    `uri` names a server or a file; `name` is "" for one of host and folder.
    """

    def __init__(self, root: Path, uri: str, name: str) -> None:
        super().__init__(root)
        self._uri, self._name = uri, name

    def _newest(self, opened: ExitStack) -> Snapshot:
        if is_file(self._uri) and not Path(self._uri).exists():  # the client would make it
            raise NoIndex(f"there is no index at {self._uri} yet", hint="ragqa index")
        engine = MilvusEngine.current(self._client, is_shared=bool(self._name))
        with suppress(NoIndex, IndexUnusable):
            database, _ = self._database(opened)
            if engine.is_of(database):
                return Snapshot(engine.info, database, engine)
        return Snapshot(engine.info, partial(engine.notes, self._root), engine, is_own=False)

    def _to_change(self, database: Database, made: Mapping[str, Derived]) -> Engine:
        if COLLECTION not in made:
            return MilvusEngine(self._client)
        engine = MilvusEngine.current(self._client, is_shared=bool(self._name))
        if not engine.is_of(database):
            what = f"another process took over writing the index {self._client.place}"
            raise IndexNotWritable(what, hint="run the same command again")
        return engine

    @cached_property
    def _client(self) -> Client:
        origin = os.fsencode(f"{platform.node()}\0{self._root.absolute()}")
        digest = hashlib.blake2b(origin, digest_size=6).hexdigest()
        folder = re.sub("[^A-Za-z0-9]", "_", self._root.name)[:40]
        return Client(self._uri, self._name or f"ragqa_{folder}_{digest}", builder=digest)
