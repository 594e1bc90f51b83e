"""A cross-encoder of the user's own: found, refused, used."""

import json
import shutil

import pytest
from tiny_readers import make_reader, save_reader

from ragqa.errors import UsageError
from ragqa.readers import NEUTRAL, CrossEncoder, available, reader_for

TEXTS = ["Figs are red.", "They ripen in August."]


@pytest.fixture(scope="session")
def ranker(own_home, tmp_path_factory):
    return save_reader(tmp_path_factory.mktemp("ranker") / "model")


@pytest.fixture
def damaged(ranker, tmp_path):
    """A copy of a model, to be damaged at will."""
    return shutil.copytree(ranker, tmp_path / "damaged")


def rewrite(folder, **changed):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def test_a_text_scores_as_the_model_itself_scores_it(ranker):
    import torch

    scores = reader_for(str(ranker)).score("when do figs ripen?", TEXTS)
    model, tokenizer = make_reader()
    encoded = tokenizer(["when do figs ripen?"] * 2, TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        own = model(**encoded).logits[:, 0].tolist()
    assert scores == pytest.approx(own, abs=1e-3)


def test_the_export_may_lie_in_the_folder_itself(damaged):
    (damaged / "onnx" / "model.onnx").rename(damaged / "model.onnx")
    assert isinstance(reader_for(str(damaged)), CrossEncoder)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no folder"):
        reader_for(str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="no folder"):
        reader_for("~nobody-of-that-name/model")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "onnx/model.onnx"])
def test_what_a_folder_lacks_is_named_and_the_neutral_reader_answers(damaged, name):
    (damaged / name).unlink()
    with pytest.raises(UsageError, match=rf"lacks .*{name}") as refused:
        reader_for(str(damaged))
    assert refused.value.hint == "ragqa config set reader neutral"
    reader, (warning,) = available(str(damaged))
    assert reader.name == NEUTRAL
    assert warning.startswith("answered without a reader: ")


@pytest.mark.parametrize("content", [b"", b"[]"])
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "onnx/model.onnx"])
def test_files_that_make_no_sense_are_refused_in_a_sentence(damaged, name, content):
    (damaged / name).write_bytes(content)
    with pytest.raises(UsageError, match="cannot be used: ") as refused:
        reader_for(str(damaged))
    assert "\n" not in refused.value.message


def test_a_model_that_judges_pairs_instead_of_scoring_them_is_refused(tmp_path):
    judge = save_reader(tmp_path / "judge", outputs=3)
    with pytest.raises(UsageError, match="cannot be used: it has 3 outputs"):
        reader_for(str(judge))


def test_code_and_weights_that_can_run_some_are_not_touched(damaged, tmp_path):
    ran = tmp_path / "ran"
    (damaged / "evil.py").write_text(f"open({str(ran)!r}, 'w')")
    (damaged / "pytorch_model.bin").write_bytes(b"no pickle")
    rewrite(damaged, auto_map={"AutoModelForSequenceClassification": "evil.Evil"})
    assert isinstance(reader_for(str(damaged)), CrossEncoder)
    assert not ran.exists()
