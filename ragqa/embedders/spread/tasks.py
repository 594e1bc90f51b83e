"""Batches embedded by tasks of a Ray cluster, which Ray repeats if a worker or node dies."""

import os
import re
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ragqa.embedders import CANARY, Embedder, embedder_for
from ragqa.embedders.spread.cluster import check_neighbours, connected, pool
from ragqa.errors import WorkersFailed
from ragqa.types import EmbedderInfo, Progress, Vectors

ATTEMPTS = 3
"""How often a batch is tried before the build ends."""

STALLED_S = 30 * 60.0
"""No batch takes this long, worker start included, even with a large model on one core."""

MIN_CANARY_COSINE = 0.999
"""Rounding differs between processors, but stays above this; other weights fall far below."""

_NODE_IN_ERROR = re.compile(r"\bip=([0-9a-fA-F.:]+)")


@dataclass(frozen=True, slots=True)
class Expected:
    """The embedder that every worker must match: fingerprint, number format, a sentence's vector.

    It is hashable, so that a worker keeps the embedder that matches it.
    """

    info: EmbedderInfo
    dtype: str
    canary: tuple[float, ...]

    @classmethod
    def of(cls, embedder: Embedder) -> "Expected":
        """Describe an embedder, with its vector for one sentence."""
        canary = embedder.embed_passages([CANARY])[0]
        return cls(embedder.info, embedder.dtype, tuple(canary.tolist()))

    def difference(self, own: Embedder) -> str:
        """How a worker's embedder differs from this one, in words; "" if it does not."""
        if replace(own.info, name="") != replace(self.info, name=""):
            return (
                f"it has another embedder: {own.info.name} with weights "
                f"{own.info.weights_sha256[:12]}, not {self.info.weights_sha256[:12]}"
            )
        if own.dtype != self.dtype:
            return f"it computes in {own.dtype}, not {self.dtype}"
        cosine = float(own.embed_passages([CANARY])[0] @ np.array(self.canary))
        if not cosine >= MIN_CANARY_COSINE:
            return f"its embedder's vectors differ (cosine {cosine:.4f} for the same sentence)"
        return ""


def embed(expected: Expected, texts: Sequence[str]) -> tuple[str, str, bytes]:
    """Embed a batch in a worker; returns its node, what is wrong with that, and float32 bytes.

    A problem is returned rather than raised, since Ray reports only that a task failed.
    """
    import ray

    vectors, problem = b"", ""
    try:
        embedder, problem = _matching_embedder(expected)
        if not problem:
            vectors = embedder.embed_passages(texts).astype(np.float32).tobytes()
    except Exception as exc:  # noqa: BLE001 - a model may raise anything; reported
        problem = str(exc) or type(exc).__name__
    return ray.util.get_node_ip_address(), problem, vectors


@lru_cache(maxsize=1)
def _matching_embedder(expected: Expected) -> tuple[Embedder, str]:
    """This worker's embedder, kept between tasks, and how it differs from the expected one."""
    # Otherwise the tokenizer starts a thread per core in every worker.
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    own = embedder_for(expected.info.name, building=True, dtype=expected.dtype)
    return own, expected.difference(own)


class RayWorkers:
    """The workers of a cluster; the first batch starts it or connects to it.

    :ivar ahead: three batches per worker, so that each has one to do and another at hand.
    """

    def __init__(self, embedder: Embedder, address: str, progress: Progress) -> None:
        self.ahead = 0
        self._embedder = embedder
        self._address = address
        self._progress = progress
        self._cluster = ExitStack()
        self._expected: Any = None
        self._embed: Any = None
        self._given: deque[tuple[Any, int]] = deque()

    def give(self, texts: Sequence[str]) -> None:
        """Hand over a batch.

        :raises WorkersFailed: there is no cluster, or nothing in it to embed with.
        """
        if self._expected is None:
            self._connect()
        check_neighbours(self._address)
        count, resources = pool()
        self.ahead = 3 * count
        result = self._embed.options(**resources).remote(self._expected, list(texts))
        self._given.append((result, len(texts)))

    def take(self, progress: Progress) -> Vectors:
        """The embeddings of the next batch, shape (texts, dimension).

        :raises WorkersFailed: a node has another embedder or cannot embed, its result is wrong,
            the batch failed `ATTEMPTS` times, or no result arrives for `STALLED_S`.
        """
        result, count = self._given.popleft()
        node, problem, data = _result_of(result)
        if problem:
            raise WorkersFailed(
                f"the Ray node {node} cannot embed: {problem}",
                hint="install the same ragqa and model on every node, or leave that node out",
            )
        numbers, shape = np.frombuffer(data, np.float32), (count, self._embedder.info.dimension)
        if numbers.size != shape[0] * shape[1]:
            raise WorkersFailed(f"the Ray node {node} returned embeddings of other passages")
        progress("embedding", count, count)
        return numbers.reshape(shape)

    def close(self) -> None:
        """Leave the cluster."""
        self._given.clear()
        self._cluster.close()

    def _connect(self) -> None:
        self._progress("starting", 0, 1)
        expected = Expected.of(self._embedder)
        self._cluster.enter_context(connected(self._address))
        import ray

        self._expected = ray.put(expected)
        self._embed = ray.remote(
            max_calls=0,  # a process stays, and its model with it
            max_retries=ATTEMPTS - 1,
            retry_exceptions=True,
            scheduling_strategy="SPREAD",
        )(embed)
        self._progress("starting", 1, 1)


def _result_of(result: object) -> tuple[str, str, bytes]:
    """Wait for what `embed` returns.

    :raises WorkersFailed: it does not return.
    """
    import ray

    try:
        found: tuple[str, str, bytes] = ray.get(result, timeout=STALLED_S)
    except ray.exceptions.GetTimeoutError:
        raise WorkersFailed(
            f"Ray has embedded nothing for {STALLED_S / 60:.0f} minutes: the build was stopped",
            hint="index without --workers; what was embedded is kept",
        ) from None
    except Exception as exc:  # Ray's, its libraries' or built-in
        raise WorkersFailed(
            f"the workers failed {ATTEMPTS} times at the same passages: {_last_line(exc)}",
            hint="install the same ragqa on every node; without --workers this needs no Ray",
        ) from exc
    return found


def _last_line(error: Exception) -> str:
    """The cause of a Ray error, which is its last line, with the node if known."""
    text = str(error).strip() or str(error.__cause__ or "").strip()
    node = _NODE_IN_ERROR.search(text)
    last = text.splitlines()[-1].strip() if text else type(error).__name__
    return f"{last} (node {node[1]})" if node else last
