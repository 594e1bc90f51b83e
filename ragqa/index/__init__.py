"""The index of notes: a database of what they hold, and an engine that finds their passages."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from ragqa.config import Places, Settings, urls
from ragqa.errors import NotAllowed, UsageError, install_command
from ragqa.index.store import EVERYTHING as EVERYTHING
from ragqa.index.store import Snapshot as Snapshot
from ragqa.index.store import Store as Store
from ragqa.types import JsonShape

SENT = (
    "the text of every passage with titles, tags, paths and embeddings, and the search for each "
    "question"
)
"""What a remote store is sent of notes and questions, in words."""


MayUse = Callable[[str], bool]
"""Whether a host, `HOST:PORT`, may be sent the text of notes."""


def was_allowed(host: str) -> bool:
    """Whether the user has already allowed this host to store notes; does not ask."""
    from ragqa.user_data.consent import Use, is_allowed

    return is_allowed(host, Use.STORE)


class StorePlace(Struct, frozen=True):
    """Where an index is stored: a URI and a name there, "" where there is none, or a folder."""

    JSON = JsonShape("kind uri name sent_to=host", null="uri name sent_to")

    uri: str
    name: str
    folder: Path

    @classmethod
    def of(cls, settings: Settings, places: Places) -> "StorePlace":
        """The place that these settings name."""
        uri = "" if settings.store == urls.LOCAL else settings.store
        return cls(uri, settings.store_name, places.index)

    @property
    def kind(self) -> str:
        """The kind of the engine."""
        return "milvus" if self.uri else "local"

    @property
    def host(self) -> str:
        """The `HOST:PORT` that notes are sent to, "" if they stay on this machine."""
        return urls.remote_host(self.uri)

    @property
    def is_on_server(self) -> bool:
        """Whether a server stores it, here or elsewhere, instead of a file."""
        return "://" in self.uri

    @property
    def is_shared(self) -> bool:
        """Whether other machines use it by its name; a question never refreshes one of theirs."""
        return bool(self.uri and self.name)

    @property
    def where(self) -> str:
        """The place in words."""
        if not self.uri:
            return str(self.folder)
        return f"{self.uri}, as {self.name}" if self.name and self.is_on_server else self.uri

    def open(self, may_use: MayUse) -> Store:
        """Open the store; nothing is sent to a host or read from it before it is allowed.

        :raises NotAllowed: the user has not allowed the host.
        :raises UsageError: a package that it needs is not installed.
        """
        lite = ("milvus_lite",) if urls.is_file(self.uri) else ()
        for package in ("pymilvus", *lite) if self.uri else ():
            if importlib.util.find_spec(package) is None:
                raise UsageError(
                    f"the store {self.kind} needs the package {package}, which is not installed",
                    hint=install_command(self.kind),
                )
        if (host := self.host) and not may_use(host):
            raise NotAllowed(
                f"the index is kept on {host}, which you have not allowed to store notes; nothing "
                f"was sent or read (it would be sent {SENT})",
                hint="ragqa ask QUESTION --yes; or, to keep it here: ragqa config set store local",
            )
        if not self.uri:
            return Store(self.folder)
        from ragqa.index.milvus import MilvusStore

        return MilvusStore(self.folder, self.uri, self.name)
