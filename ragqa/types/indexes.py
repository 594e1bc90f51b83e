"""What an index says of itself and of what was done to it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ragqa.types.notes import NoteRecord, Skipped, with_parents


def counted(number: int, noun: str) -> str:
    """A number of things in words: "1 note", "2 notes"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


@dataclass(frozen=True, slots=True)
class EmbedderInfo:
    """Who made the embeddings: everything that, when changed, makes old embeddings useless.

    `window` is in tokens, special tokens included. `weights_sha256` is the digest of the weights.
    """

    name: str
    weights_sha256: str
    dimension: int
    window: int
    pooling: str
    query_prompt: str = ""
    passage_prompt: str = ""


@dataclass(frozen=True, slots=True)
class DenseInfo:
    """How the nearest vectors are found.

    `kind` is "exact", where every vector is compared, or "ivf": a search visits the `probes`
    nearest of so many `lists`. `recall` is recall@10 against exact search, over a sample of the
    vectors, as measured when the lists were made. With "hnsw" a graph of neighbours is searched, of
    which it is not measured.
    """

    kind: str = "exact"
    lists: int = 0
    probes: int = 0
    recall: float = 1.0


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What one generation of an index holds and how it was made."""

    generation: int
    embedder: EmbedderInfo
    dtype: str
    canary: tuple[float, ...]
    chunking: Mapping[str, int]
    notes: int
    passages: int
    corpus: str
    created: str
    skipped: tuple[Skipped, ...] = ()
    dense: DenseInfo = DenseInfo()


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What one run of indexing did; `newly_skipped` is what was not skipped the time before."""

    info: IndexInfo
    added: int
    changed: int
    removed: int
    unchanged: int
    skipped: tuple[Skipped, ...]
    newly_skipped: tuple[Skipped, ...]
    seconds: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoteList:
    """The notes of an index that filters let through, by path."""

    notes: tuple[NoteRecord, ...]
    info: IndexInfo
    warnings: tuple[str, ...] = ()

    @property
    def tags(self) -> dict[str, int]:
        """Each tag with the number of notes that have it, or one nested in it; by name.

        Tags that differ in case alone are one, in the spelling that comes first.
        """
        counts, spelled = Counter[str](), dict[str, str]()
        for note in self.notes:
            tags = {above for tag in note.tags for above in with_parents(tag)}
            for tag in sorted(tags):
                spelled.setdefault(tag.casefold(), tag)
            counts.update({tag.casefold() for tag in tags})
        return {spelled[tag]: notes for tag, notes in sorted(counts.items())}


@dataclass(frozen=True, slots=True)
class Building:
    """What is known of another process that is writing the index.

    `since` is when it began, in UTC and ISO; `embedded` counts the passages that it has embedded
    and kept so far, those of an interrupted build included.
    """

    since: str
    embedded: int

    def __str__(self) -> str:
        began = datetime.fromisoformat(self.since).astimezone()
        many = counted(self.embedded, "passage")
        return f"since {began:%Y-%m-%d %H:%M:%S}, {many} embedded so far"
