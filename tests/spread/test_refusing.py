"""What is told of `--workers` where there is no cluster, or nothing for one to do."""

import socket

import pytest
from support import QUICK, run_ragqa, write_notes

NO_RAY = """
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "ray" else real(name, *more)
def act(saved): pass
"""


def test_where_nothing_is_new_no_worker_is_asked(index_with):
    built, _ = index_with("index")
    again, _ = index_with("index", "--workers", "ray:127.0.0.1:1")
    assert (built.code, again.code) == (0, 0), again.err


@pytest.fixture
def closed_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def note(tmp_path):
    return write_notes(tmp_path / "note", {"a.md": "# A\n\nOne note.\n"})


def build(note, *options):
    return run_ragqa("index", "--corpus", note, "--index", note / "../i", *options, env=QUICK)


def test_a_cluster_that_is_not_there_is_one_sentence(note, closed_port):
    run = build(note, "--workers", f"ray:127.0.0.1:{closed_port}")
    assert run.code == 4
    assert run.err.splitlines() == [
        f"error: no Ray cluster can be reached at 127.0.0.1:{closed_port}: Connection refused",
        "try: ray status --address=HOST:PORT on its head node says whether it is up",
    ]


@pytest.mark.parametrize(
    "spec", ["dask", "ray:", "ray:host", "ray:host:0", "ray:h:70000", "ray:-:1"]
)
def test_workers_that_are_not_named_rightly_are_refused(note, spec):
    run = build(note, "--workers", spec)
    assert run.code == 2
    assert "--workers takes ray or ray:HOST:PORT" in run.err


def test_notes_go_to_no_other_machine_unasked(note):
    run = build(note, "--workers", "ray:ray.example.org:6379")
    assert run.code == 2
    assert "the text of every passage of your notes" in run.err
    assert "ray.example.org:6379, which you have not allowed yet; nothing was sent" in run.err


def test_without_the_extra_it_is_named(index_with):
    run, _ = index_with("index", "--workers", "ray", act=NO_RAY)
    assert run.code == 2
    assert 'try: pip install "ragqa[ray]"' in run.err
