"""Which rows are visible: a record of each generation, in a collection of its own.

Every writer has a unique number, its attempt. A row has the attempt in which it was born and the
one in which it died; a record has the attempt that made it and the void attempts before it. So one
inserted record publishes a generation, and nobody sees what a killed writer left or what a writer
presumed dead still writes: the turn names the last attempt and the records that came too late.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from ragqa.errors import IndexUnusable, OlderFormat, OtherFormat
from ragqa.stores.cells import number
from ragqa.stores.failures import REBUILD
from ragqa.stores.infos import UNREADABLE, digest_of, info_json, info_of, typed
from ragqa.stores.milvus_client import Client, Row
from ragqa.stores.milvus_rows import MAX_TEXT_BYTES, in_ranges
from ragqa.types import IndexInfo

FORMAT = 2
"""The format version, incremented whenever the meaning of rows or their passages changes."""

OLDEST = 1
"""The oldest format whose embeddings a rebuild for a newer format reuses."""

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

    @property
    def mean_length(self) -> float:
        """The mean number of terms in a passage."""
        return self.terms / max(1, self.info.passages)


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


@dataclass(frozen=True, slots=True)
class Names:
    """The names of an index's collections."""

    name: str

    @property
    def records(self) -> str:
        """The collection of records."""
        return self.name

    def passages(self, base: int) -> str:
        """The collection of passages that this attempt created."""
        return f"{self.name}_p{base}"

    def notes(self, base: int) -> str:
        """The collection of notes that this attempt created."""
        return f"{self.name}_n{base}"

    def bases(self, collections: Iterable[str]) -> set[int]:
        """The attempts that created those of these collections that belong to this index."""
        ends = (each.removeprefix(f"{self.name}_") for each in collections)
        return {int(end[1:]) for end in ends if end[:1] in ("p", "n") and end[1:].isdecimal()}


def record_row(generation: Generation) -> Row:
    """The row that publishes a generation.

    :raises IndexUnusable: the record is too large for a row.
    """
    content = {
        "format": FORMAT,
        "info": info_json(generation.info),
        "base": generation.base,
        "void": list(generation.void),
        "terms": generation.terms,
        "written": generation.written,
    }
    data = json.dumps({**content, "digest": digest_of(content)}, allow_nan=False)
    if len(data) > MAX_TEXT_BYTES:
        raise IndexUnusable(
            f"the record of the next generation takes {len(data)} bytes, with "
            f"{len(generation.info.skipped)} skipped files, and Milvus allows {MAX_TEXT_BYTES}",
            hint="exclude folders in .ragqaignore, or: ragqa index --rebuild",
        )
    return {
        "pk": generation.attempt,
        "generation": generation.info.generation,
        "data": data,
        "anchor": [1.0, 0.0],
    }


def rows_of_records(client: Client, names: Names) -> list[Row]:
    """The rows of all valid records, oldest first."""
    return _turn_and_records(client, names)[1]


def is_newest(client: Client, names: Names, attempt: int) -> bool:
    """Whether an attempt's record is inserted and no later attempt has begun."""
    turn, records = _turn_and_records(client, names)
    return turn.attempt == attempt and any(row["pk"] == attempt for row in records)


def begin_turn(client: Client, names: Names) -> Turn:
    """Begin an attempt with a unique number; only the lease holder may.

    Announce the turn first and query the records afterwards: a writer that inserts its record later
    can then see that it was too late.
    """
    before, records = _turn_and_records(client, names)
    attempt = 1 + max([before.attempt, *(row["pk"] for row in records)])
    _put_turn(client, names, Turn(attempt, before.late))
    newest = max((row["pk"] for row in rows_of_records(client, names)), default=0)
    turn = Turn(attempt, (newest, attempt))
    _put_turn(client, names, turn)
    return turn


def end_turn(client: Client, names: Names) -> int:
    """The last attempt begun; if it failed, invalidate any record of it from now on.

    Even after a call has failed, what it sent may still arrive.
    """
    turn, records = _turn_and_records(client, names)
    newest = int(records[-1]["pk"]) if records else 0
    return newest if turn.attempt <= newest else begin_turn(client, names).attempt


def _turn_and_records(client: Client, names: Names) -> tuple[Turn, list[Row]]:
    rows = client.query(names.records, "pk >= 0", ("pk", "generation", "data"))
    turn = next((_read_turn(row) for row in rows if row["pk"] == 0), Turn(0))
    records = [row for row in rows if turn.counts(row["pk"])]
    return turn, sorted(records, key=lambda row: int(row["pk"]))


def _put_turn(client: Client, names: Names, turn: Turn) -> None:
    row: Row = {
        "pk": 0,
        "generation": turn.attempt,
        "data": json.dumps(turn.late),
        "anchor": [1.0, 0.0],
    }
    client.upsert(names.records, [row])


def _read_turn(row: Row) -> Turn:
    """Parse a turn; an unreadable one invalidates no records."""
    attempt = row["generation"] if 0 <= row["generation"] < MAX_ATTEMPTS else 0
    try:
        after, before = json.loads(row["data"])
        return Turn(attempt, (int(after), int(before)))
    except (ArithmeticError, RecursionError, TypeError, ValueError):
        return Turn(attempt)


def read_record(row: Row, place: str, *, oldest: int = FORMAT) -> Generation:
    """Parse a record.

    :param place: the index and where it is, for messages.
    :param oldest: the oldest format to accept; records of all formats are alike.
    :raises IndexUnusable: it is damaged or in another format.
    """
    try:
        content = json.loads(typed(row, "data", str))
        _check_seal(content, place, oldest)
        generation = Generation(
            info=info_of(typed(content, "info", dict)),
            attempt=typed(row, "pk", int),
            base=typed(content, "base", int),
            void=tuple(
                (number(first), number(last)) for first, last in typed(content, "void", list)
            ),
            terms=typed(content, "terms", int),
            written=typed(content, "written", float),
        )
        _check_numbers(generation)
    except UNREADABLE as exc:
        raise IndexUnusable(
            f"the record of the newest generation {place} is damaged: {exc!s:.80}", hint=REBUILD
        ) from exc
    return generation


def _check_numbers(generation: Generation) -> None:
    info = generation.info
    attempts = (generation.base, *chain.from_iterable(generation.void))
    counts = (info.generation, info.notes, info.passages, generation.terms)
    if min(attempts) < 1 or min(counts) < 0 or max(*attempts, *counts) > MAX_ATTEMPTS:
        raise ValueError("it holds a number out of range")


def _check_seal(content: dict[str, object], place: str, oldest: int) -> None:
    format_ = typed(content, "format", int)
    if format_ < oldest:
        raise OlderFormat(
            f"the index {place} was made by an older ragqa, in format {format_}; this one reads "
            f"format {FORMAT}",
            hint="bring it up to date: ragqa index",
        )
    if format_ > FORMAT:
        raise OtherFormat(
            f"the index {place} was written in format {format_}; this ragqa reads format {FORMAT}",
            hint=REBUILD,
        )
    if content.pop("digest") != digest_of(content):
        raise ValueError("it does not match its own digest")


def retained(generations: Sequence[Generation], now: float) -> list[Generation]:
    """The generations that may still be read: the newest, and any replaced in_ranges the last hour.

    :param generations: all generations, oldest first.
    :param now: seconds since 1970.
    """
    newer = [*(each.written for each in generations[1:]), float("inf")][: len(generations)]
    return [each for each, until in zip(generations, newer, strict=True) if until + KEPT_S > now]
