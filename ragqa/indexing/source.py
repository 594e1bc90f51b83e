"""What an index is made from and how, and whether an index at hand was made that way."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ragqa.embedders import CANARY, Embedder, embedder_for
from ragqa.embedders.workers import WorkersFor, here
from ragqa.errors import EmbedderMismatch, IndexUnusable
from ragqa.notes import Walk, walk_notes
from ragqa.passages import Chunking
from ragqa.types import EmbedderInfo, IndexInfo

_CANARY_COSINE = 0.99
_REBUILD = "ragqa index --rebuild"


@dataclass
class Embedders:
    """The two forms of one embedder, each made when first used and then kept.

    :ivar workers: who embeds where there is much to embed.
    """

    spec: str
    make: Callable[..., Embedder] = embedder_for
    workers: WorkersFor = here

    @cached_property
    def asking(self) -> Embedder:
        """The form that starts fast."""
        return self.make(self.spec, building=False)

    @cached_property
    def building(self) -> Embedder:
        """The form that embeds many passages fast."""
        return self.make(self.spec, building=True)


@dataclass(frozen=True, slots=True)
class Source:
    """Which notes make an index, where it lies, and how passages and embeddings are made.

    `shared_as` is the name of an index that several machines use, or "".
    """

    corpus: Path
    index: Path
    embedders: Embedders
    chunking: Chunking
    max_note_bytes: int
    shared_as: str = ""

    @property
    def origin(self) -> str:
        """The corpus as seen from the index, so that both can be moved together.

        Of a shared index it is the name of the folder, which lies elsewhere on each machine.
        """
        return self.corpus.name if self.shared_as else os.path.relpath(self.corpus, self.index)

    def walk(self) -> Walk:
        """Find the notes; raises as `walk_notes` does."""
        return walk_notes(self.corpus, max_note_bytes=self.max_note_bytes)


def check_origin(info: IndexInfo, source: Source) -> None:
    """Make sure that an index was made from this corpus with these settings.

    :raises IndexUnusable: it was made from other notes, or with other passage settings.
    """
    check_corpus(info, source)
    wanted = source.chunking.as_mapping()
    if dict(info.chunking) != wanted:
        raise IndexUnusable(
            f"the index in {source.index} was built with passages made by {dict(info.chunking)}, "
            f"the settings now say {wanted}",
            hint=_REBUILD,
        )


def check_corpus(info: IndexInfo, source: Source) -> None:
    """Make sure that an index was made from this corpus.

    :raises IndexUnusable: it was made from other notes.
    """
    if info.corpus != source.origin:
        if source.shared_as:
            raise IndexUnusable(
                f"the shared index {source.shared_as} was built from a folder of notes called "
                f"{info.corpus}, not {source.origin}",
                hint=f"use another store_name, or replace that index for all: {_REBUILD}",
            )
        built_from = os.path.normpath(source.index / info.corpus)
        raise IndexUnusable(
            f"the index in {source.index} was built from notes that lie, as seen from there, in "
            f"{built_from}, not from {source.corpus}",
            hint=f"use another --index, or replace it: {_REBUILD}",
        )


def check_embedder(info: IndexInfo, embedder: Embedder) -> None:
    """Make sure that an index and an embedder belong together, by fingerprint and by vector.

    :raises EmbedderMismatch: they do not; the message names both.
    """
    built, asked = info.embedder, embedder.info
    if replace(built, name="") != replace(asked, name=""):
        raise EmbedderMismatch(
            f"the index was built with the embedder {_describe(built)}, "
            f"but the one in use is {_describe(asked)}",
            hint=f"set the embedder back, or {_REBUILD}",
        )
    canary = embedder.embed_passages([CANARY])[0]
    stored = np.asarray(info.canary, dtype=np.float32)
    cosine = float(stored @ canary) if stored.shape == canary.shape else math.nan
    if not cosine >= _CANARY_COSINE:
        raise EmbedderMismatch(
            f"the embedder {asked.name} now gives other vectors than when the index was built "
            f"(cosine {cosine:.3f} for the same sentence)",
            hint=_REBUILD,
        )


def _describe(info: EmbedderInfo) -> str:
    return (
        f"{info.name} (weights {info.weights_sha256[:12]}, {info.dimension} dimensions, "
        f"window {info.window}, {info.pooling} pooling)"
    )
