"""A reranker of the user's own: what every one promises, found, refused, used."""

import shutil

import pytest
from tiny_embedders import configure
from tiny_rerankers import make_reranker, save_reranker

from ragqa.errors import UsageError
from ragqa.rerankers import NEUTRAL, available, reranker_for

QUESTION = "when do figs ripen?"
TEXTS = [
    "Figs are red. They ripen in August.",
    "東京 \ud800 🙂. It is a\tcity.",
    "",
    "the fig and the pear " * 300,
]


@pytest.fixture(scope="session")
def ranker(own_home, tmp_path_factory):
    return save_reranker(tmp_path_factory.mktemp("ranker") / "model")


@pytest.fixture
def damaged(ranker, tmp_path):
    """A copy of a model, to be damaged at will."""
    return shutil.copytree(ranker, tmp_path / "damaged")


def test_a_text_scores_as_the_model_itself_scores_it_whatever_is_read_beside_it(ranker):
    import torch

    reranker = reranker_for(str(ranker))
    assert reranker_for(NEUTRAL).score(QUESTION, TEXTS) == reranker.score(QUESTION, []) == []
    scores = reranker.score(QUESTION, TEXTS)
    alone = [reranker.score(QUESTION, [text])[0] for text in TEXTS]
    assert scores == pytest.approx(alone, abs=1e-5)
    model, tokenizer = make_reranker()
    texts = [text.replace("\ud800", "\ufffd") for text in TEXTS]
    encoded = tokenizer(
        [QUESTION] * len(texts), texts, padding=True, truncation="longest_first", max_length=128,
        return_tensors="pt",
    )  # fmt: skip
    with torch.inference_mode():
        own = model(**encoded).logits[:, 0].tolist()
    assert scores == pytest.approx(own, abs=1e-3)


def test_the_export_may_lie_in_the_folder_itself_and_no_code_beside_it_is_touched(
    damaged, tmp_path
):
    (damaged / "onnx" / "model.onnx").rename(damaged / "model.onnx")
    ran = tmp_path / "ran"
    (damaged / "evil.py").write_text(f"open({str(ran)!r}, 'w')")
    (damaged / "pytorch_model.bin").write_bytes(b"no pickle")
    configure(damaged, "config.json", auto_map={"AutoModelForSequenceClassification": "evil.Evil"})
    assert reranker_for(str(damaged)).name == str(damaged)
    assert not ran.exists()


@pytest.mark.parametrize("content", [None, b"", b"[]"])
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "onnx/model.onnx"])
def test_a_file_that_is_missing_or_makes_no_sense_is_named_and_the_neutral_reranker_answers(
    damaged, name, content
):
    if content is None:
        (damaged / name).unlink()
    else:
        (damaged / name).write_bytes(content)
    reranker, (warning,) = available(str(damaged))
    assert reranker.name == NEUTRAL
    why = f"lacks {name.removeprefix('onnx/')}" if content is None else "cannot be used: "
    assert f"{damaged} {why}" in warning
    assert "\n" not in warning
    assert warning.endswith("to change that: ragqa config set reranker neutral")


def test_a_model_that_judges_pairs_instead_of_scoring_them_is_refused(tmp_path):
    judge = save_reranker(tmp_path / "judge", outputs=3)
    with pytest.raises(UsageError, match="cannot be used: it has 3 outputs"):
        reranker_for(str(judge))
