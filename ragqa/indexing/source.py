"""What an index is built from and how, and checks that an index was built that way."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ragqa.embedders import CANARY, Embedder, embedder_for
from ragqa.embedders.workers import WorkersFor, here
from ragqa.errors import EmbedderMismatch, IndexUnusable, OtherFormat
from ragqa.notes import Walk, walk_notes
from ragqa.passages import Chunking
from ragqa.types import Corpus, EmbedderInfo, IndexInfo, Progress

_CANARY_COSINE = 0.99
_REBUILD = "ragqa index --rebuild"


@dataclass
class Embedders:
    """The two forms of one embedder, each created on first use.

    :ivar workers: starts the workers for large amounts of text.
    """

    spec: str
    make: Callable[..., Embedder] = embedder_for
    workers: WorkersFor = here

    @cached_property
    def asking(self) -> Embedder:
        """The form that starts fast, for queries."""
        return self.make(self.spec, building=False)

    @cached_property
    def building(self) -> Embedder:
        """The form that embeds many passages fast, for indexing."""
        return self.make(self.spec, building=True)

    def load_building(self, report: Progress) -> Embedder:
        """The form for indexing; loading it may take seconds, so that is reported."""
        report("loading", 0, 1)
        embedder = self.building
        report("loading", 1, 1)
        return embedder


@dataclass(frozen=True, slots=True)
class Source:
    """The notes, place, embedders and passage settings of an index.

    `shared_name` is the name of an index that several machines use, or "".
    """

    corpus: Corpus
    index: Path
    embedders: Embedders
    chunking: Chunking
    max_note_bytes: int
    formats: tuple[str, ...] = ()
    shared_name: str = ""

    @property
    def origin(self) -> str:
        """The corpus's path relative to the index, so that both can be moved together.

        For a shared index, the folder's name, since its path differs between machines. Of several
        folders, a line for each, beginning with its name.
        """
        return "\n".join(
            f"{prefix} {folder.name if self.shared_name else os.path.relpath(folder, self.index)}"
            for prefix, folder in sorted(self.corpus.prefixed)
        ).strip()

    def walk(self) -> Walk:
        """Find the notes; raises as `walk_notes` does."""
        return walk_notes(self.corpus, max_note_bytes=self.max_note_bytes, formats=self.formats)


def check_origin(info: IndexInfo, source: Source) -> None:
    """Check that an index was built from this corpus with these settings.

    :raises OtherFormat: another version of ragqa built it, with other passages.
    :raises IndexUnusable: it was built from other notes, or with other passage settings.
    """
    check_corpus(info.corpus, source)
    wanted = source.chunking.as_mapping()
    if info.chunking.get("version") != wanted["version"]:
        raise OtherFormat(
            f"the index in {source.index} was built by another version of ragqa, with passages of "
            f"version {info.chunking.get('version')}; this one makes version {wanted['version']}",
            hint=_REBUILD if source.shared_name else "ragqa index",
        )
    if dict(info.chunking) != wanted:
        raise IndexUnusable(
            f"the index in {source.index} was built with passage settings {dict(info.chunking)}, "
            f"the settings are now {wanted}",
            hint=_REBUILD,
        )


def check_corpus(corpus: str, source: Source) -> None:
    """Check that an index that says what it was built from was built from this corpus.

    :raises IndexUnusable: it was built from other notes.
    """
    if corpus != source.origin:
        if source.shared_name:
            raise IndexUnusable(
                f"the shared index {source.shared_name} was built from a folder of notes called "
                f"{corpus}, not {source.origin}",
                hint=f"use another store_name, or replace that index for everyone: {_REBUILD}",
            )
        lines = corpus.split("\n")
        places = [line.partition("/ ")[2] for line in lines] if len(lines) > 1 else lines
        built_from = ", ".join(os.path.normpath(source.index / place) for place in places)
        raise IndexUnusable(
            f"the index in {source.index} was built from the notes in {built_from}, "
            f"not from {source.corpus}",
            hint=f"use another --index, or replace it: {_REBUILD}",
        )


def check_embedder(info: IndexInfo, embedder: Embedder) -> None:
    """Check that an embedder matches an index, by fingerprint and by vector.

    :raises EmbedderMismatch: it does not; the message names both.
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
