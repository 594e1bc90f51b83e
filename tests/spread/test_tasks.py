"""What runs in the cluster, and what is told of `--workers`, where there is no cluster."""

import importlib.util
import socket
from dataclasses import replace

import pytest
from hashed import HashedEmbedder
from support import QUICK, run_ragqa, write_notes

from ragqa.embedders import spread
from ragqa.errors import WorkersFailed


def test_a_worker_refuses_to_embed_with_other_weights_or_in_another_number_format():
    info = HashedEmbedder(64).info
    assert len(spread.Worker(info, "float32").embed(["tea"])) == 1
    for other in ((replace(info, weights_sha256="0" * 64), "float32"), (info, "bfloat16")):
        with pytest.raises(WorkersFailed, match="a node has other weights of hashed:64, or not in"):
            spread.Worker(*other).embed(["tea"])


@pytest.mark.parametrize(
    "failure", [OSError("Worker ip=192.0.2.7 died\n\na disk failed\n"), SystemExit("a disk failed")]
)
def test_what_fails_in_the_cluster_is_a_sentence(failure):
    told = "workers have failed: a disk failed"
    with pytest.raises(WorkersFailed, match=told) as caught, spread._failures():
        raise failure
    assert "without --workers" in caught.value.hint


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
    run = build(*workers, "--yes")
    assert run.code == 4
    assert "error: the Ray workers have failed: [Errno 111] Connection refused" in run.err
    assert (build().code, build(*workers).code) == (0, 0)


@pytest.mark.parametrize("spec", ["dask", "ray:host", "ray:h:70000", "ray:-:1"])
def test_workers_that_are_not_named_rightly_are_refused(build, spec):
    run = build("--workers", spec)
    assert run.code == 2
    assert "--workers takes ray or ray:HOST:PORT" in run.err


@pytest.mark.parametrize("host", ["ray.example.org:6379", "[2001:db8::1]:6379", "localhost:6379"])
def test_notes_go_to_no_cluster_unasked_since_it_may_have_nodes_anywhere(build, host):
    run = build("--workers", f"ray:{host}")
    assert run.code == 2
    assert "the text of every passage of your notes" in run.err
    assert f"{host}, which you have not allowed yet; nothing was sent" in run.err


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
