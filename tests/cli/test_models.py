"""A reader or an embedder by its name on the hub: found, fetched if the user agrees, or refused."""

import shutil

import pytest
from fake_hub import OTHER_REVISION, REVISION, FakeHub, cached
from terminals import sit_at
from tiny_embedders import make
from tiny_readers import RANKER, save_reader

from ragqa.cli.models import prepare
from ragqa.embedders import hub as models
from ragqa.embedders.weights import find_model
from ragqa.errors import NotAllowed, UsageError

READER, EMBEDDER = "cross-encoder/tiny", "intfloat/multilingual-e5-small"
QUESTION = "when do figs ripen?"
NOTES = {"figs.md": "# Figs\n\nFigs are red.\n\nThey ripen in August.\n\nBirds eat figs.\n"}
NEEDED = ["config.json", "onnx/model.onnx", "tokenizer.json"]


@pytest.fixture(scope="session")
def ranker(own_home, tmp_path_factory):
    """A reader's folder with what else such a repository holds."""
    folder = save_reader(tmp_path_factory.mktemp("named") / "ranker", RANKER)
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    shutil.copy(folder / "onnx" / "model.onnx", folder / "onnx" / "model_O4.onnx")
    return folder


@pytest.fixture(scope="session")
def embedder(own_home, tmp_path_factory):
    return make(EMBEDDER, tmp_path_factory.mktemp("named"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Settings and consent of this test alone; gives the environment of a command."""
    found = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "RAGQA_CACHE": str(tmp_path / "cache")}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def hub(home, tmp_path, monkeypatch, ranker):
    """A hub on this machine that has the reader, an empty cache, and a token in its place."""
    with FakeHub() as server:
        server.models[READER] = ranker
        server.cache = tmp_path / "hf" / "hub"
        (tmp_path / "hf").mkdir()
        (tmp_path / "hf" / "token").write_text("hf_secret")
        home |= {"HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": server.address}
        home["HF_HUB_OFFLINE"] = "0"
        at = "huggingface_hub.constants."
        monkeypatch.setattr(f"{at}ENDPOINT", server.address)
        files = f"{server.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(f"{at}HUGGINGFACE_CO_URL_TEMPLATE", files)
        monkeypatch.setattr(f"{at}HF_HUB_CACHE", str(server.cache))
        monkeypatch.setattr(f"{at}HF_HUB_OFFLINE", False)
        yield server
        from huggingface_hub.utils import close_session

        close_session()


def test_a_reader_is_fetched_by_its_name_once_and_reads(apart, places, hub, home):
    done = apart("config", "set", "reader", READER, env=home)
    assert done.code == 0, done.err
    assert f"MB from {hub.address.removeprefix('http://')}, revision {REVISION[:12]}" in done.err
    assert sorted(hub.fetched) == NEEDED
    sent = {name.casefold() for _, _, headers in hub.requests for name in headers}
    assert "authorization" not in sent
    asked = len(hub.requests)
    assert apart("config", "set", "reader", READER, env=home).code == 0
    why = apart("why", QUESTION, "--target", "figs.md", "--json", *places, env=home)
    assert "reader" in why.document["citations"][0]["parts"]
    assert f"the reader is {READER}" in apart("doctor", *places, env=home).out
    assert len(hub.requests) == asked


def test_an_embedder_is_fetched_without_what_it_does_not_need_and_knows_its_prompts_and_revision(
    hub, embedder, quick, home, tmp_path
):
    other = shutil.copytree(embedder, tmp_path / "whole")
    for name in ("onnx/model.onnx", "onnx/config.json", "pytorch_model.bin", "README.md"):
        (other / name).parent.mkdir(exist_ok=True)
        (other / name).write_bytes(b"not wanted")
    hub.models[EMBEDDER] = other
    assert quick("config", "set", "embedder", EMBEDDER, env=home).code == 0
    assert {"modules.json", "1_Pooling/config.json", "model.safetensors"} <= set(hub.fetched)
    assert not [file for file in hub.fetched if file.startswith(("onnx", "py", "README"))]
    found = find_model(EMBEDDER)
    assert (found.query_prompt, found.passage_prompt) == ("query: ", "passage: ")
    assert found.revision == REVISION
    cached(hub.cache, EMBEDDER, embedder, OTHER_REVISION)
    assert find_model(EMBEDDER).revision == OTHER_REVISION


def test_what_is_in_the_cache_asks_nobody(hub, ranker, quick, home):
    cached(hub.cache, READER, ranker)
    assert quick("config", "set", "reader", READER, env=home).code == 0
    assert hub.requests == []


@pytest.mark.parametrize("kind", ["reader", "embedder"])
def test_without_a_terminal_one_sentence_says_how_to_allow_the_host(quick, home, monkeypatch, kind):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "https://hub.example")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    done = quick("config", "set", kind, "owner/model", env=home)
    assert done.code == 2
    said = " ".join(done.err.split())
    assert "owner/model is not on this machine, and you have not allowed hub.example" in said
    assert "nothing was fetched" in said
    assert "ragqa model allow hub.example" in said
    quick("model", "allow", "hub.example", env=home)
    assert "HF_HUB_OFFLINE is set" in quick("config", "set", kind, "owner/model", env=home).err
    quick("model", "forget", "hub.example", env=home)
    assert "not allowed" in quick("config", "set", kind, "owner/model", env=home).err


def test_the_user_is_asked_for_the_host_before_anything_leaves_and_then_with_the_size(
    hub, monkeypatch
):
    shown = sit_at(monkeypatch, typing="n\n")
    with pytest.raises(NotAllowed, match="nothing was fetched"):
        prepare("reader", READER, yes=False)
    assert "MB from 127.0.0.1" in shown.getvalue()
    assert hub.fetched == []
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "https://hub.example")
    asked, shown = len(hub.requests), sit_at(monkeypatch, typing="n\n")
    with pytest.raises(NotAllowed, match="nothing was fetched"):
        prepare("reader", READER, yes=False)
    said = " ".join(shown.getvalue().split())
    assert f"the name {READER}" in said
    assert "This would go to: hub.example" in said
    assert len(hub.requests) == asked


def test_offline_stays_offline(hub, quick, home, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    done = quick("config", "set", "reader", READER, env=home)
    assert done.code == 2
    assert "HF_HUB_OFFLINE is set" in done.err
    assert hub.requests == []


def test_a_fetch_that_breaks_off_leaves_no_model_and_goes_on_where_it_was(hub, tmp_path, ranker):
    broken = shutil.copytree(ranker, tmp_path / "broken")
    hub.models[READER] = broken
    offer = models.look_up("reader", READER)
    (broken / "tokenizer.json").unlink()
    with pytest.raises(UsageError, match="cannot be fetched from 127") as failed:
        models.fetch(offer, lambda *_: None)
    assert "\n" not in failed.value.message
    with pytest.raises(models.NotHere):
        models.snapshot("reader", READER)
    hub.models[READER] = ranker
    told, left = [], models.look_up("reader", READER)
    assert left.files.keys() == {"tokenizer.json"}
    models.fetch(left, lambda *step: told.append(step))
    assert told[-1][0] == "fetching"
    assert models.snapshot("reader", READER).name == REVISION


def test_a_model_of_another_kind_and_one_that_is_not_there_are_refused_before_a_file_is_fetched(
    hub, quick, home
):
    done = quick("config", "set", "embedder", READER, env=home)
    assert done.code == 2
    assert "has no modules.json" in done.err
    assert "there is no model" in quick("config", "set", "reader", "owner/none", env=home).err
    assert hub.fetched == []


def test_an_endpoint_that_anyone_on_the_way_could_change_is_refused(quick, home, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://hub.example")
    done = quick("config", "set", "reader", READER, "--yes", env=home)
    assert done.code == 2
    assert "HF_ENDPOINT is an http:// address" in done.err
