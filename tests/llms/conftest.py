"""A backend for each mode of the stub server."""

import pytest

from ragqa.llms.http import make


@pytest.fixture
def at(stub, monkeypatch):
    """A function that makes the backend for a mode of the stub."""

    def backend(mode, kind="openai", server=stub):
        for name, value in server.environment(kind, mode).items():
            monkeypatch.setenv(name, value)
        stub.requests.clear()
        stub.client_left.clear()
        return make(kind, "tiny")

    return backend
