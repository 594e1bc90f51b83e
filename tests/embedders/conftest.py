"""A transformer of a hundred kilobytes, for what the real model is too slow or too sound."""

import shutil

import pytest

VOCABULARY = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] query passage : the cat sat on a mat dogs bark at night word"
)
PROMPTS = {"query": "query: ", "document": "passage: "}


@pytest.fixture(scope="session")
def make_tiny(own_home, tmp_path_factory):
    """Return a function that saves a tiny model with the modules given after the transformer."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    torch.set_num_threads(1)
    bert = tmp_path_factory.mktemp("bert")
    vocabulary = bert / "vocab.txt"
    vocabulary.write_text(VOCABULARY.replace(" ", "\n"))
    BertTokenizer(vocab=str(vocabulary), model_max_length=32).save_pretrained(bert)
    config = BertConfig(
        vocab_size=len(VOCABULARY.split()),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=40,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        BertModel(config).save_pretrained(bert)

    def make(*modules, prompts=None):
        folder = tmp_path_factory.mktemp("tiny") / "model"
        SentenceTransformer(
            modules=[Transformer(str(bert)), *modules], prompts=prompts, device="cpu"
        ).save(str(folder), create_model_card=False)
        return folder

    return make


@pytest.fixture(scope="session")
def tiny_original(make_tiny):
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    return make_tiny(Pooling(32, "mean"), Normalize(), prompts=PROMPTS)


@pytest.fixture
def tiny(tiny_original, tmp_path):
    """A copy of the tiny model, to be damaged at will."""
    return shutil.copytree(tiny_original, tmp_path / "tiny-model")


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache for this test alone."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("RAGQA_CACHE", str(cache))
    return cache


@pytest.fixture(scope="session")
def cache_with_export(tiny_original, tmp_path_factory):
    from ragqa.embedders.sentence_transformers import SentenceTransformerEmbedder

    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAGQA_CACHE", str(cache))
        SentenceTransformerEmbedder.load(str(tiny_original))
    return cache


@pytest.fixture
def exported(cache_with_export, tiny, own_cache):
    """The tiny model with an export of it in a cache for this test alone."""
    shutil.copytree(cache_with_export, own_cache)
    return tiny
