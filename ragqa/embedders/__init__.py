"""From text to unit vectors: the `Embedder` protocol and its implementations, and workers.

To add an embedder: write a class with the members below in a module of this folder, choose it in
`embedder_for`, and run `pytest tests/contracts/test_embedder_contract.py`. Workers embed many
passages: this process, or others.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from threading import Thread
from typing import Protocol, TypeAlias

from ragqa.types import EmbedderInfo, Pieces, Progress, TokenVectors, Vectors

DEFAULT_MODEL = "all-MiniLM-L6-v2"

CANARY = "The quick brown fox asks its notes a question."
"""Embedded when an index is built and again before questions: the vectors must agree."""

logger = logging.getLogger("ragqa")


class Embedder(Protocol):
    """Turns text into unit vectors; equal texts always get equal vectors.

    `info` is the fingerprint stored with an index, `dtype` the number format of the computation:
    "float32" or "bfloat16".
    """

    info: EmbedderInfo
    dtype: str

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's untruncated tokens as a passage, special tokens and prompt included."""
        ...

    def pieces(self, texts: Sequence[str]) -> Pieces:
        """Measure the word pieces of some texts: how well the embedder can read them."""
        ...

    def embed_passages(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Embed passages in order; returns shape (len(texts), dimension), float32.

        :param progress: called with ("embedding", done, total).
        :raises ValueError: a text exceeds the window; it would be truncated silently.
        """
        ...

    def embed_query(self, text: str) -> TokenVectors:
        """Embed a question with its token vectors, truncated to the window."""
        ...

    def embed_sentences(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Embed candidate sentences with their token vectors, truncated to the window."""
        ...


_begun: dict[str, tuple[Thread, list[Embedder]]] = {}


def begin(model: str) -> None:
    """Open a model's export in a thread; `embedder_for` waits for it, and says what is wrong."""
    opened: list[Embedder] = []

    def run() -> None:
        with suppress(Exception):
            opened.extend(filter(None, [_exported(model)]))

    with suppress(RuntimeError):  # there may be no more threads
        thread = Thread(target=run, name="ragqa-model")
        thread.start()
        _begun[model] = thread, opened


def embedder_for(model: str, *, building: bool, dtype: str = "") -> Embedder:
    """Load the embedder of a model: on torch for building, from its export for asking.

    Both give the same results. An export that is missing or damaged is made, which loads torch; a
    model that cannot be exported runs on torch.

    :param model: its name or folder.
    :param building: whether it is to embed many passages, or to start fast.
    :param dtype: the number format for building; "" for the fastest.
    :raises UsageError: there is no such model, or it cannot be loaded.
    :raises IndexUnusable: the weights of the default model are damaged.
    """
    if building:
        return _on_torch(model, dtype)
    if model in _begun:
        thread, opened = _begun.pop(model)
        thread.join()
        if opened:
            return opened[0]
    if exported := _exported(model):
        return exported
    logger.warning("preparing %s for questions, once; this takes some seconds", model)
    on_torch = _on_torch(model)
    return _exported(model) or on_torch


def _exported(model: str) -> Embedder | None:
    from ragqa.embedders.models import find_model
    from ragqa.embedders.onnx import open_export

    return open_export(find_model(model))


def _on_torch(model: str, dtype: str = "") -> Embedder:
    """Load a model on torch, which would else keep what it compiles where other users may write."""
    from ragqa.config.files import cache_folder
    from ragqa.safe import private_folder

    with suppress(OSError):
        private_folder(folder := cache_folder() / "torch")
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))
    from ragqa.embedders.sentence_transformers import load

    return load(model, dtype)


EmbedParts: TypeAlias = Callable[[Sequence[Sequence[str]], Progress], Iterator[Vectors]]
"""Embeds parts of many texts, one after another, and reports as `embed_passages` does."""

Workers: TypeAlias = Callable[[Embedder, Progress], AbstractContextManager[EmbedParts]]
"""Makes what computes the same as this embedder, and ends with the context."""


def here(embedder: Embedder, progress: Progress) -> AbstractContextManager[EmbedParts]:
    """Embed in this process alone; the progress of starting is unused."""
    del progress

    def embed(parts: Sequence[Sequence[str]], progress: Progress) -> Iterator[Vectors]:
        for texts in parts:
            yield embedder.embed_passages(texts, progress=progress)

    return nullcontext(embed)
