"""The model for asking: an export on ONNX Runtime, which needs no torch.

Exports are folders in the user's cache, which `sentence_transformers` makes.
"""

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from ragqa.config import cache_folder
from ragqa.embedders import Embedder, Inputs
from ragqa.embedders.models import ModelFolder, digests, read_json
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

_CURRENT = ("name", "revision", "query_prompt", "passage_prompt")
"""What an export records of its model, and takes from the one that is there."""

MAX_THREADS = 8

logger = logging.getLogger("ragqa")


class OnnxModel:
    """An ONNX Runtime session: computes outputs, such as embeddings, from token ids.

    A question's 20 to 30 candidate sentences take a third less time, and 40 MB less memory, in
    small batches of similar length than in one padded batch.

    :param hint: what to do if the model cannot be used.
    :param optimised: whether its graph was optimised when it was written.
    :raises IndexUnusable: the file is damaged, or needs another version of ONNX Runtime.
    """

    batch_tokens = 256

    def __init__(self, path: Path, *, hint: str, optimised: bool = False) -> None:
        options = onnxruntime.SessionOptions()
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        options.intra_op_num_threads = min(cores or 1, MAX_THREADS)
        options.log_severity_level = 4  # fatal only: errors are raised anyway
        # Spinning is no faster, and much slower when other processes run too.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if optimised:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self._path, self._hint = path, hint
        with self._translated():
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        self.input_names = tuple(node.name for node in self._session.get_inputs())
        self.output_names = tuple(node.name for node in self._session.get_outputs())

    def run(self, inputs: Inputs, outputs: Sequence[str]) -> list[Vectors]:
        """Compute the named outputs for each text in order.

        `SENTENCE` has shape (texts, dimension), `TOKENS` (texts, tokens, dimension).

        :raises IndexUnusable: ONNX Runtime fails.
        """
        with self._translated():
            return [np.asarray(output) for output in self._session.run(list(outputs), dict(inputs))]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except Exception as exc:  # ONNX Runtime's errors have no common base class
            reason = str(exc).partition("\n")[0]
            raise IndexUnusable(
                f"the model in {self._path} cannot be used: {reason}", hint=self._hint
            ) from exc


def open_files(folder: Path, info: EmbedderInfo) -> Embedder:
    """Open the files of an export.

    :raises Exception: they are damaged, or need other versions of the libraries; tokenizers raises
        nothing narrower.
    """
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    model = OnnxModel(folder / MODEL_FILE, hint=f"rm -r {folder}", optimised=True)
    return Embedder(info=info, dtype="float32", tokenizer=tokenizer, model=model)


def export_folder(model: ModelFolder) -> Path:
    """The folder of a model's export, which need not exist."""
    key = hashlib.sha256(f"{EXPORT_VERSION} {model.key}".encode()).hexdigest()
    return cache_folder() / "onnx" / key[:32]


def open_export(model: ModelFolder) -> Embedder | None:
    """Open a model's export; None if there is none, or it is damaged."""
    folder = export_folder(model)
    meta = read_json(folder / META_FILE, dict[str, dict[str, Any]])
    try:
        if meta and _is_sound(folder, meta["files"]):
            current = {name: getattr(model, name) for name in _CURRENT}
            return open_files(folder, EmbedderInfo(**(meta["info"] | current)))
    except Exception as exc:  # noqa: BLE001 - damage may raise anything; it is made anew
        logger.debug("the export in %s is damaged: %s", folder, exc)
    return None


def _is_sound(folder: Path, expected: Mapping[str, str]) -> bool:
    """Whether an export's files have the recorded digests, and nobody else can have put them there.

    :raises OSError: one of them cannot be read.
    """
    private_folder(folder.parent)  # so that nobody replaces it between this check and its use
    own = (folder, *(folder / name for name in (META_FILE, *EXPORTED_FILES)))
    if problem := next(filter(None, map(why_not_private, own)), ""):
        _warn_once(folder, problem)
        return False
    current = digests(folder / name for name in EXPORTED_FILES)
    return {path.name: sha256 for path, sha256 in current.items()} == expected


@cache
def _warn_once(folder: Path, problem: str) -> None:
    """Say once that an export is made anew, however often it is looked for."""
    logger.warning("the model kept in %s is not used, and made anew: %s", folder, problem)
