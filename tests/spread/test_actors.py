"""What runs in the cluster, without one."""

import asyncio
import threading

import numpy as np
import pytest
from support import HANGS_S

from ragqa.embedders import worker_embedder
from ragqa.embedders.hashed import HashedEmbedder
from ragqa.embedders.spread import remote_host, rounds
from ragqa.embedders.spread.actors import Expected, Feed
from ragqa.errors import WorkersFailed


def test_a_batch_is_waited_for_and_given_again_until_it_is_done():
    async def work():
        feed = Feed()
        waiting = asyncio.create_task(feed.get(1))
        await feed.put(0, ["a"])
        await feed.put(1, ["b"])
        first = [await waiting, await feed.get(0), await feed.get(0)]
        await feed.drop(0)
        return first, await feed.get(0), await feed.get(1)

    assert asyncio.run(work()) == ([["b"], ["a"], ["a"]], (), ["b"])


def test_a_worker_differs_by_weights_by_number_format_or_by_what_it_gives():
    driver = HashedEmbedder(32)
    expected = Expected.of(driver)
    own = worker_embedder(driver.info.name, dtype=driver.dtype)
    assert expected.difference(own) == ""
    assert "another embedder" in expected.difference(HashedEmbedder(32, salt="other"))
    assert "another embedder" in expected.difference(HashedEmbedder(16))
    formatted = Expected(driver.info, "bfloat16", expected.canary)
    assert formatted.difference(own) == "it computes in float32, not bfloat16"
    turned = Expected(driver.info, driver.dtype, np.roll(expected.canary, 1))
    assert "vectors differ" in turned.difference(own)


def test_workers_that_give_nothing_any_more_end_the_build(monkeypatch):
    monkeypatch.setattr(rounds, "STALLED_S", 0.0)
    closed = threading.Event()

    def nothing():
        assert closed.wait(HANGS_S)
        yield from ()

    results = rounds.Results(nothing(), closed)
    with pytest.raises(WorkersFailed, match="Ray has embedded nothing for 0 minutes") as caught:
        results.take()
    assert "without --workers" in caught.value.hint
    closed.set()
    results.close()
    assert not results._reader.is_alive()


def test_results_are_taken_in_order_and_a_failure_where_it_happened():
    def failing():
        yield {"number": 0}
        yield {"number": 1}
        raise OSError("a disk failed")

    results = rounds.Results(failing(), threading.Event())
    assert [results.take()["number"] for _ in range(2)] == [0, 1]
    with pytest.raises(OSError, match="a disk failed"):
        results.take()


@pytest.mark.parametrize("here", ["", "localhost:6379", "127.0.0.1:6379", "[::1]:6379"])
def test_this_machine_needs_no_consent(here):
    assert remote_host(here) == ""


@pytest.mark.parametrize("there", ["ray.example.org:6379", "192.0.2.7:6379", "[2001:db8::1]:6379"])
def test_any_other_host_does(there):
    assert remote_host(there) == there
