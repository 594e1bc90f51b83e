"""What finds the passages of an index. To add an engine, see `CONTRIBUTING.md`."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ragqa.index.database import Derived
from ragqa.index.ranking import ScoredId
from ragqa.types import IndexInfo, NoteRecord, Passage, Vector


class Engine(Protocol):
    """Finds the passages of one committed index, or is changed to those of the next.

    It is made from what a writer puts into the database, and is made again where it is in doubt.
    Notes go by their numbers in the database; `allowed` are those to search, None for all.

    :raises IndexUnusable: in every method: it cannot be read, written or trusted.
    """

    def nearest(self, vector: Vector, k: int, allowed: Sequence[int] | None) -> list[ScoredId]:
        """The k nearest passages to a vector, shape (dimension,), best first, ties by id."""
        ...

    def best(self, terms: Sequence[str], k: int, allowed: Sequence[int] | None) -> list[ScoredId]:
        """The k best passages by BM25 over any of the terms, ties by id; repeated ones count."""
        ...

    def counts(self, terms: Sequence[str]) -> Mapping[str, int]:
        """How many passages have each term."""
        ...

    def terms_with_prefix(self, prefix: str) -> list[str]:
        """Terms with this prefix, most frequent first; [] if the engine cannot list its terms."""
        ...

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """The passages with these ids, in the order given; raises if one is not there."""
        ...

    def passages_of(self, notes: Sequence[int]) -> list[Passage]:
        """The passages of notes, in any order."""
        ...

    def vectors(self, keys: Sequence[int]) -> Mapping[int, Vector]:
        """The sound embeddings, shape (dimension,), by embedding key, of those that there are."""
        ...

    def add(
        self,
        note: int,
        record: NoteRecord,
        passages: Sequence[Passage],
        vectors: Sequence[Vector | None],
    ) -> None:
        """Add a note with its passages and the embedding of each, shape (dimension,).

        None for one that has none yet, which only the local engine is given.
        """
        ...

    def commit(self, info: IndexInfo, gone: Sequence[int]) -> tuple[IndexInfo, dict[str, Derived]]:
        """Make what was added durable, without the notes that are gone.

        :returns: the info, with how it finds the nearest, and what the manifest is to name.
        """
        ...

    def tidy(self) -> None:
        """Remove what the committed index does not need, as far as possible."""
        ...
