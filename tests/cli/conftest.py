"""What most tests of the command line ask: the notes of their module."""

import pytest
from support import write_notes
from tiny_rerankers import save_reranker


@pytest.fixture
def notes(request, tmp_path):
    """A folder with the notes that the test's module names."""
    return write_notes(tmp_path / "notes", request.module.NOTES)


@pytest.fixture
def places(notes, tmp_path):
    """The options that name the notes and an index of them, which is not built yet."""
    return ["--corpus", notes, "--index", tmp_path / "index"]


@pytest.fixture(scope="session")
def reranker_folder(own_home, tmp_path_factory):
    """A small cross-encoder in a folder of its own."""
    return save_reranker(tmp_path_factory.mktemp("models") / "ranking")
