"""Which rows are visible: a record of each generation, in a collection of its own.

Every writer has a unique number, its attempt. A row has the attempt in which it was born and the
one in which it died; a record has the attempt that made it and the void attempts before it. So one
inserted record publishes a generation, and nobody sees what a killed writer left or what a writer
presumed dead still writes: the turn names the last attempt and the records that came too late.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain

import msgspec

from ragqa.errors import IndexUnusable
from ragqa.stores.decoding import (
    MALFORMED,
    check_info,
    check_seal,
    decoded,
    digest_of,
    info_json,
)
from ragqa.stores.disk import REBUILD
from ragqa.stores.milvus.client import Client, Row
from ragqa.stores.milvus.rows import MAX_TEXT_BYTES, in_ranges
from ragqa.types import IndexInfo

FORMAT = 4
"""The format version, incremented whenever the meaning of rows or their passages changes."""

MAX_ATTEMPTS = 2**40
"""An upper bound of attempts; a greater number is forged."""

KEPT_S = 3600.0
"""How long a replaced generation remains readable for those who opened it."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation.

    :param attempt: the attempt of the writer that made it.
    :param base: the attempt that made its collections.
    :param void: the failed attempts since then, as inclusive ranges.
    :param terms: the total number of terms in all passages.
    :param written: when it was written, in seconds since 1970.
    """

    info: IndexInfo
    attempt: int
    base: int
    void: tuple[tuple[int, int], ...]
    terms: int
    written: float

    @property
    def visible(self) -> str:
        """The condition that a row belongs to this generation."""
        alive = f"died > {self.attempt}"
        if not self.void:
            return f"born <= {self.attempt} and {alive}"
        return (
            f"born <= {self.attempt} and not {in_ranges('born', self.void)} "
            f"and ({alive} or {in_ranges('died', self.void)})"
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """Which attempt may write.

    :param attempt: the last one begun; 0 if there is none.
    :param late: records of attempts between these two, both excluded, are ignored.
    """

    attempt: int
    late: tuple[int, int] = (0, 0)

    def counts(self, attempt: int) -> bool:
        """Whether a record of this attempt is valid."""
        most = self.attempt or MAX_ATTEMPTS
        return 0 < attempt <= most and not self.late[0] < attempt < self.late[1]


def small_row(pk: int, generation: int, data: str) -> Row:
    """A row of the collection of records: of a generation, the turn (0) or a claim (below 0)."""
    return {"pk": pk, "generation": generation, "data": data, "anchor": [1.0, 0.0]}


def record_row(generation: Generation) -> Row:
    """The row that publishes a generation.

    :raises IndexUnusable: the record is too large for a row.
    """
    content = {**asdict(generation), "format": FORMAT, "info": info_json(generation.info)}
    del content["attempt"]
    data = json.dumps({**content, "digest": digest_of(content)}, allow_nan=False)
    if len(data) > MAX_TEXT_BYTES:
        raise IndexUnusable(
            f"the record of the next generation takes {len(data)} bytes, with "
            f"{len(generation.info.skipped)} skipped files, and Milvus allows {MAX_TEXT_BYTES}",
            hint="exclude folders in .ragqaignore, or: ragqa index --rebuild",
        )
    return small_row(generation.attempt, generation.info.generation, data)


def read_record(row: Row, place: str) -> Generation:
    """Parse a record.

    :param place: the index and where it is, for messages.
    :raises IndexUnusable: it is damaged or in another format.
    """
    try:
        content = decoded(row["data"], dict[str, object])
        check_seal(content, place, FORMAT)
        generation = msgspec.convert({**content, "attempt": row["pk"]}, Generation)
        info = generation.info
        check_info(info)
        attempts = (generation.base, *chain.from_iterable(generation.void))
        counts = (info.generation, info.notes, info.passages, generation.terms)
        if min(attempts) < 1 or min(counts) < 0 or max(*attempts, *counts) > MAX_ATTEMPTS:
            raise ValueError("it holds a number out of range")
    except MALFORMED as exc:
        raise IndexUnusable(
            f"the record of the newest generation {place} is damaged: {exc!s:.80}", hint=REBUILD
        ) from exc
    return generation


def readable_records(client: Client) -> list[Generation]:
    """The generations whose records are valid and can be read, oldest first."""
    found = []
    for row in rows_of_records(client):
        try:
            found.append(read_record(row, client.place))
        except IndexUnusable:
            continue
    return found


def rows_of_records(client: Client) -> list[Row]:
    """The rows of all valid records, oldest first."""
    return _turn_and_records(client)[1]


def is_newest(client: Client, attempt: int) -> bool:
    """Whether an attempt's record is inserted and no later attempt has begun."""
    turn, records = _turn_and_records(client)
    return turn.attempt == attempt and any(row["pk"] == attempt for row in records)


def begin_turn(client: Client) -> int:
    """Begin an attempt, and return its unique number; only the lease holder may.

    Announce the turn first and query the records afterwards: a writer that inserts its record later
    can then see that it was too late.
    """
    before, records = _turn_and_records(client)
    attempt: int = 1 + max([before.attempt, *(row["pk"] for row in records)])
    _put_turn(client, Turn(attempt, before.late))
    newest = max((row["pk"] for row in rows_of_records(client)), default=0)
    _put_turn(client, Turn(attempt, (newest, attempt)))
    return attempt


def end_turn(client: Client) -> int:
    """The last attempt begun; if it failed, invalidate any record of it from now on.

    Even after a call has failed, what it sent may still arrive.
    """
    turn, records = _turn_and_records(client)
    newest = int(records[-1]["pk"]) if records else 0
    return newest if turn.attempt <= newest else begin_turn(client)


def _turn_and_records(client: Client) -> tuple[Turn, list[Row]]:
    rows = client.query(client.records, "pk >= 0", ("pk", "generation", "data"))
    turn = next((_read_turn(row) for row in rows if row["pk"] == 0), Turn(0))
    records = [row for row in rows if turn.counts(row["pk"])]
    return turn, sorted(records, key=lambda row: int(row["pk"]))


def _put_turn(client: Client, turn: Turn) -> None:
    client.upsert(client.records, [small_row(0, turn.attempt, json.dumps(turn.late))])


def _read_turn(row: Row) -> Turn:
    """Parse a turn; an unreadable one invalidates no records."""
    attempt = row["generation"] if 0 <= row["generation"] < MAX_ATTEMPTS else 0
    try:
        return Turn(attempt, decoded(row["data"], tuple[int, int]))
    except MALFORMED:
        return Turn(attempt)


def retained(generations: Sequence[Generation], now: float) -> list[Generation]:
    """The generations that may still be read: the newest, and any replaced in the last hour.

    :param generations: all generations, oldest first.
    :param now: seconds since 1970.
    """
    newer = [*(each.written for each in generations[1:]), float("inf")][: len(generations)]
    return [each for each, until in zip(generations, newer, strict=True) if until + KEPT_S > now]
