"""What an index says of itself and of what was done to it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ragqa.types.notes import Skipped


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
