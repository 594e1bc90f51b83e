"""A reranker or an embedder by its name on the hub: found, fetched if asked for, or refused."""

import shutil

import pytest
from fake_hub import OTHER_REVISION, REVISION, FakeHub, cached
from terminals import sit_at
from tiny_embedders import make

from ragqa.cli.configure import prepare
from ragqa.embedders import models
from ragqa.embedders.models import find_model
from ragqa.errors import NotAllowed, UsageError

RERANKER, EMBEDDER = "cross-encoder/tiny", "intfloat/multilingual-e5-small"
NEEDED = ["config.json", "onnx/model.onnx", "tokenizer.json"]


@pytest.fixture
def hub(tmp_path, monkeypatch, reranker_folder):
    """A hub on this machine that has the reranker, an empty cache, and a token in its place."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "token").write_text("hf_secret")
    ranker = shutil.copytree(reranker_folder, tmp_path / "ranker")
    for unwanted in ("pytorch_model.bin", "onnx/model_O4.onnx"):
        (ranker / unwanted).write_bytes(b"not wanted")
    with FakeHub() as server:
        server.models[RERANKER], server.cache = ranker, tmp_path / "hub"
        at = "huggingface_hub.constants."
        monkeypatch.setattr(f"{at}ENDPOINT", server.address)
        files = f"{server.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(f"{at}HUGGINGFACE_CO_URL_TEMPLATE", files)
        monkeypatch.setattr(f"{at}HF_HUB_CACHE", str(server.cache))
        monkeypatch.setattr(f"{at}HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setattr(f"{at}HF_HUB_OFFLINE", False)
        yield server
        from huggingface_hub.utils import close_session

        close_session()


def test_a_model_is_fetched_by_its_name_once_and_then_asks_nobody(quick, hub):
    refused = quick("config", "set", "reranker", RERANKER)
    assert refused.code == 2
    assert f"{RERANKER} is not on this machine; nothing was fetched" in refused.err
    assert hub.requests == []
    done = quick("config", "set", "reranker", RERANKER, "--yes")
    assert done.code == 0, done.err
    assert f"MB) from 127.0.0.1, revision {REVISION[:12]}" in done.err
    assert sorted(hub.fetched) == NEEDED
    assert "authorization" not in {name.casefold() for *_, sent in hub.requests for name in sent}
    asked = len(hub.requests)
    assert quick("config", "set", "reranker", RERANKER).code == 0
    assert len(hub.requests) == asked


def test_an_embedder_is_fetched_without_what_it_does_not_need_and_knows_its_prompts_and_revision(
    own_home, hub, quick, tmp_path
):
    embedder = make(EMBEDDER, tmp_path / "made")
    hub.models[EMBEDDER] = shutil.copytree(embedder, tmp_path / "whole")
    for name in ("onnx/model.onnx", "onnx/config.json", "pytorch_model.bin", "README.md"):
        path = hub.models[EMBEDDER] / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"not wanted")
    assert quick("config", "set", "embedder", EMBEDDER, "--yes").code == 0
    assert {"modules.json", "1_Pooling/config.json", "model.safetensors"} <= set(hub.fetched)
    assert not [file for file in hub.fetched if file.startswith(("onnx", "py", "README"))]
    found = find_model(EMBEDDER)
    assert (found.query_prompt, found.passage_prompt) == ("query: ", "passage: ")
    assert found.revision == REVISION
    cached(hub.cache, EMBEDDER, embedder, OTHER_REVISION)
    assert find_model(EMBEDDER).revision == OTHER_REVISION


def test_the_user_is_asked_once_with_the_size(hub, monkeypatch):
    shown = sit_at(monkeypatch, typing="n\n")
    with pytest.raises(NotAllowed, match="nothing was fetched"):
        prepare("reranker", RERANKER, yes=False)
    assert f"Fetch {RERANKER} (4.8 MB) from 127.0.0.1, revision" in shown.getvalue()
    assert shown.getvalue().count("[y/N]") == 1
    assert hub.fetched == []


def test_a_fetch_that_breaks_off_leaves_no_model_and_goes_on_where_it_was(hub):
    hub.withheld = "tokenizer.json"
    with pytest.raises(UsageError, match="cannot be fetched from 127") as failed:
        prepare("reranker", RERANKER, yes=True)
    assert "\n" not in failed.value.message
    with pytest.raises(models.NotHere):
        models.locate("reranker", RERANKER)
    hub.withheld = None
    prepare("reranker", RERANKER, yes=True)
    assert models.locate("reranker", RERANKER)[1].name == REVISION
    assert hub.fetched.count("onnx/model.onnx") == 1


@pytest.mark.parametrize(
    ("kind", "name", "at", "says"),
    [
        ("embedder", RERANKER, {}, "has no modules.json"),
        ("reranker", "owner/none", {}, "owner/none cannot be fetched from 127.0.0.1"),
        ("reranker", RERANKER, {"HF_HUB_OFFLINE": True}, "offline mode is enabled"),
        ("reranker", RERANKER, {"ENDPOINT": "http://hub.example"}, "HF_ENDPOINT is an http://"),
    ],
)
def test_what_cannot_be_had_is_refused_before_a_file_is_fetched(
    hub, quick, monkeypatch, kind, name, at, says
):
    for constant, value in at.items():
        monkeypatch.setattr(f"huggingface_hub.constants.{constant}", value)
    done = quick("config", "set", kind, name, "--yes")
    assert (done.code, says in " ".join(done.err.split())) == (2, True), done.err
    assert hub.fetched == []
