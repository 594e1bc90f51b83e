"""The package and its tests have no more lines than pyproject.toml says."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def texts(folder):
    return [path.read_text(encoding="utf-8") for path in (ROOT / folder).rglob("*.py")]


def test_the_package_and_its_tests_keep_to_their_size():
    most = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ragqa"]
    assert "".join(texts("ragqa")).count("\n") <= most["lines"]
    assert "".join(texts("tests")).count("\n") <= most["test_lines"]
