"""Which command adds an extra."""

import sys

import pytest

from ragqa.errors import install_command


@pytest.mark.parametrize(
    ("made_by", "begins"),
    [
        ("uv-receipt.toml", 'uv tool install "'),
        ("pipx_metadata.json", 'pipx install --force "'),
        ("pyvenv.cfg", 'pip install "ragqa[mcp]"'),
    ],
)
def test_an_extra_is_added_with_what_installed_ragqa(made_by, begins, tmp_path, monkeypatch):
    (tmp_path / made_by).touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert install_command("mcp").startswith(begins)
    assert install_command("mcp").endswith('[mcp]"')
