"""Exports a whole model to ONNX, once, including pooling; checked against torch before use."""

import contextlib
import dataclasses
import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

from ragqa.embedders import CANARY, Embedder
from ragqa.embedders.onnx import (
    EXPORTED_FILES,
    META_FILE,
    MODEL_FILE,
    ONNX_RUNTIME_ERRORS,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    OnnxEmbedder,
    export_folder,
    open_export,
)
from ragqa.embedders.transformer import SENTENCE, TOKENS
from ragqa.embedders.weights import Json, ModelFolder, hash_file, write_json
from ragqa.errors import IndexUnusable
from ragqa.safe import private_file, private_folder

OPSET = 17
MIN_COSINE = 0.9999

_TRACED = (CANARY, "No.")
# Other lengths and another count than the traced texts, so that a baked-in constant would show.
_CHECKED = (
    "No.",
    "Naïve café owners paid 1,234.50 € in Zürich; 東京 was dearer 🙂.",
    f"{CANARY} " * 15,
    # Beyond the windows of local attention, which a trace of short texts could lose.
    f"{CANARY} " * 60,
)
EXPORT_ERRORS: tuple[type[Exception], ...] = (
    *ONNX_RUNTIME_ERRORS, IndexUnusable, AssertionError, AttributeError, ImportError, LookupError,
    RuntimeError, TypeError, ValueError,
)  # fmt: skip

logger = logging.getLogger("ragqa")


class _Exportable(torch.nn.Module):
    """The model with positional inputs and outputs, as the exporter needs."""

    def __init__(self, model: SentenceTransformer, input_names: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.input_names = input_names

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        computed = self.model(dict(zip(self.input_names, inputs, strict=True)))
        return computed["sentence_embedding"], computed["token_embeddings"]


def export_once(
    found: ModelFolder,
    *,
    model: SentenceTransformer,
    input_names: Sequence[str],
    tokenizer: Tokenizer,
    reference: Embedder,
) -> None:
    """Export a model unless that was done; log a warning if it fails.

    :param model: in float32 on the CPU.
    :param tokenizer: with the model's padding settings.
    :param reference: the export must compute the same vectors.
    """
    if open_export(found) is not None:
        return
    folder = export_folder(found)
    try:
        with exclusive(folder):
            if open_export(found) is not None:
                return
            sample = _sample(model, reference.info.window)
            with drafted(folder, {"info": dataclasses.asdict(reference.info)}) as draft:
                write_graph(
                    _Exportable(model, input_names),
                    {name: sample[name] for name in input_names},
                    {SENTENCE: {0: "texts"}, TOKENS: {0: "texts", 1: "tokens"}},
                    draft,
                )
                tokenizer.save(str(draft / TOKENIZER_FILE), pretty=False)
                _check(OnnxEmbedder.open(draft, reference.info), reference)
    except OSError as exc:
        logger.warning("the ONNX export of %s cannot be kept in the cache: %s", found.name, exc)
    except EXPORT_ERRORS as exc:
        reason = str(exc).partition("\n")[0]
        logger.warning(
            "%s cannot be exported to ONNX, so every question waits for torch to start: %s",
            found.name,
            reason,
        )


def _sample(model: SentenceTransformer, window: int) -> Mapping[str, torch.Tensor]:
    """The inputs to trace, by name; longer texts would fail in a model of few positions."""
    sample: Mapping[str, torch.Tensor] = model.tokenizer(
        list(_TRACED), padding=True, truncation=True, max_length=window, return_tensors="pt"
    )
    return sample


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Let one process at a time make this folder; removes leftovers of killed ones."""
    private_folder(folder.parent)
    path = folder.parent / f"{folder.name}.lock"
    private_file(path)
    with path.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            for leftover in folder.parent.glob(f".{folder.name}-*"):
                shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def drafted(folder: Path, about: Mapping[str, Json]) -> Iterator[Path]:
    """A new folder to export into; at the end it gets its metadata and replaces `folder`.

    Within `exclusive`, which removes the draft if anything fails.

    :param about: goes into the metadata, beside the digests of the files.
    """
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    yield draft
    files: dict[str, Json] = {}
    for name in EXPORTED_FILES:
        private_file(draft / name)
        with (draft / name).open("rb") as file:
            os.fsync(file.fileno())
        files[name] = hash_file(draft / name)
    write_json(draft / META_FILE, {**about, "files": files})
    if os.path.lexists(folder):
        # Another user's cannot be emptied. `exclusive` removes it as far as that is possible.
        folder.rename(draft.with_name(f"{draft.name}-old"))
    draft.rename(folder)


def write_graph(
    module: torch.nn.Module,
    sample: Mapping[str, torch.Tensor],
    outputs: Mapping[str, Mapping[int, str]],
    folder: Path,
) -> None:
    """Write a module's optimised graph, with its weights in a separate file that is memory-mapped.

    :param sample: the inputs to trace, in order, each of shape (texts, tokens).
    :param outputs: the names of the outputs, each with its dynamic axes.
    """
    # A folder of its own: weights of 2 GB and more are written beside the graph, each to a file.
    plain = folder / "plain" / MODEL_FILE
    plain.parent.mkdir()
    axes = {name: {0: "texts", 1: "tokens"} for name in sample}
    with torch.inference_mode(), _traceable_masks():
        torch.onnx.export(
            module.eval(),
            tuple(sample.values()),
            str(plain),
            input_names=list(sample),
            output_names=list(outputs),
            dynamic_axes={**axes, **{name: dict(dynamic) for name, dynamic in outputs.items()}},
            opset_version=OPSET,
            dynamo=False,
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(folder / MODEL_FILE)
    for key, value in (("file_name", WEIGHTS_FILE), ("min_size_in_bytes", "1024")):
        options.add_session_config_entry(
            f"session.optimized_model_external_initializers_{key}", value
        )
    onnxruntime.InferenceSession(str(plain), options, providers=["CPUExecutionProvider"])
    shutil.rmtree(plain.parent)


@contextlib.contextmanager
def _traceable_masks() -> Iterator[None]:
    """Have transformers compute the masks of local attention by broadcasting.

    Those of some models take `torch.vmap`, which cannot be traced. If broadcasting gives anything
    else, the export's vectors differ, and it is not kept.
    """
    plain = ALL_MASK_ATTENTION_FUNCTIONS["sdpa"]

    def broadcast(**arguments: object) -> object:
        arguments.pop("use_vmap", None)
        return plain(**arguments)

    ALL_MASK_ATTENTION_FUNCTIONS["sdpa"] = broadcast
    try:
        yield
    finally:
        ALL_MASK_ATTENTION_FUNCTIONS["sdpa"] = plain


def _check(exported: Embedder, reference: Embedder) -> None:
    """Compare the export with torch, text by text and in one padded batch.

    :raises ValueError: they differ.
    """
    for texts in (*([text] for text in _CHECKED), list(_CHECKED)):
        found = exported.embed_sentences(texts)
        for ours, theirs in zip(found, reference.embed_sentences(texts), strict=True):
            cosines = np.append(
                (ours.vectors * theirs.vectors).sum(axis=1), ours.pooled @ theirs.pooled
            )
            if not cosines.min() >= MIN_COSINE:
                raise ValueError(f"the export's vectors differ (cosine {cosines.min():.4f})")
