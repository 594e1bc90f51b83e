"""Send batches through a pool of Ray Data actors, in order, and again if a node is lost."""

import contextlib
import queue
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

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
from ragqa.embedders.spread.cluster import NodeWatch, Pool, check_neighbours, connected, pool
from ragqa.errors import WorkersFailed
from ragqa.types import Progress, Vectors

ROUND_BATCHES = 1024
"""The batches of one Ray Data job, which must know its length in advance."""

ATTEMPTS = 3
"""How many rounds may fail at the same batch."""

STALLED_S = 30 * 60.0
"""No batch takes this long, worker start included, even with a large model on one core."""

_CLOSE_S = 30.0
_NODE_IN_ERROR = re.compile(r"\bip=([0-9a-fA-F.:]+)")


class Results:
    """Reads results in a separate thread, so that nothing waits forever for the next one.

    :param results: ends with an error soon after `closed` is set.
    """

    def __init__(self, results: Iterable[dict[str, Any]], closed: threading.Event) -> None:
        self._results = results
        self._closed = closed
        # It holds at most the batches given ahead, so it needs no other bound.
        self._read: queue.SimpleQueue[dict[str, Any] | Exception] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._run, name="ragqa-results", daemon=True)
        self._reader.start()

    def take(self) -> dict[str, Any]:
        """The next result.

        :raises WorkersFailed: none arrives for `STALLED_S`.
        """
        try:
            found = self._read.get(timeout=STALLED_S)
        except queue.Empty:
            raise WorkersFailed(
                f"Ray has embedded nothing for {STALLED_S / 60:.0f} minutes: the build was stopped",
                hint="index without --workers; what was embedded is kept",
            ) from None
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        """Wait for the reader: Ray exits the process if it is used during its shutdown."""
        self._reader.join(_CLOSE_S)

    def _run(self) -> None:
        try:
            for result in self._results:
                self._read.put(result)
                if self._closed.is_set():
                    return
            self._read.put(EOFError("Ray ended the job before its last batch"))
        except Exception as exc:  # noqa: BLE001 - Ray's, its libraries' or built-in; re-raised
            self._read.put(exc)


def _results_of(feed: object, expected: Expected, actors: Pool) -> Iterator[dict[str, Any]]:
    """Run a Ray Data job and yield its rows in order."""
    import pyarrow as pa
    import ray

    numbers = ray.data.from_blocks([pa.table({NUMBER: [n]}) for n in range(ROUND_BATCHES)])
    results = numbers.map_batches(
        EmbeddingActor,
        fn_constructor_args=(feed, expected),
        batch_size=None,
        # With several rows an actor might start with a later one, whose batch is only given once an
        # earlier result is back.
        compute=ray.data.ActorPoolStrategy(size=actors.actors, max_tasks_in_flight_per_actor=1),
        **actors.resources,
    )
    # Iterating over batches would prefetch in threads that outlive the job; bundles do not.
    for bundle in results.iter_internal_ref_bundles():
        for entry in bundle.blocks:
            yield from ray.get(entry.ref).to_pylist()


class Round:
    """One Ray Data job: its rows are numbers of batches, which are fed while it runs.

    Ray restarts killed actors and repeats their work.
    """

    def __init__(self, expected: Expected, actors: Pool) -> None:
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
        self._given = self._taken = 0
        self._closed = NodeWatch.ended = threading.Event()
        self._results = Results(_results_of(self._feed, expected, actors), self._closed)

    @property
    def is_full(self) -> bool:
        """Whether no more batches can be given."""
        return self._given == ROUND_BATCHES

    @property
    def is_over(self) -> bool:
        """Whether all possible batches were taken."""
        return self._taken == ROUND_BATCHES

    def give(self, texts: Sequence[str]) -> None:
        """Hand over the next batch."""
        self._feed.put.remote(self._given, list(texts))
        self._given += 1

    def take(self, shape: tuple[int, int]) -> Vectors:
        """The embeddings of the next batch, of the given shape.

        :raises WorkersFailed: a node has another embedder or cannot embed, its result is wrong, or
            no results arrive any more.
        """
        result = self._results.take()
        node, problem = str(result[NODE]), str(result[PROBLEM])
        if problem:
            raise WorkersFailed(
                f"the Ray node {node} cannot embed: {problem}",
                hint="install the same ragqa and model on every node, or leave that node out",
            )
        numbers = np.frombuffer(result[VECTORS], np.float32)
        if int(result[NUMBER]) != self._taken or numbers.size != shape[0] * shape[1]:
            raise WorkersFailed(f"the Ray node {node} returned embeddings of other passages")
        self._feed.drop.remote(self._taken)
        self._taken += 1
        return numbers.reshape(shape)

    def close(self) -> None:
        """End the job and its actors."""
        import ray

        self._closed.set()
        self._results.close()
        with contextlib.suppress(Exception):
            ray.kill(self._feed)


class RayWorkers:
    """The actors of a cluster; the first batch starts it or connects to it."""

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
        """Three batches per actor, so that each has one to do and another at hand."""
        return 3 * self._actors

    def give(self, texts: Sequence[str]) -> None:
        """Hand over a batch."""
        self._waiting.append(texts)
        if self._round is None:
            self._begin()
        elif not self._round.is_full:
            self._round.give(texts)

    def take(self, progress: Progress) -> Vectors:
        """The embeddings of the next batch, shape (texts, dimension)."""
        texts = self._waiting[0]
        vectors = self._take((len(texts), self._embedder.info.dimension))
        self._waiting.popleft()
        progress("embedding", len(texts), len(texts))
        return vectors

    def close(self) -> None:
        """Leave the cluster."""
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
            except Exception as exc:  # noqa: BLE001 - Ray's, its libraries' or built-in
                failure = exc
                self._end()
        raise WorkersFailed(
            f"the workers failed {ATTEMPTS} times at the same passages: {_last_line(failure)}",
            hint="install the same ragqa on every node; without --workers this needs no Ray",
        ) from failure

    def _begin(self) -> Round:
        """Begin a round with as many actors as now fit, and give it the waiting batches."""
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


def _last_line(error: Exception | None) -> str:
    """The cause of a Ray error, which is its last line, with the node if known."""
    cause = error.__cause__ if error is not None and not str(error).strip() else error
    text = str(cause).strip()
    node = _NODE_IN_ERROR.search(text)
    last = text.splitlines()[-1].strip() if text else type(error).__name__
    return f"{last} (node {node[1]})" if node else last
