"""Multilingual models by name: small random ones in each architecture, with the same files."""

import json

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from tiny_embedders import MAKERS, TEXTS, make

from ragqa.embedders.loading import load_asking
from ragqa.embedders.onnx import OnnxEmbedder
from ragqa.embedders.sentence_transformers import SentenceTransformerEmbedder
from ragqa.embedders.weights import find_model
from ragqa.errors import UsageError

E5 = "intfloat/multilingual-e5-small"
WINDOW = 64
PROMPTS = {
    E5: ("query: ", "passage: "),
    "Qwen/Qwen3-Embedding-0.6B": ("Instruct: Find the passage\nQuery:", ""),
    "google/embeddinggemma-300m": ("task: search result | query: ", "title: none | text: "),
}
SHORT = [text[:14] for text in TEXTS]


@pytest.fixture(scope="module")
def patch(own_home, tmp_path_factory):
    """A cache of exports and an empty Hugging Face cache for this module alone; full precision."""
    folder = tmp_path_factory.mktemp("multilingual")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAGQA_CACHE", str(folder / "cache"))
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "hub"))
        patch.setattr("ragqa.embedders.sentence_transformers.bfloat16_is_native", lambda: False)
        yield folder


@pytest.fixture(scope="module", params=MAKERS)
def name(request, patch):
    """The name of a small model that is in the Hugging Face cache."""
    folder = patch / "hub" / f"models--{request.param.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots").mkdir()
    make(request.param, folder).rename(folder / "snapshots" / "abc")
    return request.param


@pytest.fixture(scope="module")
def building(name):
    return SentenceTransformerEmbedder.load(name)


@pytest.fixture(scope="module")
def asking(name, building):
    return load_asking(name)


@pytest.fixture(scope="module")
def own(name, building):
    """The model as sentence-transformers loads it."""
    return SentenceTransformer(str(find_model(name).path), device="cpu", local_files_only=True)


def least_cosine(first, second):
    first, second = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (first, second))
    return (first * second).sum(axis=-1).min()


def text_of(embedder, tokens):
    """A text of exactly so many tokens."""
    first = embedder.count_tokens(["a"])[0]
    return "a" * (1 + tokens - first)


def test_the_pieces_that_a_model_cuts_texts_into_are_measured(building, asking):
    pieces = asking.pieces(TEXTS)
    assert pieces == building.pieces(TEXTS)
    assert 0 <= pieces.words <= pieces.number
    assert 0 < pieces.known_bytes <= len("".join(filter(str.isalnum, "".join(TEXTS))).encode())


def test_a_model_is_found_by_name_and_asked_without_torch_with_its_own_prompts(asking, name):
    assert isinstance(asking, OnnxEmbedder)
    assert asking.info.name == name
    found = (asking.info.query_prompt, asking.info.passage_prompt)
    assert found == PROMPTS.get(name, ("", ""))


def test_passages_and_questions_get_the_vectors_of_sentence_transformers(building, asking, own):
    info = building.info
    passages = own.encode(SHORT, prompt=info.passage_prompt, show_progress_bar=False)
    question = own.encode(SHORT[:1], prompt=info.query_prompt, show_progress_bar=False)
    for embedder in (building, asking):
        assert least_cosine(embedder.embed_passages(SHORT), passages) > 0.9999
        assert least_cosine(embedder.embed_query(SHORT[0]).pooled, question[0]) > 0.9999


def test_the_window_is_the_models_and_a_full_passage_is_embedded(building, asking, name):
    full = text_of(building, WINDOW)
    assert building.count_tokens([full]) == [building.info.window] == [WINDOW]
    vectors = [embedder.embed_passages([full, SHORT[0]]) for embedder in (building, asking)]
    assert least_cosine(*vectors) > 0.9999
    for embedder in (building, asking):
        with pytest.raises(ValueError, match=f"the window of {name} is {WINDOW}"):
            embedder.embed_passages([text_of(building, WINDOW + 1)])


def test_spans_name_the_words_that_were_read_in_any_script(asking):
    text = "模型的权重 naïve fine"
    read = {place for span in asking.embed_query(text).spans for place in range(*span)}
    assert read == {place for place, character in enumerate(text) if character != " "}


@pytest.mark.parametrize(
    "prompts",
    [
        {"query": "q: ", "document": "d: ", "passage": "p: "},
        {"retrieval.query": "q: ", "retrieval.passage": "p: "},
        {"query": "q: "},
    ],
)
def test_prompts_are_chosen_by_name_as_sentence_transformers_does(tiny, own_cache, prompts):
    configure(tiny, "config_sentence_transformers.json", prompts=prompts)
    own = SentenceTransformer(str(tiny), device="cpu", local_files_only=True)
    embedder = SentenceTransformerEmbedder.load(str(tiny))
    text = "the cat sat"
    question = own.encode_query(text, show_progress_bar=False)
    passage = own.encode_document([text], show_progress_bar=False)
    assert least_cosine(embedder.embed_query(text).pooled, question) > 0.995
    assert least_cosine(embedder.embed_passages([text]), passage) > 0.995


def configure(folder, file, **changes):
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_an_architecture_that_needs_code_is_refused(tmp_path, own_cache):
    folder = make(E5, tmp_path)
    code = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    configure(folder, "config.json", model_type="new", auto_map=code)
    (folder / "evil.py").write_text("raise SystemExit('code of the model was run')")
    with pytest.raises(UsageError, match="code of its own, which ragqa never runs"):
        SentenceTransformerEmbedder.load(str(folder))


def rename_weights(folder, old, new):
    """Replace a part of the names of weights; None removes these weights."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    kept = {
        key.replace(old, new or ""): tensor
        for key, tensor in tensors.items()
        if new is not None or old not in key
    }
    assert kept.keys() != tensors.keys()
    save_file(kept, path, metadata={"format": "pt"})


def test_weights_that_do_not_fit_are_refused_instead_of_drawn_at_random(tmp_path, own_cache):
    folder = make(E5, tmp_path)
    rename_weights(folder, "layer.1.", "experts.1.")
    with pytest.raises(UsageError, match="its files lack weights"):
        SentenceTransformerEmbedder.load(str(folder))


def test_weights_that_are_not_used_may_be_missing(tmp_path, own_cache):
    folder = make(E5, tmp_path)
    rename_weights(folder, "pooler", None)
    assert isinstance(load_asking(str(folder)), OnnxEmbedder)
