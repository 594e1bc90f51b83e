"""Small models that read two texts together, made with random weights."""

from pathlib import Path

from ragqa.embedders.weights import find_model

RANKER = {0: "LABEL_0"}
NLI = {0: "contradiction", 1: "entailment", 2: "neutral"}


def save_reader(folder: Path, labels, *, architecture="BertForSequenceClassification", **config):
    """Save a tiny model with the vocabulary of the default embedder; the same one every time."""
    import torch
    import transformers

    source = find_model("").path
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = getattr(transformers, architecture)(
            transformers.BertConfig(
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                max_position_embeddings=128,
                num_labels=len(labels),
                id2label=labels,
                label2id={label: number for number, label in labels.items()},
                initializer_range=0.5,
                **config,
            )
        )
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(source, local_files_only=True).save_pretrained(
        folder
    )
    return folder
