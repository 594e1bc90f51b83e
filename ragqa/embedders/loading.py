"""Load a transformer model: on torch to build an index, from its export to ask."""

import logging
import os
from contextlib import suppress
from threading import Thread

from ragqa.config.files import cache_folder
from ragqa.embedders import Embedder
from ragqa.embedders.onnx import OnnxEmbedder, open_export
from ragqa.embedders.weights import find_model
from ragqa.safe import private_folder

_begun: dict[str, tuple[Thread, list[OnnxEmbedder]]] = {}

logger = logging.getLogger("ragqa")


def on_torch(model: str, dtype: str = "") -> Embedder:
    """Load a model on torch, which would else keep what it compiles where other users may write.

    :raises UsageError: there is no such model.
    """
    with suppress(OSError):
        private_folder(folder := cache_folder() / "torch")
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))
    from ragqa.embedders.sentence_transformers import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder.load(model, dtype)


def begin(model: str) -> None:
    """Open a model's export in a thread; `load_asking` waits for it, and says what is wrong."""
    opened: list[OnnxEmbedder] = []

    def run() -> None:
        with suppress(Exception):
            opened.extend(filter(None, [open_export(find_model(model))]))

    with suppress(RuntimeError):  # there may be no more threads
        thread = Thread(target=run, name="ragqa-model")
        thread.start()
        _begun[model] = thread, opened


def load_asking(model: str) -> Embedder:
    """Open a model's export; if it is missing or damaged, make it, which loads torch.

    A model that cannot be exported runs on torch.

    :raises UsageError: there is no such model, or it cannot be loaded.
    :raises IndexUnusable: the weights of the default model are damaged.
    """
    if model in _begun:
        thread, opened = _begun.pop(model)
        thread.join()
        if opened:
            return opened[0]
    folder = find_model(model)
    if exported := open_export(folder):
        return exported
    logger.warning("preparing %s for questions, once; this takes some seconds", folder.name)
    building = on_torch(model)
    return open_export(folder) or building
