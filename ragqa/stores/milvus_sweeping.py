"""What is left of generations that nobody asks any more, and of writers that came to nothing."""

import time
from collections.abc import Iterable

from ragqa.errors import IndexUnusable
from ragqa.stores.milvus_client import Client, Row
from ragqa.stores.milvus_lease import claims
from ragqa.stores.milvus_records import (
    Generation,
    Names,
    read_record,
    rows_of_records,
    still_kept,
)
from ragqa.stores.milvus_rows import ALIVE, any_of


def has_leftovers(client: Client, names: Names) -> bool:
    """Whether a sweep would find something: what is old, or what a writer that was killed left."""
    if not client.has(names.records):
        return False
    generations = _all(client, names)
    kept = still_kept(generations, time.time())
    bases = names.bases(client.collections())
    return (
        len(kept) < len(generations)
        or not bases <= {each.base for each in kept}
        or any(claim.is_over for claim in claims(client, names))
    )


def sweep(client: Client, names: Names, attempt: int) -> None:
    """Remove what no generation needs that may still be asked; only who has the lease may.

    :param attempt: of the writer that has it: whatever was begun since the newest generation, this
        writer's own included, came to nothing.
    """
    generations = _all(client, names)
    kept = still_kept(generations, time.time())
    needed = {each.base for each in kept}
    for base in sorted(names.bases(client.collections()) - needed):
        client.drop(names.passages(base))
        client.drop(names.notes(base))
    if kept:
        _remove_rows(client, names, kept, attempt)
    expired = [each.attempt for each in generations if each not in kept]
    if expired:
        client.delete(names.records, any_of("pk", expired))


def _remove_rows(client: Client, names: Names, kept: list[Generation], attempt: int) -> None:
    newest = kept[-1]
    void = range(newest.attempt + 1, attempt + 1)
    oldest = min(each.attempt for each in kept if each.base == newest.base)
    dead = f"died <= {oldest}"
    if newest.void:
        dead = f"{dead} and not ({any_of('died', newest.void)})"
    for collection in (names.passages(newest.base), names.notes(newest.base)):
        if not client.is_loaded(collection):
            client.load(collection)
        if void and client.count(collection, any_of("born", void)):
            client.delete(collection, any_of("born", void))
        if void:
            _revive(client, collection, void)
        if client.count(collection, dead):
            client.delete(collection, dead)


def _revive(client: Client, collection: str, void: Iterable[int]) -> None:
    """Take back that rows died in attempts that came to nothing."""
    found = list(client.each(collection, any_of("died", void), ("pk",)))
    rows: list[Row] = [{"pk": row["pk"], "died": ALIVE} for row in found]
    client.upsert(collection, rows, partial=True)


def _all(client: Client, names: Names) -> list[Generation]:
    """All generations whose records can be read, oldest first."""
    found = []
    for row in rows_of_records(client, names):
        try:
            found.append(read_record(row, f"{names.name} at {client.uri}"))
        except IndexUnusable:
            continue
    return found
