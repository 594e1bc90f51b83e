"""The store that the settings name; a remote one is opened only with the user's consent."""

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
    """Where an index is stored: a kind of store with a URI and a name there, or a folder.

    Fields that do not apply are "".
    """

    kind: str
    uri: str
    name: str
    folder: Path

    @classmethod
    def of(cls, settings: Settings, places: Places) -> "StorePlace":
        """The place that these settings name."""
        return cls(settings.store, settings.store_uri, settings.store_name, places.index)

    @property
    def host(self) -> str:
        """The `HOST:PORT` that notes are sent to, "" if they stay on this machine."""
        return remote_host(self.kind, self.uri)

    @property
    def is_on_server(self) -> bool:
        """Whether a server stores it, here or elsewhere, instead of a file."""
        return "://" in self.uri

    @property
    def is_shared(self) -> bool:
        """Whether other machines use it by its name; questions then never refresh it.

        Machines' copies of the notes differ, so each would remove what another added.
        """
        return self.kind == "milvus" and self.name != ""

    @property
    def where(self) -> str:
        """The place in words."""
        if not self.uri:
            return str(self.folder)
        return f"{self.uri}, as {self.name}" if self.name and self.is_on_server else self.uri

    def open(self, may_use: MayUse) -> Store:
        """Open the store; nothing is sent to a host or read from it before it is allowed.

        :raises NotAllowed: the user has not allowed the host.
        :raises UsageError: there is no such store, or it needs a missing package.
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
    """Whether the user has already allowed this host to store notes; does not ask."""
    from ragqa.consent import Use, is_allowed

    return is_allowed(host, Use.STORE)
