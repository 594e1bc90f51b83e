"""What runs in the cluster, without one."""

from dataclasses import replace

import pytest
import ray

from ragqa.embedders import spread
from ragqa.embedders.hashed import HashedEmbedder
from ragqa.errors import WorkersFailed
from ragqa.types import no_progress


@pytest.fixture(autouse=True)
def as_in_a_new_worker():
    spread.matching.cache_clear()
    yield
    spread.matching.cache_clear()


def test_a_worker_refuses_to_embed_with_other_weights_or_in_another_number_format():
    driver = HashedEmbedder(32)
    assert spread.matching(driver.info, driver.dtype).info == driver.info
    other = replace(driver.info, weights_sha256="0" * 64)
    with pytest.raises(WorkersFailed, match=r"another embedder: .* with weights"):
        spread.matching(other, driver.dtype)
    with pytest.raises(WorkersFailed, match=r"in float32 .*, not in bfloat16"):
        spread.matching(driver.info, "bfloat16")


@pytest.fixture
def take(monkeypatch):
    """Take the embeddings of one text from a cluster that gives this, or raises it."""
    task = type("Task", (), {"remote": staticmethod(lambda *_: None)})
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 1.0})
    monkeypatch.setattr("ray.remote", lambda **_: lambda _function: task)

    def run(given):
        def get(_result, timeout):
            if isinstance(given, Exception):
                raise given
            return given

        monkeypatch.setattr("ray.get", get)
        workers = spread.RayWorkers(HashedEmbedder(16), None)
        workers.give(["a text"])
        return workers.take(no_progress)

    return run


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (ray.exceptions.GetTimeoutError("not ready"), "not ready"),
        (OSError("Worker ip=192.0.2.7 died\n\na disk failed\n"), "a disk failed"),
    ],
)
def test_workers_that_fail_end_the_build_with_the_last_line_of_the_cause(take, failure, cause):
    with pytest.raises(WorkersFailed, match=f"the Ray workers have failed: {cause}") as caught:
        take(failure)
    assert "without --workers" in caught.value.hint


def test_embeddings_of_another_number_of_passages_are_refused(take):
    with pytest.raises(WorkersFailed, match="embeddings of other passages"):
        take(("", bytes(2 * 16 * 4)))


@pytest.mark.parametrize("here", ["ray:localhost:6379", "ray:127.0.0.1:6379", "ray:[::1]:6379"])
def test_this_machine_needs_no_consent(here):
    assert spread.cluster_in("ray") is None
    assert spread.cluster_in(here).is_loopback


@pytest.mark.parametrize("there", ["ray.example.org:6379", "192.0.2.7:6379", "[2001:db8::1]:6379"])
def test_any_other_host_does(there):
    cluster = spread.cluster_in(f"ray:{there}")
    assert (cluster.host_and_port, cluster.is_loopback) == (there, False)
