"""Small random models in the architectures, and with the files, of well-known multilingual ones."""

import json
import shutil

TEXTS = (
    "When should I fine-tune a model?",
    "Fine-tuning changes the weights of a model.",
    "Wann soll ich ein Modell nachtrainieren? Die Gewichte ändern sich.",
    "Comment sauvegarder la base de données chaque nuit ?",
    "¿Dónde se guardan las copias de seguridad?",
    "模型的权重在微调时会改变。",
    "データベースのバックアップは毎晩行われます。",
)
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
END = "<|endoftext|>"
LAYERS = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


def unigram(limit):
    """A tokenizer like SentencePiece's: unigrams, and "▁" for the space before a word."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(
        TEXTS,
        trainers.UnigramTrainer(
            vocab_size=300, special_tokens=SPECIAL, unk_token=SPECIAL[3], show_progress=False
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"bos": 0, "pad": 1, "eos": 2, "unk": 3, "mask": 4, "cls": 0, "sep": 2}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=limit,
        model_input_names=["input_ids", "attention_mask"],
        **{f"{name}_token": SPECIAL[place] for name, place in names.items()},
    )


def bytewise(limit):
    """A tokenizer like Qwen's: bytes, and a mark at the end that is also the padding."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=[END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, 0)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=limit,
        padding_side="left",
        model_input_names=["input_ids", "attention_mask"],
        pad_token=END,
        eos_token=END,
    )


def save(folder, model, tokenizer, modules, *, prompts=None):
    """Save a model as those on the hub are: old names of modules, prompts only if it has some."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Transformer

    plain = folder / "plain"
    model.save_pretrained(plain)
    tokenizer.save_pretrained(plain)
    saved = folder / "model"
    SentenceTransformer(modules=[Transformer(str(plain)), *modules], device="cpu").save(
        str(saved), create_model_card=False
    )
    listed = json.loads((saved / "modules.json").read_text())
    for module in listed:
        module["type"] = f"sentence_transformers.models.{module['type'].rpartition('.')[2]}"
    (saved / "modules.json").write_text(json.dumps(listed))
    path = saved / "config_sentence_transformers.json"
    config = json.loads(path.read_text())
    del config["prompts"]
    path.write_text(json.dumps(config if prompts is None else {**config, "prompts": prompts}))
    shutil.rmtree(plain)
    return saved


def _bert(folder):
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import BertConfig, BertModel

    tokenizer = unigram(64)
    config = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **LAYERS)
    return save(folder, BertModel(config), tokenizer, [Pooling(32, "mean")])


def _xlm_roberta(folder):
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
    from transformers import XLMRobertaConfig, XLMRobertaModel

    tokenizer = unigram(10**30)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=66, pad_token_id=1, **LAYERS
    )
    modules = [Pooling(32, "cls"), Normalize()]
    return save(folder, XLMRobertaModel(config), tokenizer, modules)


def _qwen(folder):
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
    from transformers import Qwen3Config, Qwen3Model

    tokenizer = bytewise(64)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        max_position_embeddings=64,
        num_key_value_heads=1,
        head_dim=16,
        **LAYERS,
    )
    prompts = {"query": "Instruct: Find the passage\nQuery:", "document": ""}
    modules = [Pooling(32, "lasttoken"), Normalize()]
    return save(folder, Qwen3Model(config), tokenizer, modules, prompts=prompts)


def _gemma(folder):
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling
    from transformers import Gemma3TextConfig, Gemma3TextModel

    tokenizer = unigram(64)
    config = Gemma3TextConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=64,
        num_key_value_heads=1,
        head_dim=16,
        sliding_window=8,
        layer_types=["sliding_attention", "full_attention"],
        use_bidirectional_attention=True,
        pad_token_id=1,
        **LAYERS,
    )
    linear = {"bias": False, "activation_function": None}
    modules = [Pooling(32, "mean"), Dense(32, 48, **linear), Dense(48, 24, **linear), Normalize()]
    prompts = {"query": "task: search result | query: ", "document": "title: none | text: "}
    return save(folder, Gemma3TextModel(config), tokenizer, modules, prompts=prompts)


MAKERS = {
    "intfloat/multilingual-e5-small": _bert,
    "BAAI/bge-m3": _xlm_roberta,
    "Qwen/Qwen3-Embedding-0.6B": _qwen,
    "google/embeddinggemma-300m": _gemma,
}


def make(name, folder):
    """Save a small random model in the architecture of the model of this name.

    :param folder: an empty one.
    """
    import torch

    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return MAKERS[name](folder)


def configure(folder, file, **changes):
    """Change some values in a file of a model."""
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def runs_on(embedder):
    """What computes the vectors of an embedder, "torch" or "onnx"."""
    return {"TorchModel": "torch", "OnnxModel": "onnx"}[type(embedder._model).__name__]
