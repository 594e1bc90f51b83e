"""Sweep up old generations and the leftovers of failed writers."""

import time
from collections.abc import Sequence

from ragqa.errors import IndexUnusable
from ragqa.stores.milvus_client import Client, Row
from ragqa.stores.milvus_lease import claims
from ragqa.stores.milvus_records import (
    OLDEST,
    Generation,
    Names,
    read_record,
    retained,
    rows_of_records,
)
from ragqa.stores.milvus_rows import any_of, in_ranges


def has_leftovers(client: Client, names: Names) -> bool:
    """Whether a sweep would find old generations or leftovers of a killed writer."""
    if not client.has(names.records):
        return False
    generations = _readable(rows_of_records(client, names), client, names)
    kept = retained(generations, time.time())
    bases = names.bases(client.collections())
    return (
        len(kept) < len(generations)
        or not bases <= {each.base for each in kept}
        or any(claim.has_ended for claim in claims(client, names))
    )


def sweep(client: Client, names: Names, attempt: int) -> None:
    """Remove what no readable generation needs; only the lease holder may.

    :param attempt: the last attempt begun: every attempt since the newest generation, this one
        included, has failed.
    """
    rows = rows_of_records(client, names)
    newest = rows[-1]["pk"] if rows else 0
    kept = retained(_readable(rows, client, names), time.time())
    needed = {each.base for each in kept}
    is_sound = not newest or any(each.attempt == newest for each in kept)
    for base in sorted(names.bases(client.collections()) - needed):
        # Later ones belong to a writer that took this one for dead. And if the newest record is
        # unreadable, another ragqa may read it, or a person may want to inspect its rows.
        if base <= attempt and (is_sound or base > newest):
            client.drop(names.passages(base))
            client.drop(names.notes(base))
    if kept and is_sound:
        # Records first: a reader that still finds its record has read all its rows.
        gone = f"pk > 0 and pk < {newest} and not ({any_of('pk', [each.attempt for each in kept])})"
        if client.count(names.records, gone):
            client.delete(names.records, gone)
        _remove_rows(client, names, kept, attempt)


def _remove_rows(client: Client, names: Names, kept: list[Generation], attempt: int) -> None:
    newest = kept[-1]
    void = [*newest.void]
    if attempt > newest.attempt:
        void.append((newest.attempt + 1, attempt))
    oldest = min(each.attempt for each in kept if each.base == newest.base)
    dead = f"died <= {oldest}"
    if newest.void:
        dead = f"{dead} and not {in_ranges('died', newest.void)}"
    for collection in (names.passages(newest.base), names.notes(newest.base)):
        if not client.has(collection):
            continue  # a rebuild uses other collections
        client.load_if_needed(collection)
        if void and client.count(collection, in_ranges("born", void)):
            client.delete(collection, in_ranges("born", void))
        if client.count(collection, dead):
            client.delete(collection, dead)


def _readable(rows: Sequence[Row], client: Client, names: Names) -> list[Generation]:
    """The generations whose records can be read, oldest first."""
    found = []
    for row in rows:
        try:
            place = f"{names.name} at {client.uri}"
            found.append(read_record(row, place, oldest=OLDEST))
        except IndexUnusable:
            continue
    return found
