"""Building on torch: any model in its own way, in the number format that the CPU is good at."""

import json
import socket

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from ragqa.embedders import sentence_transformers as building
from ragqa.embedders.sentence_transformers import SentenceTransformerEmbedder, bfloat16_is_native
from ragqa.errors import UsageError

TEXT = "the cat sat"


@pytest.fixture
def in_float32(monkeypatch):
    monkeypatch.setattr(building, "bfloat16_is_native", lambda: False)


@pytest.fixture
def in_bfloat16(monkeypatch):
    monkeypatch.setattr(building, "bfloat16_is_native", lambda: True)


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


def test_bfloat16_is_near_to_float32(tiny, in_bfloat16):
    embedder = SentenceTransformerEmbedder.load(str(tiny))
    assert embedder.dtype == "bfloat16"
    expected = plain(tiny).encode([TEXT], prompt="passage: ", show_progress_bar=False)
    assert (embedder.embed_passages([TEXT]) @ expected.T).item() > 0.998


def test_a_model_that_loses_too_much_in_bfloat16_is_computed_in_float32(
    tiny, in_bfloat16, monkeypatch, caplog
):
    monkeypatch.setattr(building, "MIN_BFLOAT16_COSINE", 1.1)
    assert SentenceTransformerEmbedder.load(str(tiny)).dtype == "float32"
    assert "is too inexact in bfloat16" in caplog.text


def test_prompts_are_put_before_the_text_counted_and_left_out_of_spans(tiny, in_float32):
    embedder = SentenceTransformerEmbedder.load(str(tiny))
    assert (embedder.info.query_prompt, embedder.info.passage_prompt) == ("query: ", "passage: ")
    asked = embedder.embed_query(TEXT)
    expected = plain(tiny).encode_query([TEXT], show_progress_bar=False)[0]
    assert asked.pooled @ expected > 0.9999
    assert asked.spans == ((0, 3), (4, 7), (8, 11))
    assert embedder.count_tokens([TEXT]) == [7]  # [CLS] passage : the cat sat [SEP]


@pytest.mark.parametrize("side", ["right", "left"])
def test_token_vectors_are_those_of_the_words_that_their_spans_name(tiny, in_float32, side):
    path = tiny / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"padding_side": side}))
    embedder = SentenceTransformerEmbedder.load(str(tiny))
    texts = [TEXT, "dogs bark at night on a mat"]
    found = embedder.embed_sentences(texts)[0]
    encoded = plain(tiny).encode(
        [f"passage: {text}" for text in texts],
        output_value="token_embeddings",
        show_progress_bar=False,
    )
    words = encoded[0].numpy()[-4:-1]  # the cat sat [SEP]
    expected = words / np.linalg.norm(words, axis=1, keepdims=True)
    np.testing.assert_allclose(found.vectors, expected, atol=1e-5)


def test_a_model_that_prepares_texts_in_its_own_way_is_refused(tiny, in_float32, monkeypatch):
    real = SentenceTransformer.encode
    monkeypatch.setattr(
        SentenceTransformer,
        "encode",
        lambda self, texts, **kwargs: real(self, [f"dogs bark {t}" for t in texts], **kwargs),
    )
    with pytest.raises(UsageError, match="in its own way"):
        SentenceTransformerEmbedder.load(str(tiny))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_broken_model_is_named_in_one_sentence(tiny, name):
    (tiny / name).write_bytes(b"{broken")
    with pytest.raises(UsageError, match="cannot load the model in") as refused:
        SentenceTransformerEmbedder.load(str(tiny))
    assert str(tiny) in refused.value.message
    assert "\n" not in refused.value.message


def test_loading_opens_no_connection(tiny, own_cache, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    SentenceTransformerEmbedder.load(str(tiny)).embed_passages([TEXT])
