"""A generation copied out of the reach of a writer that is not heard of any more.

A writer that was stopped for longer than its lease may be about to mark rows as dead in collections
that it knows, over the marks of whoever writes after it, and Milvus compares nothing before a
change. So the next writer leaves these collections behind.
"""

import time
from collections.abc import Iterable
from dataclasses import replace

from ragqa.stores.milvus_client import Client, Row, batches
from ragqa.stores.milvus_lease import Lease
from ragqa.stores.milvus_records import Generation, Names, record_row
from ragqa.stores.milvus_rows import ALIVE
from ragqa.stores.milvus_schema import (
    NOTE_FIELDS,
    PASSAGE_FIELDS,
    create_notes,
    create_passages,
    index_embeddings,
)


def move(client: Client, names: Names, lease: Lease, old: Generation) -> None:
    """Make a generation of the same rows in collections of this attempt, and begin the next.

    :raises IndexUnusable: the server fails; all is as it was then.
    """
    attempt = lease.attempt
    passages, notes = names.passages(attempt), names.notes(attempt)
    create_passages(client, passages, old.info.embedder.dimension)
    create_notes(client, notes)
    for there, here, fields in (
        (names.passages(old.base), passages, PASSAGE_FIELDS),
        (names.notes(old.base), notes, NOTE_FIELDS),
    ):
        _copy(client, lease, client.each(there, old.visible, fields), here)
    dense = index_embeddings(client, passages, old.info.passages)
    client.load(passages)
    info = replace(old.info, generation=old.info.generation + 1, dense=dense)
    new = replace(old, info=info, attempt=attempt, base=attempt, void=(), written=time.time())
    lease.check()
    client.upsert(names.records, [record_row(new)])
    lease.confirm()
    lease.leave_behind()
    lease.begin_again()


def _copy(client: Client, lease: Lease, rows: Iterable[Row], collection: str) -> None:
    """Put rows in as born with this attempt, under the keys that they have."""
    for batch in batches(row | {"born": lease.attempt, "died": ALIVE} for row in rows):
        lease.check()
        client.upsert(collection, batch)
