"""What the tests share: a home of their own, and the real command line."""

import fcntl
import os

import pytest
from hypothesis import HealthCheck, configuration, settings
from llms.stub import Stub
from support import CORPUS, FEW, QUICK, run_apart, run_ragqa

# The same examples in every run, and none fails because the machine is busy.
# `pytest --hypothesis-profile=ci` tries many; `--hypothesis-profile=default` looks for others.
SAME = settings(
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ragqa", SAME, max_examples=FEW)
settings.register_profile("ci", SAME)
settings.load_profile("ragqa")

FOREIGN = ("RAGQA_", "OPENAI_", "ANTHROPIC_", "OLLAMA_")
"""What variables begin with that would have the tests ask the user's own backends."""


@pytest.fixture(scope="session")
def shared(tmp_path_factory, request):
    """A folder that all processes of this run of the tests see."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if hasattr(request.config, "workerinput") else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory, shared):
    """Caches, data and settings that belong to this process of the tests alone.

    Only models that were exported are shared: ragqa itself sees to it that one process makes them.
    """
    home = tmp_path_factory.mktemp("home")
    configuration.set_hypothesis_home_dir(home / "hypothesis")
    (shared / "onnx").mkdir(exist_ok=True)
    (home / "cache").mkdir()
    (home / "cache" / "onnx").symlink_to(shared / "onnx")
    changed = {
        "RAGQA_CACHE": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "HF_HUB_OFFLINE": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(FOREIGN)]:
            patch.delenv(name)
        for name, value in changed.items():
            patch.setenv(name, value)
        yield home


class Clock:
    """The clock of deadlines, which goes only where a test puts it forward."""

    def __init__(self):
        self.now = 1000.0


@pytest.fixture
def clock(monkeypatch):
    """Deadlines by a clock of the test's own."""
    clock = Clock()
    monkeypatch.setattr("ragqa.llms.monotonic", lambda: clock.now)
    return clock


@pytest.fixture
def ragqa():
    """The command line, asking with the real model."""
    return run_ragqa


@pytest.fixture
def quick():
    """The command line with the deterministic embedder, which needs no model."""

    def run(*args, env=None, **kwargs):
        return run_ragqa(*args, env=QUICK | (env or {}), **kwargs)

    return run


@pytest.fixture
def apart():
    """The same in a process of its own, for what depends on how a process starts."""

    def run(*args, env=None, **kwargs):
        return run_apart(*args, env=QUICK | (env or {}), **kwargs)

    return run


@pytest.fixture(scope="session")
def wiki_index(shared):
    """An index of the corpus that comes with ragqa, built once by the real command line."""
    folder = shared / "wiki-index"
    with (shared / "wiki-index.made").open("a+") as made:
        fcntl.flock(made, fcntl.LOCK_EX)
        if made.seek(0, os.SEEK_END) == 0:
            built = run_ragqa("index", "--corpus", CORPUS, "--index", folder)
            assert built.code == 0, built.err
            made.write("whole\n")
    return folder


@pytest.fixture(scope="session")
def stub():
    """A stub LLM server on this machine; its modes are the faults of `llms/stub.py`."""
    with Stub() as server:
        yield server
