"""A few notes with their index, and the pages over it in this process."""

import pytest
from served import NOTES, PIXEL, Guarded
from served_mcp import built
from support import write_notes

pytest.importorskip("starlette", reason="the extra serve is not installed")

OUTSIDE = "what lies outside of the notes"


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with notes that nobody changes, and with what lies outside of them."""
    folder = tmp_path_factory.mktemp("served")
    notes = write_notes(folder / "notes", NOTES)
    (notes / "office" / "cup.png").write_bytes(PIXEL)
    (folder / "secret.png").write_bytes(PIXEL)
    (folder / "outside.md").write_text(f"# Outside\n\n{OUTSIDE}\n")
    for name in ("secret.png", "outside.md", "."):
        (notes / f"link-{name}").symlink_to(folder / name)
    return folder


@pytest.fixture(scope="session")
def site(folder):
    from ragqa.serving.web import web_app

    return Guarded(web_app(built(folder)))
