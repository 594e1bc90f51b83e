"""The store that the settings name, opened only where the user allowed what it is sent."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ragqa.config import Places, Settings
from ragqa.errors import NotAllowed
from ragqa.stores import SENT, Store, check_usable, open_store, remote_host

MayUse = Callable[[str], bool]
"""Whether a host, `HOST:PORT`, may be sent the text of notes."""


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where an index is kept: a kind of store, its URI and a name there, or a folder.

    What does not apply is "".
    """

    kind: str
    uri: str
    name: str
    folder: Path

    @classmethod
    def of(cls, settings: Settings, places: Places) -> "StorePlace":
        """Where these settings keep the index."""
        return cls(settings.store, settings.store_uri, settings.store_name, places.index)

    @property
    def host(self) -> str:
        """`HOST:PORT` that notes are sent to, "" where they stay on this machine."""
        return remote_host(self.kind, self.uri)

    @property
    def is_on_server(self) -> bool:
        """Whether a server keeps it, here or elsewhere, and no file."""
        return "://" in self.uri

    @property
    def is_shared(self) -> bool:
        """Whether other machines use it by its name: then no question changes it.

        Each machine has its notes as of another moment, and would take out what another put in.
        """
        return self.kind == "milvus" and self.name != ""

    @property
    def where(self) -> str:
        """Where that is, for people."""
        if not self.uri:
            return str(self.folder)
        return f"{self.uri}, as {self.name}" if self.name and self.is_on_server else self.uri

    def open(self, may_use: MayUse) -> Store:
        """Open it; nothing is sent before the host was allowed, and nothing is read from it.

        :raises NotAllowed: the user has not allowed it.
        :raises UsageError: there is no such store, or it needs what is not installed.
        """
        check_usable(self.kind, self.uri)
        host = self.host
        if host and not may_use(host):
            raise NotAllowed(
                f"the index is kept on {host}, which you have not allowed to store notes; nothing "
                f"was sent or read (it would be sent {SENT})",
                hint=f"ragqa store allow {host}, or --store local for an index on this machine",
            )
        return open_store(self.folder, kind=self.kind, uri=self.uri, name=self.name)


def was_allowed(host: str) -> bool:
    """Whether the user has allowed this host to store notes; they are not asked."""
    from ragqa.consent import Use, is_allowed

    return is_allowed(host, Use.STORE)
