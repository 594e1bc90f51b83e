"""Batches through a pool of actors of Ray Data, in order, and again where a node was lost."""

import contextlib
import re
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from threading import Thread
from typing import Any, TypeVar

import numpy as np

from ragqa.embedders import Embedder
from ragqa.embedders.spread.actors import (
    NODE,
    NUMBER,
    PROBLEM,
    VECTORS,
    EmbeddingActor,
    Expected,
    Feed,
)
from ragqa.embedders.spread.cluster import Pool, check_neighbours, connected, pool
from ragqa.errors import WorkersFailed
from ragqa.types import Progress, Vectors

ROUND_BATCHES = 1024
"""A job of Ray Data must know its length; after so many batches the next one begins."""

ATTEMPTS = 3
"""So many rounds may fail at the same batch."""

STALLED_S = 30 * 60
"""No batch takes this long, start of the workers included, even with a large model on one core."""

_T = TypeVar("_T")
_NODE_IN_ERROR = re.compile(r"\bip=([0-9a-fA-F.:]+)")


class Round:
    """One job of Ray Data: its rows are numbers of batches, which are fed while it runs.

    Killed actors are started again by Ray, and what they were to do is done again.
    """

    def __init__(self, expected: Expected, actors: Pool) -> None:
        import pyarrow as pa
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._feed: Any = (
            ray.remote(Feed)
            .options(
                num_cpus=0,
                max_concurrency=max(1000, 4 * actors.actors),
                scheduling_strategy=here,
            )
            .remote()
        )
        numbers = ray.data.from_blocks([pa.table({NUMBER: [n]}) for n in range(ROUND_BATCHES)])
        results = numbers.map_batches(
            EmbeddingActor,
            fn_constructor_args=(self._feed, expected),
            batch_size=None,
            # Of two at hand an actor may begin with the later one, whose batch is not given before
            # the earlier one is taken: both would wait for ever.
            compute=ray.data.ActorPoolStrategy(size=actors.actors, max_tasks_in_flight_per_actor=1),
            **actors.takes,
        )
        # Prefetching would wait for a batch that is not given before this one is taken.
        batches = results.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0)
        self._results: Iterator[dict[str, Any]] = iter(batches)
        self._given = self._taken = 0

    @property
    def is_full(self) -> bool:
        """Whether no further batch can be given."""
        return self._given == ROUND_BATCHES

    @property
    def is_over(self) -> bool:
        """Whether every batch that could be given was taken."""
        return self._taken == ROUND_BATCHES

    def give(self, texts: Sequence[str]) -> None:
        """Hand over the next batch."""
        self._feed.put.remote(self._given, list(texts))
        self._given += 1

    def take(self, shape: tuple[int, int]) -> Vectors:
        """The embeddings of the next batch, which have this shape.

        :raises WorkersFailed: a node has another embedder or cannot embed, its result is none, or
            nothing comes back.
        """
        result = next_in_time(self._results, STALLED_S)
        node, problem = str(result[NODE][0]), str(result[PROBLEM][0])
        if problem:
            raise WorkersFailed(
                f"the Ray node {node} cannot embed: {problem}",
                hint="install the same ragqa and model on every node, or leave that node out",
            )
        numbers = np.frombuffer(result[VECTORS][0], np.float32)
        if int(result[NUMBER][0]) != self._taken or numbers.size != shape[0] * shape[1]:
            raise WorkersFailed(f"the Ray node {node} gave embeddings of other passages")
        self._feed.drop.remote(self._taken)
        self._taken += 1
        return numbers.reshape(shape)

    def close(self) -> None:
        """End the job and its actors."""
        import ray

        with contextlib.suppress(Exception):  # it cannot be closed while it is waited for
            self._results.close()  # type: ignore[attr-defined]  # a generator
        with contextlib.suppress(Exception):
            ray.kill(self._feed)


class RayWorkers:
    """The actors of a cluster; it is started or connected to when the first batch is given."""

    def __init__(self, embedder: Embedder, address: str, progress: Progress) -> None:
        self._embedder = embedder
        self._address = address
        self._progress = progress
        self._cluster = contextlib.ExitStack()
        self._waiting: deque[Sequence[str]] = deque()
        self._expected: Expected | None = None
        self._round: Round | None = None
        self._actors = 0

    @property
    def ahead(self) -> int:
        """Every actor has one batch and another at hand, and is not the last to be waited for."""
        return 3 * self._actors

    def give(self, texts: Sequence[str]) -> None:
        """Hand over a batch."""
        self._waiting.append(texts)
        if self._round is None:
            self._begin()
        elif not self._round.is_full:
            self._round.give(texts)

    def take(self, progress: Progress) -> Vectors:
        """The embeddings of the batch that was given first."""
        texts = self._waiting[0]
        vectors = self._take((len(texts), self._embedder.info.dimension))
        self._waiting.popleft()
        progress("embedding", len(texts), len(texts))
        return vectors

    def close(self) -> None:
        """Let go of the cluster."""
        self._end()
        self._cluster.close()

    def _take(self, shape: tuple[int, int]) -> Vectors:
        failure: Exception | None = None
        for _ in range(ATTEMPTS):
            try:
                if self._round is not None and self._round.is_over:
                    self._end()
                return (self._round or self._begin()).take(shape)
            except WorkersFailed:
                raise
            except Exception as exc:  # noqa: BLE001 - Ray's, its libraries' and plain ones
                failure = exc
                self._end()
        raise WorkersFailed(
            f"the workers failed {ATTEMPTS} times at the same passages: {_last_line(failure)}",
            hint="install the same ragqa on every node; without --workers this needs no Ray",
        ) from failure

    def _begin(self) -> Round:
        """Begin a round with the actors that there is room for now, and what waits."""
        if self._expected is None:
            self._progress("starting", 0, 1)
            self._expected = Expected.of(self._embedder)
            self._cluster.enter_context(connected(self._address))
            self._progress("starting", 1, 1)
        check_neighbours(self._address)
        actors = pool()
        self._actors = actors.actors
        self._round = Round(self._expected, actors)
        for texts in list(self._waiting)[:ROUND_BATCHES]:
            self._round.give(texts)
        return self._round

    def _end(self) -> None:
        if self._round is not None:
            self._round.close()
            self._round = None


def next_in_time(results: Iterator[_T], seconds: float) -> _T:
    """The next result, which a thread waits for: Ray's own wait has no limit.

    :raises WorkersFailed: it has not come after so many seconds.
    """
    coming: Future[_T] = Future()

    def take() -> None:
        try:
            coming.set_result(next(results))
        except Exception as exc:  # noqa: BLE001 - it is raised where the result is asked for
            coming.set_exception(exc)

    Thread(target=take, name="ray results", daemon=True).start()
    if not wait([coming], seconds).done:
        raise WorkersFailed(
            f"Ray has embedded nothing for {seconds / 60:.0f} minutes",
            hint="see what its nodes do with ray status, or index without --workers",
        )
    return coming.result()


def _last_line(error: Exception | None) -> str:
    """What an error of Ray says of its cause, which comes last in it."""
    cause = error.__cause__ if error is not None and not str(error).strip() else error
    text = str(cause).strip()
    node = _NODE_IN_ERROR.search(text)
    last = text.splitlines()[-1].strip() if text else type(error).__name__
    return f"{last} (node {node[1]})" if node else last
