"""Building on torch: any model in its own way, in the number format that the CPU is good at."""

import socket

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from tiny_embedders import configure

from ragqa.embedders import sentence_transformers as building
from ragqa.embedders.sentence_transformers import bfloat16_is_native, load
from ragqa.errors import UsageError

TEXT = "When should I fine-tune a model?"


@pytest.fixture
def in_float32(monkeypatch):
    monkeypatch.setattr(building, "bfloat16_is_native", lambda: False)


def plain(folder):
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


@pytest.mark.parametrize(
    ("line", "native"),
    [
        ("flags\t\t: fpu sse2 avx512f avx512_bf16", True),
        ("Features\t: fp asimd bf16 i8mm", True),
        ("flags\t\t: fpu sse2 avx512f", False),
        ("model name\t: bf16 avx512_bf16", False),
        ("", False),
    ],
)
def test_the_cpu_is_asked_for_bfloat16_not_its_name(tmp_path, line, native):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{line}\nprocessor\t: 1\n{line}\n")
    assert bfloat16_is_native(tmp_path / "cpuinfo") is native
    assert not bfloat16_is_native(tmp_path / "no-cpuinfo")


def test_bfloat16_is_near_to_float32_or_not_used_and_loading_opens_no_connection(
    tiny, monkeypatch, caplog
):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(building, "bfloat16_is_native", lambda: True)
    embedder = load(str(tiny))
    assert embedder.dtype == "bfloat16"
    expected = plain(tiny).encode([TEXT], prompt="passage: ", show_progress_bar=False)
    expected /= np.linalg.norm(expected)
    assert (embedder.embed_passages([TEXT]) @ expected.T).item() > 0.998
    monkeypatch.setattr(building, "MIN_BFLOAT16_COSINE", 1.1)
    assert load(str(tiny)).dtype == "float32"
    assert "is too inexact in bfloat16" in caplog.text


@pytest.mark.parametrize(
    "prompts",
    [
        {"query": "q: ", "document": "d: ", "passage": "p: "},
        {"retrieval.query": "q: ", "retrieval.passage": "p: "},
        {"query": "q: "},
    ],
)
def test_prompts_are_chosen_by_name_as_sentence_transformers_does(tiny, in_float32, prompts):
    configure(tiny, "config_sentence_transformers.json", prompts=prompts)
    own, embedder = plain(tiny), load(str(tiny))
    for text, found in (
        (own.encode_query(TEXT, show_progress_bar=False), embedder.embed_query(TEXT).pooled),
        (own.encode_document(TEXT, show_progress_bar=False), embedder.embed_passages([TEXT])[0]),
    ):
        assert found @ text / np.linalg.norm(text) > 0.9999
    counted = len(own.tokenizer(embedder.info.passage_prompt + TEXT)["input_ids"])
    assert embedder.count_tokens([TEXT]) == [counted]


@pytest.mark.parametrize("side", ["right", "left"])
def test_token_vectors_are_those_of_the_words_that_their_spans_name(tiny, in_float32, side):
    configure(tiny, "tokenizer_config.json", padding_side=side)
    texts = [TEXT, f"{TEXT} {TEXT}"]
    found = load(str(tiny)).embed_sentences(texts)[0]
    own = plain(tiny)
    prompted = [f"passage: {text}" for text in texts]
    encoded = own.encode(prompted, output_value="token_embeddings", show_progress_bar=False)
    tokens = own.tokenizer(prompted[0]).tokens()
    kept = [i for i, token in enumerate(tokens) if token.strip("▁") and token[0] != "<"]
    words = encoded[0].numpy()[-len(tokens) :][kept[-len(found.spans) :]]
    expected = words / np.linalg.norm(words, axis=1, keepdims=True)
    np.testing.assert_allclose(found.vectors, expected, atol=1e-5)
    assert "".join(TEXT[slice(*span)] for span in found.spans) == TEXT.replace(" ", "")


def test_a_model_that_prepares_texts_in_its_own_way_is_refused(tiny, in_float32, monkeypatch):
    real = SentenceTransformer.encode
    monkeypatch.setattr(
        SentenceTransformer,
        "encode",
        lambda self, texts, **kwargs: real(self, [f"dogs bark {t}" for t in texts], **kwargs),
    )
    with pytest.raises(UsageError, match="in its own way"):
        load(str(tiny))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_broken_model_is_named_in_one_sentence(tiny, name):
    (tiny / name).write_bytes(b"{broken")
    with pytest.raises(UsageError, match="cannot load the model in") as refused:
        load(str(tiny))
    assert str(tiny) in refused.value.message
    assert "\n" not in refused.value.message
