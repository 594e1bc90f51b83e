"""The actors in the cluster: one that holds the batches, and many that embed them."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ragqa.embedders import CANARY, Embedder, worker_embedder
from ragqa.types import EmbedderInfo, Vector

MIN_CANARY_COSINE = 0.999
"""Rounding differs between processors, but stays above this; other weights fall far below."""

NUMBER, NODE, PROBLEM, VECTORS = "number", "node", "problem", "vectors"
"""The columns of a result: a batch's number, its node, an error message, and float32 bytes."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The embedder that every worker must match, including the number format."""

    info: EmbedderInfo
    dtype: str
    canary: Vector

    @classmethod
    def of(cls, embedder: Embedder) -> "Expected":
        """Describe an embedder, with its vector for one sentence."""
        return cls(embedder.info, embedder.dtype, embedder.embed_passages([CANARY])[0])

    def difference(self, own: Embedder) -> str:
        """How a worker's embedder differs from this one, in words; "" if it does not."""
        if replace(own.info, name="") != replace(self.info, name=""):
            return (
                f"it has another embedder: {own.info.name} with weights "
                f"{own.info.weights_sha256[:12]}, not {self.info.weights_sha256[:12]}"
            )
        if own.dtype != self.dtype:
            return f"it computes in {own.dtype}, not {self.dtype}"
        cosine = float(own.embed_passages([CANARY])[0] @ self.canary)
        if not cosine >= MIN_CANARY_COSINE:
            return f"its embedder's vectors differ (cosine {cosine:.4f} for the same sentence)"
        return ""


class Feed:
    """Holds batches until they are done; it runs on the machine with the notes."""

    def __init__(self) -> None:
        self._batches: dict[int, Sequence[str]] = {}
        self._done = 0
        self._changed = asyncio.Condition()

    async def put(self, number: int, texts: Sequence[str]) -> None:
        """Add a batch."""
        async with self._changed:
            self._batches[number] = texts
            self._changed.notify_all()

    async def get(self, number: int) -> Sequence[str]:
        """Wait for a batch; an actor that replaces a killed one gets the same batch.

        A finished batch is empty: an actor killed between returning its result and ending its task
        is rerun, although nobody needs the result.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: number in self._batches or number < self._done)
            return self._batches.get(number, ())

    async def drop(self, number: int) -> None:
        """Discard a finished batch; all earlier ones are finished, too."""
        self._batches.pop(number, None)
        self._done = number + 1


class EmbeddingActor:
    """Holds the model, and embeds batch after batch.

    Results report this node's problems, since Ray reports only that it failed.
    """

    def __init__(self, feed: object, expected: Expected) -> None:
        # Otherwise the tokenizer starts a thread per core in every actor.
        os.environ.setdefault("RAYON_NUM_THREADS", "1")
        import ray

        self._ray = ray
        self._feed: Any = feed
        self._node = ray.util.get_node_ip_address()
        self._embedder, self._problem = _matching_embedder(expected)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Embed the numbered batch; returns one row of a result's columns."""
        number = int(batch[NUMBER][0])
        vectors, problem = b"", self._problem
        if self._embedder is not None:
            texts = self._ray.get(self._feed.get.remote(number))
            try:
                vectors = self._embedder.embed_passages(texts).astype(np.float32).tobytes()
            except Exception as exc:  # noqa: BLE001 - a model may raise anything; reported
                problem = f"{type(exc).__name__}: {exc}"
        return {
            NUMBER: [number],
            NODE: [self._node],
            PROBLEM: [problem],
            VECTORS: [vectors],
        }


def _matching_embedder(expected: Expected) -> tuple[Embedder | None, str]:
    """This node's embedder, or what is wrong with it."""
    try:
        own = worker_embedder(expected.info.name, dtype=expected.dtype)
        problem = expected.difference(own)
    except Exception as exc:  # noqa: BLE001 - reported, whatever it is
        return None, str(exc) or type(exc).__name__
    return (None, problem) if problem else (own, "")
