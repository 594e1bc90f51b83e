"""The embedder for asking: an exported model on ONNX Runtime, without torch.

An export is a folder in the user's cache, named by its model's digest. This module opens exports;
`ragqa.embedders.export` makes them.
"""

import dataclasses
import hashlib
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Thread

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state
from tokenizers import Tokenizer

from ragqa.config.files import cache_folder
from ragqa.embedders import Embedder
from ragqa.embedders.transformer import Inputs, TransformerEmbedder
from ragqa.embedders.weights import Json, ModelFolder, digests, find_model, read_json
from ragqa.errors import IndexUnusable
from ragqa.safe import private_folder, why_not_private
from ragqa.types import EmbedderInfo, Vectors

EXPORT_VERSION = 2
"""Part of an export's name; raise it when the export changes."""

MODEL_FILE = "model.onnx"
WEIGHTS_FILE = "weights.bin"
TOKENIZER_FILE = "tokenizer.json"
META_FILE = "meta.json"
EXPORTED_FILES = (MODEL_FILE, WEIGHTS_FILE, TOKENIZER_FILE)

MAX_THREADS = 8

ONNX_RUNTIME_ERRORS: tuple[type[Exception], ...] = tuple(
    error
    for error in vars(onnxruntime_pybind11_state).values()
    if isinstance(error, type) and issubclass(error, Exception)
)
"""Everything that ONNX Runtime raises; its errors have no common base class."""

_begun: dict[str, tuple[Thread, list["OnnxEmbedder"]]] = {}

logger = logging.getLogger("ragqa")


class OnnxModel:
    """An ONNX Runtime session with an exported model.

    A question's 20 to 30 candidate sentences take a third less time, and 40 MB less memory, in
    small batches of similar length than in one padded batch.
    """

    batch_tokens = 256

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(_cores(), MAX_THREADS)
        options.log_severity_level = 4  # fatal only: errors are raised anyway
        # Packing the weights takes 40 ms at start and saves 4 ms a question; most runs ask one.
        options.add_session_config_entry("session.disable_prepacking", "1")
        # Spinning is no faster, and much slower when other processes run too.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # The file was optimised on export.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self._path = path
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except ONNX_RUNTIME_ERRORS as exc:
            raise _unusable(path, exc) from exc
        self.input_names = tuple(node.name for node in self._session.get_inputs())

    def run(self, inputs: Inputs, outputs: Sequence[str]) -> list[Vectors]:
        """Compute the named outputs; see `Model.run` for their shapes.

        :raises IndexUnusable: ONNX Runtime fails.
        """
        try:
            return [np.asarray(output) for output in self._session.run(list(outputs), dict(inputs))]
        except ONNX_RUNTIME_ERRORS as exc:
            raise _unusable(self._path, exc) from exc


class OnnxEmbedder(TransformerEmbedder):
    """The embedder that runs an export, without torch."""

    @classmethod
    def open(cls, folder: Path, info: EmbedderInfo) -> "OnnxEmbedder":
        """Open the files of an export.

        :raises IndexUnusable: they are damaged, or need other versions of the libraries.
        """
        path = folder / TOKENIZER_FILE
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as exc:  # tokenizers raises nothing narrower
            raise _unusable(path, exc) from exc
        return cls(
            info=info, dtype="float32", tokenizer=tokenizer, model=OnnxModel(folder / MODEL_FILE)
        )


def begin(model: str) -> None:
    """Open a model's export in a thread, for `load_asking`, which says what is wrong with it."""
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
    found = find_model(model)
    if exported := open_export(found):
        return exported
    logger.warning("preparing %s for questions, once; this takes some seconds", found.name)
    from ragqa.embedders.sentence_transformers import SentenceTransformerEmbedder

    building = SentenceTransformerEmbedder.load(model)
    return open_export(found) or building


def export_folder(model: ModelFolder) -> Path:
    """The folder of a model's export, which need not exist."""
    key = hashlib.sha256(f"{EXPORT_VERSION} {model.key}".encode()).hexdigest()
    return cache_folder() / "onnx" / key[:32]


def open_export(model: ModelFolder) -> OnnxEmbedder | None:
    """Open a model's export; None if there is none, or it is damaged."""
    folder = export_folder(model)
    meta = read_json(folder / META_FILE)
    try:
        match meta:
            case {"info": dict(info), "files": dict(files)} if are_sound(folder, files):
                return OnnxEmbedder.open(folder, _info(info, model))
    except (OSError, TypeError, IndexUnusable) as exc:
        logger.debug("the export in %s is damaged: %s", folder, exc)
    return None


def are_sound(folder: Path, expected: dict[str, Json]) -> bool:
    """Whether an export's files have the recorded digests, and nobody else can have put them there.

    :raises OSError: one of them cannot be read.
    """
    private_folder(folder.parent)  # so that nobody replaces it between this check and its use
    own = (folder, *(folder / name for name in (META_FILE, *EXPORTED_FILES)))
    if problem := next(filter(None, map(why_not_private, own)), ""):
        _warn_once(folder, problem)
        return False
    found = digests(folder / name for name in EXPORTED_FILES)
    return {path.name: sha256 for path, sha256 in found.items()} == expected


@cache
def _warn_once(folder: Path, problem: str) -> None:
    """Say once that an export is made anew, however often it is looked for."""
    logger.warning("the model kept in %s is not used, and made anew: %s", folder, problem)


def _info(recorded: dict[str, Json], model: ModelFolder) -> EmbedderInfo:
    """The recorded fingerprint, with the model's current name and prompts.

    :raises TypeError: it is not a fingerprint.
    """
    info = EmbedderInfo(**recorded)  # type: ignore[arg-type]  # from JSON that we wrote
    return dataclasses.replace(
        info,
        name=model.name,
        query_prompt=model.query_prompt,
        passage_prompt=model.passage_prompt,
    )


def _unusable(path: Path, exc: Exception) -> IndexUnusable:
    reason = str(exc).partition("\n")[0]
    return IndexUnusable(
        f"the exported model in {path} cannot be used: {reason}", hint=f"rm -r {path.parent}"
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
