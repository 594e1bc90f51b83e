"""What a refresh sends to Milvus: rows and bytes of each call."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np

from ragqa.api import Index, open_index
from ragqa.stores.milvus.client import Client, Row

_KINDS = {"p": "passages", "n": "notes"}


@dataclass(frozen=True, slots=True)
class Sent:
    """One call that changes something; `size` is in bytes, without what the protocol adds."""

    what: str
    rows: int
    size: int


def rows_sent(corpus: Path, folder: Path) -> Iterator[str]:
    """A table of what is sent when a copy of a corpus changes in several ways, in Markdown."""
    notes = folder / "notes"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(corpus, notes)
    yield "| change | rows sent: passages, notes | bytes | records: rows, bytes | calls |"
    yield "| --- | ---: | ---: | ---: | --- |"
    for name, change in CHANGES.items():
        change(notes)
        with open_index(notes, index=folder / "lite", settings={"store": "milvus"}) as index:
            sent = _refresh(index)
        rows = [each for each in sent if "record" not in each.what]
        counts = [
            sum(each.rows for each in rows if kind in each.what) for kind in ("passages", "notes")
        ]
        size = sum(each.size for each in rows)
        records = [each for each in sent if "record" in each.what]
        beside = f"{sum(each.rows for each in records)}, {sum(each.size for each in records):,}"
        calls = "; ".join(f"{each.what}: {each.rows} rows, {each.size:,} bytes" for each in rows)
        yield f"| {name} | {counts[0]}, {counts[1]} | {size:,} | {beside} | {calls} |"


def _refresh(index: Index) -> list[Sent]:
    with _listening() as sent:
        index.refresh()
    return sent


@contextmanager
def _listening() -> Iterator[list[Sent]]:
    """Note down what is sent to Milvus meanwhile."""
    sent: list[Sent] = []
    put, delete = Client.upsert, Client.delete

    def upsert(
        self: Client, collection: str, rows: Sequence[Row], *, partial: bool = False
    ) -> None:
        what = f"{'mark' if partial else 'put'} {_kind(collection)}"
        if rows:
            sent.append(Sent(what, len(rows), sum(map(_size_of_row, rows))))
        put(self, collection, rows, partial=partial)

    def remove(self: Client, collection: str, where: str) -> None:
        sent.append(Sent(f"delete {_kind(collection)}", 0, len(where)))
        delete(self, collection, where)

    with patch.object(Client, "upsert", upsert), patch.object(Client, "delete", remove):
        yield sent


def _size_of_row(row: Row) -> int:
    return sum(map(_size, row.values()))


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value.encode("utf-8", "replace"))
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    return sum(map(_size, value)) if isinstance(value, list) else 8


def _kind(collection: str) -> str:
    return _KINDS.get(collection.rpartition("_")[2][:1], "records")


def _middling(notes: Path) -> Path:
    """A note of middling length."""
    paths = sorted(notes.rglob("*.md"), key=lambda path: (path.stat().st_size, path))
    return paths[len(paths) // 2]


def _nothing(notes: Path) -> None:
    """Leave all as it is."""
    del notes


def _touch(notes: Path) -> None:
    os.utime(_middling(notes), (1_700_000_000, 1_700_000_000))


def _append(notes: Path) -> None:
    with _middling(notes).open("a", encoding="utf-8") as file:
        file.write("\nThe river rose again.\n")


def _rename(notes: Path) -> None:
    note = _middling(notes)
    note.rename(note.with_name(f"renamed-{note.name}"))


def _remove(notes: Path) -> None:
    _middling(notes).unlink()


CHANGES: dict[str, Callable[[Path], None]] = {
    "everything is new": _nothing,
    "nothing changed": _nothing,
    "one note with another time and the same text": _touch,
    "one note with a line more": _append,
    "one note renamed": _rename,
    "one note removed": _remove,
}
