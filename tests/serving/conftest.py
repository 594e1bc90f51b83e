"""A running server, one for the tests of a file."""

from http import HTTPStatus

import pytest
from served import NOTES, PIXEL, serving
from support import write_notes

pytest.importorskip("starlette", reason="the extra serve is not installed")


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
