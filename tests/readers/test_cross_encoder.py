"""A cross-encoder or NLI model of the user's own: found, refused, made ready, healed, used."""

import json
import subprocess
import sys

import pytest
from support import HANGS_S
from tiny_readers import NLI, RANKER, save_reader

from ragqa.embedders.onnx import EXPORTED_FILES
from ragqa.errors import UsageError
from ragqa.readers import Neutral, Text, is_ready, prepare, reader_for
from ragqa.readers.folder import find_reader

TEXT = Text("Figs", "Figs are red. They ripen in August.", ((0, 13), (14, 35)))


@pytest.fixture(scope="session")
def ranker(own_home, tmp_path_factory):
    return save_reader(tmp_path_factory.mktemp("ranker") / "model", RANKER)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache for this test alone."""
    monkeypatch.setenv("RAGQA_CACHE", str(tmp_path / "cache"))


def rewrite(folder, **changed):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


@pytest.fixture
def damaged(tmp_path):
    """A model to be damaged at will."""
    return save_reader(tmp_path / "damaged", NLI)


def test_a_sentence_scores_as_the_model_itself_scores_it_below_its_headings(ranker):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    prepare(str(ranker))
    (scores,) = reader_for(str(ranker)).score("when do figs ripen?", [TEXT])
    tokenizer = AutoTokenizer.from_pretrained(ranker)
    model = AutoModelForSequenceClassification.from_pretrained(ranker)
    below = ["Figs\nFigs are red.", "Figs\nThey ripen in August."]
    encoded = tokenizer(["when do figs ripen?"] * 2, below, padding=True, return_tensors="pt")
    with torch.inference_mode():
        own = model(**encoded).logits[:, 0].tolist()
    assert scores == pytest.approx(own, abs=1e-3)


def test_until_a_model_is_made_ready_the_neutral_reader_answers_and_that_is_said(
    ranker, own_cache, caplog
):
    assert isinstance(reader_for(str(ranker)), Neutral)
    assert "ragqa index" in caplog.text
    prepare(str(ranker))
    assert reader_for(str(ranker)).ranks


def test_a_damaged_export_is_made_anew(ranker, own_cache):
    prepare(str(ranker))
    export = find_reader(str(ranker)).export
    for name in EXPORTED_FILES:
        (export / name).write_bytes(b"damaged")
        assert not is_ready(str(ranker))
        prepare(str(ranker))
        assert is_ready(str(ranker))


def test_other_weights_are_another_model(ranker, damaged, own_cache):
    prepare(str(ranker))
    assert not is_ready(str(damaged))


def test_reading_imports_no_torch(ranker, own_home):
    prepare(str(ranker))
    program = f"""
import sys
from ragqa.readers import Text, reader_for
reader_for({str(ranker)!r}).score("what?", [Text("A", "It is.", ((0, 6),))])
print("torch" in sys.modules, "transformers" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=HANGS_S, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("False False", "")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no folder"):
        reader_for(str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="no folder"):
        reader_for("~nobody-of-that-name/model")


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no readable config\.json"):
        reader_for(str(tmp_path))


def test_weights_that_can_run_code_are_refused(damaged):
    (damaged / "model.safetensors").rename(damaged / "pytorch_model.bin")
    with pytest.raises(UsageError, match="safetensors"):
        reader_for(str(damaged))


def test_a_model_that_neither_ranks_nor_judges_is_refused(damaged):
    rewrite(damaged, id2label={"0": "sad", "1": "glad"})
    with pytest.raises(UsageError, match="not a cross-encoder"):
        reader_for(str(damaged))
    rewrite(damaged, id2label={"0": "entailment"}, architectures=["BertModel"])
    with pytest.raises(UsageError, match="not a cross-encoder"):
        reader_for(str(damaged))


@pytest.mark.parametrize("damage", [b"", b"damaged"])
def test_weights_that_cannot_be_read_are_refused_when_the_model_is_made_ready(damaged, damage):
    (damaged / "model.safetensors").write_bytes(damage)
    with pytest.raises(UsageError, match="cannot load"):
        prepare(str(damaged))


def test_no_code_that_comes_with_a_model_is_run(damaged, tmp_path, own_cache):
    ran = tmp_path / "ran"
    (damaged / "evil.py").write_text(f"open({str(ran)!r}, 'w')")
    rewrite(damaged, auto_map={"AutoModelForSequenceClassification": "evil.Evil"})
    prepare(str(damaged))
    assert reader_for(str(damaged)).judges
    assert not ran.exists()
