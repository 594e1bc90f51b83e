"""Sweep up old generations and the leftovers of failed writers."""

import time

from ragqa.stores.milvus.client import Client
from ragqa.stores.milvus.lease import claims
from ragqa.stores.milvus.records import Generation, readable_records, retained, rows_of_records
from ragqa.stores.milvus.rows import any_of, in_ranges


def has_leftovers(client: Client) -> bool:
    """Whether a sweep would find old generations or leftovers of a killed writer."""
    if not client.has(client.records):
        return False
    generations = readable_records(client)
    kept = retained(generations, time.time())
    return (
        len(kept) < len(generations)
        or not client.bases() <= {each.base for each in kept}
        or any(claim.has_ended for claim in claims(client))
    )


def sweep(client: Client, attempt: int) -> None:
    """Remove what no readable generation needs; only the lease holder may.

    :param attempt: the last attempt begun: every attempt since the newest generation, this one
        included, has failed.
    """
    newest = max((row["pk"] for row in rows_of_records(client)), default=0)
    kept = retained(readable_records(client), time.time())
    is_sound = not newest or any(each.attempt == newest for each in kept)
    for base in sorted(client.bases() - {each.base for each in kept}):
        # Later ones belong to a writer that took this one for dead. And if the newest record is
        # unreadable, another ragqa may read it, or a person may want to inspect its rows.
        if base <= attempt and (is_sound or base > newest):
            client.drop(client.passages(base))
            client.drop(client.notes(base))
    if kept and is_sound:
        # Records first: a reader that still finds its record has read all its rows.
        gone = f"pk > 0 and pk < {newest} and not ({any_of('pk', [each.attempt for each in kept])})"
        _delete(client, client.records, gone)
        _remove_rows(client, kept, attempt)


def _remove_rows(client: Client, kept: list[Generation], attempt: int) -> None:
    newest = kept[-1]
    void = [*newest.void]
    if attempt > newest.attempt:
        void.append((newest.attempt + 1, attempt))
    oldest = min(each.attempt for each in kept if each.base == newest.base)
    dead = f"died <= {oldest}"
    if newest.void:
        dead = f"{dead} and not {in_ranges('died', newest.void)}"
    for collection in (client.passages(newest.base), client.notes(newest.base)):
        if not client.has(collection):
            continue  # a rebuild uses other collections
        client.load_if_needed(collection)
        for where in (*([in_ranges("born", void)] if void else []), dead):
            _delete(client, collection, where)


def _delete(client: Client, collection: str, where: str) -> None:
    """Delete the rows that match a condition, if there are any."""
    if client.count(collection, where):
        client.delete(collection, where)
