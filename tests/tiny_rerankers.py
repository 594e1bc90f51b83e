"""Small models that score two texts together, made with random weights, as folders of the hub."""

import warnings
from pathlib import Path

from ragqa.embedders.models import find_model

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def make_reranker(outputs=1):
    """The model and its tokenizer, with the vocabulary of the default embedder."""
    import torch
    import transformers

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = transformers.BertForSequenceClassification(
            transformers.BertConfig(
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                max_position_embeddings=128,
                num_labels=outputs,
                initializer_range=0.5,
            )
        )
    source = find_model("").path
    return model.eval(), transformers.AutoTokenizer.from_pretrained(source, local_files_only=True)


def save_reranker(folder: Path, outputs=1, *, below="onnx"):
    """Save a tiny model as an ONNX export; the same one every time."""
    import torch

    class Exportable(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, *inputs):
            return self.model(**dict(zip(INPUTS, inputs, strict=True))).logits

    model, tokenizer = make_reranker(outputs)
    path = folder / below / "model.onnx"
    path.parent.mkdir(parents=True)
    sample = tokenizer(["Who eats it?"], ["The fox."], return_tensors="pt")
    axes = {name: {0: "texts", 1: "tokens"} for name in INPUTS} | {"logits": {0: "texts"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Exportable(model),
            tuple(sample[name] for name in INPUTS),
            str(path),
            input_names=list(INPUTS),
            output_names=["logits"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    model.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
