"""What runs in the cluster, and what is told of `--workers`, where there is no cluster."""

import importlib.util
import socket
from dataclasses import replace

import pytest
import ray
from hashed import HashedEmbedder
from support import QUICK, run_ragqa, write_notes

from ragqa.embedders import spread
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


@pytest.mark.parametrize(
    ("given", "told", "hint"),
    [
        (
            ray.exceptions.GetTimeoutError("not ready"),
            "have failed: not ready",
            "without --workers",
        ),
        (
            OSError("Worker ip=192.0.2.7 died\n\na disk failed\n"),
            "the Ray workers have failed: a disk failed",
            "without --workers",
        ),
        (("", bytes(2 * 16 * 4)), "embeddings of other passages", "leave that node out"),
    ],
)
def test_workers_that_fail_or_give_others_embeddings_end_the_build(monkeypatch, given, told, hint):
    def get(_result, timeout):
        if isinstance(given, Exception):
            raise given
        return given

    task = type("Task", (), {"remote": staticmethod(lambda *_: None)})
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 1.0})
    monkeypatch.setattr("ray.remote", lambda **_: lambda _function: task)
    monkeypatch.setattr("ray.get", get)
    workers = spread.RayWorkers(HashedEmbedder(16), None)
    workers.give(["a text"])
    with pytest.raises(WorkersFailed, match=told) as caught:
        workers.take(no_progress)
    assert hint in caught.value.hint


@pytest.mark.parametrize("here", ["ray:localhost:6379", "ray:127.0.0.1:6379", "ray:[::1]:6379"])
def test_this_machine_needs_no_consent(here):
    assert spread.cluster_in("ray") is None
    assert spread.cluster_in(here).is_loopback


@pytest.mark.parametrize("there", ["192.0.2.7:6379", "[2001:db8::1]:6379"])
def test_any_other_host_does(there):
    cluster = spread.cluster_in(f"ray:{there}")
    assert (cluster.host_and_port, cluster.is_loopback) == (there, False)


@pytest.fixture
def build(tmp_path):
    notes = write_notes(tmp_path / "note", {"a.md": "# A\n\nOne note.\n"})

    def run(*options):
        return run_ragqa("index", "--corpus", notes, "--index", tmp_path / "i", *options, env=QUICK)

    return run


@pytest.fixture
def closed_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_a_cluster_that_is_not_there_is_one_sentence_unless_nothing_is_new(build, closed_port):
    workers = ("--workers", f"ray:127.0.0.1:{closed_port}")
    run = build(*workers)
    assert run.code == 4
    assert run.err.splitlines() == [
        f"error: no Ray cluster can be reached at 127.0.0.1:{closed_port}: Connection refused",
        "try: ray status --address=HOST:PORT on its head node says whether it is up",
    ]
    assert (build().code, build(*workers).code) == (0, 0)


@pytest.mark.parametrize("spec", ["dask", "ray:host", "ray:h:70000", "ray:-:1"])
def test_workers_that_are_not_named_rightly_are_refused(build, spec):
    run = build("--workers", spec)
    assert run.code == 2
    assert "--workers takes ray or ray:HOST:PORT" in run.err


def test_notes_go_to_no_other_machine_unasked(build):
    run = build("--workers", "ray:ray.example.org:6379")
    assert run.code == 2
    assert "the text of every passage of your notes" in run.err
    assert "ray.example.org:6379, which you have not allowed yet; nothing was sent" in run.err


def test_without_the_extra_it_is_named(build, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "ray" else real(name, *more),
    )
    run = build("--workers", "ray")
    assert run.code == 2
    assert 'try: pip install "ragqa[ray]"' in run.err
