"""What the tests share: a home of their own, and the real command line."""

import os

import pytest
from llms.stub import Stub
from support import CORPUS, QUICK, run_ragqa

FOREIGN = ("RAGQA_", "OPENAI_", "ANTHROPIC_", "OLLAMA_")
"""What variables begin with that would have the tests ask the user's own backends."""


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory):
    """Caches, data and settings that belong to this run of the tests alone."""
    home = tmp_path_factory.mktemp("home")
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
    for module in ("ragqa.llms.limits", "ragqa.api.follow_ups"):
        monkeypatch.setattr(f"{module}.monotonic", lambda: clock.now)
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


@pytest.fixture(scope="session")
def wiki_index(tmp_path_factory):
    """An index of the corpus that comes with ragqa, built once by the real command line."""
    folder = tmp_path_factory.mktemp("wiki") / "index"
    built = run_ragqa("index", "--corpus", CORPUS, "--index", folder)
    assert built.code == 0, built.err
    return folder


@pytest.fixture(scope="session")
def stub():
    """A stub LLM server on this machine; its modes are the faults of `llms/stub.py`."""
    with Stub() as server:
        yield server
