"""What says which rows count: a record of each generation, in a collection of its own.

Every writer has a number that no other has or had, its attempt. A row says in which attempt it was
born and in which it died, and a record which attempt it ends and which attempts before it came to
nothing. So one inserted record brings a generation to light, and whatever a writer that was killed
has left, or one that was given up for dead still writes, is seen by nobody: a turn says whose the
last attempt is, and which records before it came too late.
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
from ragqa.stores.milvus_rows import MAX_TEXT_BYTES, within
from ragqa.types import IndexInfo

FORMAT = 2
"""Raised whenever rows or the passages in them change their meaning."""

OLDEST = 1
"""The oldest format whose embeddings are taken over when an index is rebuilt for a newer one."""

MOST_ATTEMPTS = 2**40
"""No index comes to as many, and a number above is nothing that a writer has put in."""

KEPT_S = 3600.0
"""So long after a newer generation came, an older one still answers who had opened it."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation.

    :param attempt: of the writer that made it.
    :param base: the attempt that made its collections.
    :param void: the attempts since then that came to nothing, in ranges with both ends.
    :param terms: how many terms all passages have together.
    :param written: when it was, in seconds since 1970.
    """

    info: IndexInfo
    attempt: int
    base: int
    void: tuple[tuple[int, int], ...]
    terms: int
    written: float

    @property
    def visible(self) -> str:
        """The condition that a row counts."""
        alive = f"died > {self.attempt}"
        if not self.void:
            return f"born <= {self.attempt} and {alive}"
        return (
            f"born <= {self.attempt} and not {within('born', self.void)} "
            f"and ({alive} or {within('died', self.void)})"
        )

    @property
    def mean_length(self) -> float:
        """How many terms a passage has on average."""
        return self.terms / max(1, self.info.passages)


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose attempt it is to write.

    :param attempt: the last that was begun; 0 where none was.
    :param late: records of attempts between these two count for nothing.
    """

    attempt: int
    late: tuple[int, int] = (0, 0)

    def counts(self, attempt: int) -> bool:
        """Whether a record of this attempt is of a generation."""
        most = self.attempt or MOST_ATTEMPTS
        return 0 < attempt <= most and not self.late[0] < attempt < self.late[1]


@dataclass(frozen=True, slots=True)
class Names:
    """What the collections of an index are called."""

    name: str

    @property
    def records(self) -> str:
        """The collection of records."""
        return self.name

    def passages(self, base: int) -> str:
        """The collection of the passages that began with this attempt."""
        return f"{self.name}_p{base}"

    def notes(self, base: int) -> str:
        """The collection of the notes that began with this attempt."""
        return f"{self.name}_n{base}"

    def bases(self, collections: Iterable[str]) -> set[int]:
        """The attempts that made any of these collections, so far as they are this index's."""
        ends = (each.removeprefix(f"{self.name}_") for each in collections)
        return {int(end[1:]) for end in ends if end[:1] in ("p", "n") and end[1:].isdecimal()}


def record_row(generation: Generation) -> Row:
    """The row that brings a generation to light.

    :raises IndexUnusable: it is more than a row can hold.
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
            f"{len(generation.info.skipped)} skipped files, and Milvus holds {MAX_TEXT_BYTES}",
            hint="leave folders out by a line in .ragqaignore, or ragqa index --rebuild",
        )
    return {
        "pk": generation.attempt,
        "generation": generation.info.generation,
        "data": data,
        "anchor": [1.0, 0.0],
    }


def rows_of_records(client: Client, names: Names) -> list[Row]:
    """The rows of all records that count, oldest first."""
    return _turn_and_records(client, names)[1]


def is_newest(client: Client, names: Names, attempt: int) -> bool:
    """Whether an attempt has its record in, and no other has begun."""
    turn, records = _turn_and_records(client, names)
    return turn.attempt == attempt and any(row["pk"] == attempt for row in records)


def begin_turn(client: Client, names: Names) -> Turn:
    """Begin an attempt, with a number that no other has or had; only who has the lease may.

    First it is said that the turn is another's, and then looked which records are in: whoever puts
    one in later can see that it was too late.
    """
    before, records = _turn_and_records(client, names)
    attempt = 1 + max([before.attempt, *(row["pk"] for row in records)])
    _put_turn(client, names, Turn(attempt, before.late))
    newest = max((row["pk"] for row in rows_of_records(client, names)), default=0)
    turn = Turn(attempt, (newest, attempt))
    _put_turn(client, names, turn)
    return turn


def end_turn(client: Client, names: Names) -> int:
    """The last attempt that was begun; if it came to nothing, no record of it counts from now on.

    Whatever a call was told, what it has sent may still arrive.
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
    """A turn; one that cannot be read calls no record late."""
    attempt = row["generation"] if 0 <= row["generation"] < MOST_ATTEMPTS else 0
    try:
        after, before = json.loads(row["data"])
        return Turn(attempt, (int(after), int(before)))
    except (ArithmeticError, RecursionError, TypeError, ValueError):
        return Turn(attempt)


def read_record(row: Row, place: str, *, oldest: int = FORMAT) -> Generation:
    """The generation that a record is of.

    :param oldest: the oldest format to read; records do not differ between them.
    :raises IndexUnusable: it is damaged, or of another format.
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
    if min(attempts) < 1 or min(counts) < 0 or max(*attempts, *counts) > MOST_ATTEMPTS:
        raise ValueError("it holds a number that nothing could have")


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
        raise ValueError("it is not what its own digest was taken of")


def still_kept(generations: Sequence[Generation], now: float) -> list[Generation]:
    """Those that may still be asked: the newest, and what was the newest an hour ago or later.

    :param generations: all, oldest first.
    """
    newer = [*(each.written for each in generations[1:]), float("inf")][: len(generations)]
    return [each for each, until in zip(generations, newer, strict=True) if until + KEPT_S > now]
