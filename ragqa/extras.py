"""How to add what an extra brings to the ragqa that runs."""

import json
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit


def install_command(extra: str) -> str:
    """The command that adds an extra, with what made this environment: uv, pipx or pip."""
    environment = Path(sys.prefix)
    if (environment / "uv-receipt.toml").is_file():
        return f'uv tool install "{_origin()}[{extra}]"'
    if (environment / "pipx_metadata.json").is_file():
        return f'pipx install --force "{_origin()}[{extra}]"'
    return f'pip install "ragqa[{extra}]"'


def _origin() -> str:
    """The folder or file that ragqa was installed from (PEP 610), or its name if from an index."""
    from importlib.metadata import distribution

    direct = distribution("ragqa").read_text("direct_url.json")
    url = urlsplit(json.loads(direct)["url"]) if direct else None
    return unquote(url.path) if url and url.scheme == "file" else "ragqa"
