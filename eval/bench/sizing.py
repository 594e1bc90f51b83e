"""Says by arithmetic what an index in Milvus takes: memory, disk, hours and money.

    python eval/bench/sizing.py                  # the tables of docs/scale.md
    python eval/bench/sizing.py --notes ~/notes  # with rows as long as these notes make them

Where each formula comes from stands in docs/scale.md. A GB is 10^9 bytes.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from describe import split_notes

from ragqa.embedders import DEFAULT_MODEL, Embedder, embedder_for
from ragqa.stores.milvus.rows import encoded_terms, note_row, passage_row
from ragqa.stores.milvus.schema import NOTE_NUMBERS, PASSAGE_NUMBERS
from ragqa.types import NoteRecord

SIZES = {"1 million": 10**6, "100 million": 10**8, "1 billion": 10**9}
DIMENSION = 384
_FLOAT, _LINK, _HASH, _POSTING = 4, 4, 8, 8
_LINKS = 60
_CLUSTERS, _ASSIGNMENT = 1024, 2
_SEGMENT = 1024 * 2**20
_DISKANN_CODES, _DISKANN_CACHE, _DISKANN_LINKS = 0.125, 0.1, 56
_USABLE = 0.9
_GENERATIONS = 2
_NO_VECTOR = np.empty(0, np.float32)


@dataclass(frozen=True, slots=True)
class Row:
    """Bytes that a passage takes on average, its embedding apart.

    `text` is its text and metadata as JSON, `terms` its terms as BM25 is given them, `postings`
    the sparse vector that Milvus makes of these, `numbers` what filters compare (its id, the two
    generations, hashes of tags and folders), `note` its share of its note's row.
    """

    text: float
    terms: float
    postings: float
    numbers: float
    note: float

    @property
    def searched(self) -> float:
        """What a search walks through."""
        return self.postings + self.numbers

    @property
    def read(self) -> float:
        """What is only read of the passages that were found."""
        return self.text + self.terms + self.note


WIKI = Row(text=1018, terms=496, postings=488, numbers=104, note=50)
"""Of the wiki that comes with ragqa."""


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """Bytes that a passage's embedding takes in an index: in memory, and in its files."""

    name: str
    memory: float
    files: float


@dataclass(frozen=True, slots=True)
class Speed:
    """Passages a second of some work, and how that is known."""

    work: str
    passages: float
    known: str


_EMBEDDED = 36
SPEEDS = (
    Speed("embedding on 2 cores", _EMBEDDED, "measured here"),
    Speed("embedding on 32 cores, if 16 times as fast", 16 * _EMBEDDED, "arithmetic"),
    Speed("embedding on a V100 GPU, sentences of unstated length", 14_200, "published, a bound"),
    Speed(
        "reading, splitting and writing (local store), one core", 954_235 / 1186, "measured here"
    ),
    Speed(
        "looking for changed notes (local store), one process",
        954_235 / (1.71 - 0.83),
        "measured here",
    ),
)


@dataclass(frozen=True, slots=True)
class Prices:
    """In any currency: a month of a GB of memory and of disk, an hour of two cores."""

    memory: float = 4.0
    disk: float = 0.05
    hour: float = 0.1


def graph(dimension: int, *, component: float = _FLOAT, links: int = _LINKS) -> float:
    """Bytes a passage in a graph: its embedding and the numbers of its neighbours."""
    return dimension * component + links * _LINK


def lists(dimension: int, *, code: float, rows: float, clusters: int = _CLUSTERS) -> float:
    """Bytes a passage in inverted lists: its code, its list, its share of a segment's centroids."""
    return code + _ASSIGNMENT + clusters * dimension * _FLOAT / rows


def indexes(dimension: int, row: Row) -> tuple[VectorIndex, ...]:
    """What an embedding takes in each type of index. Milvus makes one of each segment."""
    exact = dimension * _FLOAT
    rows = _SEGMENT / (exact + row.searched + row.read)
    disk = exact + _DISKANN_LINKS * _LINK
    in_memory = {
        "FLAT": exact,
        "HNSW": graph(dimension),
        "HNSW_SQ (SQ8)": graph(dimension, component=1),
        "IVF_SQ8": lists(dimension, code=dimension, rows=rows),
        "IVF_RABITQ": lists(dimension, code=dimension / 8, rows=rows),
        "IVF_RABITQ, refined by SQ8": lists(dimension, code=dimension * 9 / 8, rows=rows),
    }
    return (
        *(VectorIndex(name, size, size) for name, size in in_memory.items()),
        VectorIndex("DISKANN", exact * (_DISKANN_CODES + _DISKANN_CACHE), disk),
    )


def loaded(index: VectorIndex, row: Row, *, mapped: bool) -> float:
    """Bytes of memory a passage takes: all of it, or without what is mapped from disk."""
    return index.memory + row.searched + (0 if mapped else row.read)


def stored(index: VectorIndex, row: Row, dimension: int) -> float:
    """Bytes a passage takes in object storage: the row, uncompressed, and the index of it."""
    return dimension * _FLOAT + row.searched + row.read + index.files


def server(bytes_loaded: float) -> float:
    """Bytes of memory to have for what is loaded, and for a rebuild beside it."""
    return bytes_loaded * _GENERATIONS / _USABLE


def measure(folder: Path, embedder: Embedder) -> Row:
    """The row of a passage of these notes, on average."""
    count = text = terms = postings = numbers = notes = 0
    for note, passages in split_notes(folder, embedder):
        whole = note_row(NoteRecord.of(note, settled=True), 1)
        notes += (
            len(whole["data"]) + _FLOAT * len(whole["anchor"]) + _HASH * (1 + len(NOTE_NUMBERS))
        )
        for passage in passages:
            words = encoded_terms(passage)
            row = passage_row(passage, _NO_VECTOR, words, note.tags, 1)
            count += 1
            text += len(row["data"])
            terms += len(row["terms"])
            postings += _POSTING * len(set(words))
            labels = len(row["tags"]) + len(row["places"])
            numbers += _HASH * (1 + len(PASSAGE_NUMBERS) + labels)
    return Row(*(round(size / count) for size in (text, terms, postings, numbers, notes)))


def row_table(row: Row, dimension: int) -> str:
    """What a passage's row consists of, in bytes."""
    lines = {
        f"embedding, {dimension} x float32": dimension * _FLOAT,
        "text and metadata, as JSON": row.text,
        "terms for BM25": row.terms,
        "the sparse vector that Milvus makes of them": row.postings,
        "id, generations, hashes of tags and folders": row.numbers,
        "its share of its note's row": row.note,
    }
    lines["**in all**"] = sum(lines.values())
    return _table(
        ["of a passage", "bytes"], [(name, f"{size:,.0f}") for name, size in lines.items()]
    )


def index_table(row: Row, dimension: int) -> str:
    """The memory of the vector index alone."""
    return _table(
        ["index of the embeddings", "bytes a passage", *SIZES],
        [
            (index.name, f"{index.memory:,.0f}", *_bytes(index.memory))
            for index in indexes(dimension, row)
        ],
    )


def loaded_table(row: Row, dimension: int) -> str:
    """The memory of everything that is loaded."""
    return _table(
        ["loaded", *SIZES, *(f"{size}, text mapped" for size in SIZES)],
        [
            (
                index.name,
                *_bytes(loaded(index, row, mapped=False)),
                *_bytes(loaded(index, row, mapped=True)),
            )
            for index in indexes(dimension, row)
        ],
    )


def server_table(row: Row, dimension: int) -> str:
    """Memory and disk to have for the index that ragqa makes."""
    index = _made(row, dimension)
    whole, mapped = (loaded(index, row, mapped=mapped) for mapped in (False, True))
    disk = stored(index, row, dimension)
    lines = {
        "loaded": whole,
        "memory to have": server(whole),
        "loaded, text mapped": mapped,
        "memory to have, text mapped": server(mapped),
        "object storage": disk,
        "object storage beside a rebuild": disk * _GENERATIONS,
    }
    return _table(["HNSW", *SIZES], [(name, *_bytes(size)) for name, size in lines.items()])


def hours_table(speeds: Sequence[Speed] = SPEEDS) -> str:
    """How long building takes, and looking for changes."""
    return _table(
        ["work", "passages a second", "known by", *SIZES],
        [
            (
                speed.work,
                f"{speed.passages:,.0f}",
                speed.known,
                *(_duration(size / speed.passages) for size in SIZES.values()),
            )
            for speed in speeds
        ],
    )


def cost_table(row: Row, dimension: int, prices: Prices) -> str:
    """What the index that ragqa makes costs at these prices."""
    index = _made(row, dimension)
    disk = stored(index, row, dimension) * _GENERATIONS * prices.disk
    months = {
        "a month": server(loaded(index, row, mapped=False)) * prices.memory + disk,
        "a month, text mapped": server(loaded(index, row, mapped=True)) * prices.memory + disk,
    }
    hour = prices.hour / _EMBEDDED / 3600
    lines = [
        *((name, [cost / 1e9 * size for size in SIZES.values()]) for name, cost in months.items()),
        ("embedding, once", [hour * size for size in SIZES.values()]),
    ]
    return _table(
        ["at the example prices", *SIZES],
        [(name, *(f"{cost:,.0f}" for cost in costs)) for name, costs in lines],
    )


def tables(row: Row = WIKI, dimension: int = DIMENSION, prices: Prices | None = None) -> list[str]:
    """All tables, as Markdown."""
    return [
        row_table(row, dimension),
        index_table(row, dimension),
        loaded_table(row, dimension),
        server_table(row, dimension),
        hours_table(),
        cost_table(row, dimension, prices or Prices()),
    ]


def _made(row: Row, dimension: int) -> VectorIndex:
    return next(index for index in indexes(dimension, row) if index.name == "HNSW")


def _bytes(a_passage: float) -> list[str]:
    return [_size(a_passage * size) for size in SIZES.values()]


def _size(count: float) -> str:
    unit, name = (1e9, "GB") if count < 1e12 else (1e12, "TB")
    value = count / unit
    return f"{value:.{0 if value >= 10 else 1}f} {name}"


def _duration(seconds: float) -> str:
    for most, unit, name in ((100, 1, "s"), (3600, 60, "min"), (72 * 3600, 3600, "h")):
        if seconds < most:
            return f"{seconds / unit:.2g} {name}"
    return f"{seconds / 86400:,.0f} days"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---", *("---:" for _ in head[1:])], *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--notes", type=Path, help="measure the rows of these notes")
    parser.add_argument("--dimension", type=int, default=DIMENSION)
    parser.add_argument(
        "--prices",
        type=float,
        nargs=3,
        metavar=("MEMORY", "DISK", "HOUR"),
        default=astuple(Prices()),
        help="of a GB of memory and of disk a month, and of two cores an hour",
    )
    args = parser.parse_args()
    row = WIKI
    if args.notes:
        row = measure(args.notes, embedder_for(DEFAULT_MODEL, building=False))
    print("\n\n".join(tables(row, args.dimension, Prices(*args.prices))))


if __name__ == "__main__":
    main()
