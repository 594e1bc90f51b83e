"""A transformer of a hundred kilobytes, for what the real model is too slow or too sound."""

import shutil

import pytest
from tiny_embedders import configure, make

from ragqa.embedders import embedder_for

PROMPTS = {"query": "query: ", "document": "passage: "}


@pytest.fixture(scope="session")
def tiny_original(own_home, tmp_path_factory):
    folder = make("intfloat/multilingual-e5-small", tmp_path_factory.mktemp("tiny"))
    configure(folder, "config_sentence_transformers.json", prompts=PROMPTS)
    return folder


@pytest.fixture
def tiny(tiny_original, tmp_path):
    """A copy of the tiny model, to be damaged at will."""
    return shutil.copytree(tiny_original, tmp_path / "tiny-model")


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache for this test alone."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("RAGQA_CACHE", str(cache))
    return cache


@pytest.fixture(scope="session")
def cache_with_export(tiny_original, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAGQA_CACHE", str(cache))
        embedder_for(str(tiny_original), building=True)
    return cache


@pytest.fixture
def exported(cache_with_export, tiny, own_cache):
    """The tiny model with an export of it in a cache for this test alone."""
    shutil.copytree(cache_with_export, own_cache)
    return tiny
