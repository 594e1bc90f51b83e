"""What runs in the cluster: one actor that holds the batches, and many that embed them."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ragqa.embedders import CANARY, Embedder, worker_embedder
from ragqa.types import EmbedderInfo, Vector

MIN_CANARY_COSINE = 0.999
"""Other processors round otherwise, at most by this much; other weights give much less."""

NUMBER, NODE, PROBLEM, VECTORS = "number", "node", "problem", "vectors"
"""The columns of a result: of one batch, its place in the order and who embedded it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The embedder that every worker must have, number format included."""

    info: EmbedderInfo
    dtype: str
    canary: Vector

    @classmethod
    def of(cls, embedder: Embedder) -> "Expected":
        """What this embedder is, and what it gives for one sentence."""
        return cls(embedder.info, embedder.dtype, embedder.embed_passages([CANARY])[0])

    def difference(self, own: Embedder) -> str:
        """What tells a worker's embedder from this one, in words; "" if nothing does."""
        if replace(own.info, name="") != replace(self.info, name=""):
            return (
                f"it has another embedder: {own.info.name} with weights "
                f"{own.info.weights_sha256[:12]}, not {self.info.weights_sha256[:12]}"
            )
        if own.dtype != self.dtype:
            return f"it computes in {own.dtype}, not in {self.dtype}"
        cosine = float(own.embed_passages([CANARY])[0] @ self.canary)
        if not cosine >= MIN_CANARY_COSINE:
            return f"its embedder gives other vectors (cosine {cosine:.4f} for the same sentence)"
        return ""


class Feed:
    """Holds batches until they are done; it lives on the machine that the notes are on."""

    def __init__(self) -> None:
        self._batches: dict[int, Sequence[str]] = {}
        self._done = 0
        self._changed = asyncio.Condition()

    async def put(self, number: int, texts: Sequence[str]) -> None:
        """Hold one more batch."""
        async with self._changed:
            self._batches[number] = texts
            self._changed.notify_all()

    async def get(self, number: int) -> Sequence[str]:
        """Wait for a batch; whoever embeds it again, since another was killed, gets it again.

        One that is done is empty: an actor that is killed between giving its result and saying
        that this was all has to do it again, for nobody.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: number in self._batches or number < self._done)
            return self._batches.get(number, ())

    async def drop(self, number: int) -> None:
        """Let go of a batch that is done, as all before it are."""
        self._batches.pop(number, None)
        self._done = number + 1


class EmbeddingActor:
    """Holds the model, and embeds one batch after the other.

    What is wrong with this node is told in the results, since Ray tells only that it failed.
    """

    def __init__(self, feed: object, expected: Expected) -> None:
        # The tokenizer would otherwise start a thread for every core, in every actor.
        os.environ.setdefault("RAYON_NUM_THREADS", "1")
        import ray

        self._ray = ray
        self._feed: Any = feed
        self._node = ray.util.get_node_ip_address()
        self._embedder, self._unfit = _embedder_like(expected)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Embed the batch with this number."""
        number = int(batch[NUMBER][0])
        vectors, problem = b"", self._unfit
        if self._embedder is not None:
            texts = self._ray.get(self._feed.get.remote(number))
            try:
                vectors = self._embedder.embed_passages(texts).astype(np.float32).tobytes()
            except Exception as exc:  # noqa: BLE001 - of a model anything, and it is told
                problem = f"{type(exc).__name__}: {exc}"
        return {
            NUMBER: [number],
            NODE: [self._node],
            PROBLEM: [problem],
            VECTORS: [vectors],
        }


def _embedder_like(expected: Expected) -> tuple[Embedder | None, str]:
    """The embedder of this node, or what is wrong with it."""
    try:
        own = worker_embedder(expected.info.name, dtype=expected.dtype)
        problem = expected.difference(own)
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is told
        return None, str(exc) or type(exc).__name__
    return (None, problem) if problem else (own, "")
