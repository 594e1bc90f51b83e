"""A running server, one for the tests of a process."""

import os
from http import HTTPStatus

import pytest
from hashed import KNOWS_HASHED
from served import NOTES, PIXEL, serving
from support import write_notes

pytest.importorskip("starlette", reason="the extra serve is not installed")


@pytest.fixture(scope="session", autouse=True)
def _children_know_hashed(own_home):
    """Let the process that updates the index of a server know the embedder without a model."""
    folder = own_home / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(KNOWS_HASHED)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", path)
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    notes = write_notes(folder / "notes", NOTES)
    (notes / "office" / "cup.png").write_bytes(PIXEL)
    (folder / "secret.png").write_bytes(PIXEL)
    (notes / "link.png").symlink_to(folder / "secret.png")
    with serving(folder, "serve", "--no-open", "--port", "0") as found:
        while found.ask("/api/status").status != HTTPStatus.OK:
            pass  # it waits itself before it says that the index is being built
        yield found
