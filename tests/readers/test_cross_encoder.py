"""A cross-encoder or NLI model of the user's own: found, refused, made ready, healed, used."""

import json
import subprocess
import sys

import pytest
from support import HANGS_S
from tiny_readers import NLI, RANKER, save_reader

from ragqa.embedders.onnx import EXPORTED_FILES
from ragqa.errors import UsageError
from ragqa.readers import NEUTRAL, Text, available, prepare, prepared, reader_for
from ragqa.readers.cross_encoder import find_reader

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


def test_until_a_model_is_prepared_the_neutral_reader_answers_with_a_warning(ranker, own_cache):
    with pytest.raises(UsageError, match="not prepared") as raised:
        reader_for(str(ranker))
    assert raised.value.hint == "ragqa index"
    reader, (warning,) = available(str(ranker))
    assert reader.name == NEUTRAL
    assert "answered without a reader" in warning
    prepare(str(ranker))
    assert available(str(ranker))[1] == []
    assert available(str(ranker))[0].ranks


def test_a_damaged_export_is_made_anew(ranker, own_cache):
    prepare(str(ranker))
    export = find_reader(str(ranker)).export
    for name in EXPORTED_FILES:
        (export / name).write_bytes(b"damaged")
        with pytest.raises(UsageError, match="not prepared"):
            reader_for(str(ranker))
        assert prepared(str(ranker)).ranks


def test_other_weights_are_another_model(ranker, damaged, own_cache):
    prepare(str(ranker))
    with pytest.raises(UsageError, match="not prepared"):
        reader_for(str(damaged))


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
    with pytest.raises(UsageError, match=r"config\.json"):
        reader_for(str(tmp_path))


def test_weights_that_can_run_code_are_refused(damaged):
    weights = damaged / "model.safetensors"
    weights.rename(damaged / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"no model\.safetensors"):
        reader_for(str(damaged))
    # Sentence-transformers would follow an index to weights of any format.
    (damaged / "other.safetensors").write_bytes((damaged / "pytorch_model.bin").read_bytes())
    index = {"metadata": {}, "weight_map": {"classifier.weight": "pytorch_model.bin"}}
    (damaged / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UsageError, match=r"no model\.safetensors"):
        prepare(str(damaged))


def test_a_model_that_neither_ranks_nor_judges_is_refused(damaged):
    for changed in (
        {"id2label": {"0": "sad", "1": "glad"}},
        {"id2label": {"0": "neutral", "9": "entailment"}},
        {"id2label": {"0": "entailment"}, "architectures": ["BertModel"]},
    ):
        rewrite(damaged, **changed)
        with pytest.raises(UsageError, match="not a cross-encoder"):
            reader_for(str(damaged))


def test_a_model_without_a_tokenizer_file_is_refused(damaged):
    (damaged / "tokenizer.json").unlink()
    with pytest.raises(UsageError, match=r"no tokenizer\.json"):
        reader_for(str(damaged))


def test_a_model_without_some_of_its_weights_is_refused_and_not_made_up(damaged):
    from safetensors.torch import load_file, save_file

    path = damaged / "model.safetensors"
    weights = load_file(path)
    del weights["classifier.weight"]
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"lack classifier\.weight"):
        prepare(str(damaged))


@pytest.mark.parametrize("damage", [b"", b"damaged"])
def test_weights_that_cannot_be_read_are_refused_when_the_model_is_prepared(damaged, damage):
    (damaged / "model.safetensors").write_bytes(damage)
    with pytest.raises(UsageError, match="cannot use the model"):
        prepare(str(damaged))


def test_a_configuration_that_makes_no_sense_is_refused_in_a_sentence(damaged):
    rewrite(damaged, max_position_embeddings="128", hidden_size="many")
    with pytest.raises(UsageError, match="cannot use the model"):
        prepare(str(damaged))


def test_texts_are_cut_where_the_models_own_tokenizer_cuts_them(damaged):
    path = damaged / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": 24}))
    assert find_reader(str(damaged)).window == 24
    assert prepared(str(damaged)).judges
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": 10**30}))
    assert find_reader(str(damaged)).window == 128


def test_a_cache_that_cannot_be_written_is_named(damaged, tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file in the way")
    monkeypatch.setenv("RAGQA_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UsageError, match="cannot be prepared in"):
        prepare(str(damaged))


def test_no_code_that_comes_with_a_model_is_run(damaged, tmp_path, own_cache):
    ran = tmp_path / "ran"
    (damaged / "evil.py").write_text(f"open({str(ran)!r}, 'w')")
    rewrite(damaged, auto_map={"AutoModelForSequenceClassification": "evil.Evil"})
    assert prepared(str(damaged)).judges
    assert not ran.exists()
