"""What runs in the cluster, without one."""

import numpy as np
import pytest
import ray

from ragqa.embedders import embedder_for
from ragqa.embedders.hashed import HashedEmbedder
from ragqa.embedders.spread import remote_host, tasks
from ragqa.embedders.spread.tasks import Expected
from ragqa.errors import WorkersFailed
from ragqa.types import no_progress


def test_a_worker_differs_by_weights_by_number_format_or_by_what_it_gives():
    driver = HashedEmbedder(32)
    expected = Expected.of(driver)
    own = embedder_for(driver.info.name, building=True, dtype=driver.dtype)
    assert expected.difference(own) == ""
    assert "another embedder" in expected.difference(HashedEmbedder(32, salt="other"))
    assert "another embedder" in expected.difference(HashedEmbedder(16))
    formatted = Expected(driver.info, "bfloat16", expected.canary)
    assert formatted.difference(own) == "it computes in float32, not bfloat16"
    turned = Expected(driver.info, driver.dtype, np.roll(expected.canary, 1))
    assert "vectors differ" in turned.difference(own)


def failing(monkeypatch, error):
    """Workers that have a batch whose task fails."""

    def get(_result, timeout):
        raise error

    monkeypatch.setattr("ray.get", get)
    workers = tasks.RayWorkers(HashedEmbedder(16), "", no_progress)
    workers._given.append((None, 1))
    return workers


def test_workers_that_give_nothing_any_more_end_the_build(monkeypatch):
    workers = failing(monkeypatch, ray.exceptions.GetTimeoutError())
    with pytest.raises(WorkersFailed, match="Ray has embedded nothing for 30 minutes") as caught:
        workers.take(no_progress)
    assert "without --workers" in caught.value.hint


def test_a_task_that_fails_is_told_by_its_last_line_and_its_node(monkeypatch):
    workers = failing(monkeypatch, OSError("Worker ip=192.0.2.7 died\n\na disk failed\n"))
    with pytest.raises(WorkersFailed, match=r"failed 3 times .*: a disk failed \(node 192\.0\.2"):
        workers.take(no_progress)


@pytest.mark.parametrize("here", ["", "localhost:6379", "127.0.0.1:6379", "[::1]:6379"])
def test_this_machine_needs_no_consent(here):
    assert remote_host(here) == ""


@pytest.mark.parametrize("there", ["ray.example.org:6379", "192.0.2.7:6379", "[2001:db8::1]:6379"])
def test_any_other_host_does(there):
    assert remote_host(there) == there
