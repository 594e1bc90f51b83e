"""Models of other architectures: small random ones with the files of well-known ones."""

import numpy as np
import pytest
from fake_hub import REVISION, cached
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from tiny_embedders import MAKERS, TEXTS, configure, make, runs_on

from ragqa.embedders import embedder_for
from ragqa.errors import UsageError

WINDOW = 64
PROMPTS = {
    "intfloat/multilingual-e5-small": ("query: ", "passage: "),
    "Qwen/Qwen3-Embedding-0.6B": ("Instruct: Find the passage\nQuery:", ""),
    "google/embeddinggemma-300m": ("task: search result | query: ", "title: none | text: "),
}
SHORT = [text[:14] for text in TEXTS]


def least_cosine(first, second):
    first, second = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (first, second))
    return (first * second).sum(axis=-1).min()


def text_of(embedder, tokens):
    """A text of exactly so many tokens."""
    return "a" * (1 + tokens - embedder.count_tokens(["a"])[0])


@pytest.mark.parametrize("name", MAKERS)
def test_a_model_is_found_by_name_and_computes_what_sentence_transformers_does(
    name, own_cache, tmp_path, monkeypatch
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("ragqa.embedders.sentence_transformers.bfloat16_is_native", lambda: False)
    folder = cached(tmp_path / "hub", name, make(name, tmp_path / "made"))
    building, asking = (embedder_for(name, building=building) for building in (True, False))
    own = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    info = asking.info
    assert info == building.info
    assert (runs_on(building), runs_on(asking)) == ("torch", "onnx")
    assert (info.name, info.revision, info.window) == (name, REVISION, WINDOW)
    assert (info.query_prompt, info.passage_prompt) == PROMPTS.get(name, ("", ""))
    passages = own.encode(SHORT, prompt=info.passage_prompt, show_progress_bar=False)
    question = own.encode(SHORT[:1], prompt=info.query_prompt, show_progress_bar=False)
    full = text_of(building, WINDOW)
    for embedder in (building, asking):
        assert least_cosine(embedder.embed_passages(SHORT), passages) > 0.9999
        assert least_cosine(embedder.embed_query(SHORT[0]).pooled, question[0]) > 0.9999
        assert embedder.count_tokens([full]) == [WINDOW]
        with pytest.raises(ValueError, match=f"the window of {name} is {WINDOW}"):
            embedder.embed_passages([full + "a"])
    vectors = [embedder.embed_passages([full, SHORT[0]]) for embedder in (building, asking)]
    assert least_cosine(*vectors) > 0.9999
    pieces = asking.pieces(TEXTS)
    assert pieces == building.pieces(TEXTS)
    assert 0 <= pieces.words <= pieces.number
    assert 0 < pieces.known_bytes <= len("".join(filter(str.isalnum, "".join(TEXTS))).encode())
    text = "模型的权重 naïve fine"
    read = {place for span in asking.embed_query(text).spans for place in range(*span)}
    assert read == {place for place, character in enumerate(text) if character != " "}


def test_an_architecture_that_needs_code_is_refused(tiny, own_cache):
    code = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    configure(tiny, "config.json", model_type="new", auto_map=code)
    (tiny / "evil.py").write_text("raise SystemExit('code of the model was run')")
    with pytest.raises(UsageError, match="code of its own, which ragqa never runs"):
        embedder_for(str(tiny), building=True)


@pytest.mark.parametrize(("missing", "is_used"), [("layer.1.", True), ("pooler", False)])
def test_weights_that_are_used_may_not_be_missing(tiny, own_cache, missing, is_used):
    path = tiny / "model.safetensors"
    tensors = load_file(path)
    kept = {key: tensor for key, tensor in tensors.items() if missing not in key}
    assert kept.keys() != tensors.keys()
    save_file(kept, path, metadata={"format": "pt"})
    if is_used:
        with pytest.raises(UsageError, match="its files lack weights"):
            embedder_for(str(tiny), building=False)
    else:
        assert runs_on(embedder_for(str(tiny), building=False)) == "onnx"
