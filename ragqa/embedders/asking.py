"""Choose the embedder for questions: the model's export, or torch if there is none."""

import logging

from ragqa.embedders import Embedder
from ragqa.embedders.onnx import open_export
from ragqa.embedders.weights import find_model

logger = logging.getLogger("ragqa")


def load_asking(model: str) -> Embedder:
    """Open a model's export; if it is missing or damaged, make it, which loads torch.

    A model that cannot be exported runs on torch.

    :raises UsageError: there is no such model, or it cannot be loaded.
    :raises IndexUnusable: the weights of the default model are damaged.
    """
    found = find_model(model)
    if exported := open_export(found):
        return exported
    logger.warning("preparing %s for questions, once; this takes some seconds", found.name)
    from ragqa.embedders.sentence_transformers import SentenceTransformerEmbedder

    building = SentenceTransformerEmbedder.load(model)
    return open_export(found) or building
