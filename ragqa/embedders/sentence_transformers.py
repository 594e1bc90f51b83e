"""The embedder for building: a sentence-transformers model on torch, in bfloat16 if faster.

Loading one exports it to ONNX, once, with pooling and all; the export is compared with torch.
"""

import contextlib
import dataclasses
import fcntl
import json
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.utils import logging as transformers_logging

from ragqa.embedders import CANARY, DEFAULT_MODEL, FIELDS, SENTENCE, TOKENS, Embedder, Inputs
from ragqa.embedders.models import ModelFolder, find_model, hash_file, needs_code
from ragqa.embedders.onnx import (
    EXPORTED_FILES,
    META_FILE,
    MODEL_FILE,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    export_folder,
    open_export,
    open_files,
)
from ragqa.errors import UsageError
from ragqa.safe import private_file, private_folder, write_private
from ragqa.types import EmbedderInfo, Vector, Vectors

MAX_WINDOW = 8192
"""For models without a limit; no passage comes near this."""

MIN_BFLOAT16_COSINE = 0.99
MIN_EXPORT_COSINE = 0.9999
OPSET = 17

_FEATURES = {SENTENCE: "sentence_embedding", TOKENS: "token_embeddings"}
_BFLOAT16_FLAGS = frozenset({"amx_bf16", "avx512_bf16", "bf16"})

_TRACED = [CANARY, "No."]
# Other lengths and another count than the traced texts, so that a baked-in constant would show.
_CHECKED = [
    "No.",
    "Naïve café owners paid 1,234.50 € in Zürich; 東京 was dearer 🙂.",
    f"{CANARY} " * 15,
    # Beyond the windows of local attention, which a trace of short texts could lose.
    f"{CANARY} " * 60,
]

logger = logging.getLogger("ragqa")


class TorchModel:
    """A sentence-transformers model with all its modules, from token ids to embeddings."""

    batch_tokens = 4096

    def __init__(self, model: SentenceTransformer) -> None:
        self._model = model
        self.input_names = tuple(n for n in FIELDS if n in model.tokenizer.model_input_names)

    def run(self, inputs: Inputs, outputs: Sequence[str]) -> list[Vectors]:
        """Compute the named outputs as float32; of the shapes of `OnnxModel.run`."""
        device = self._model.device
        features = {name: torch.from_numpy(ids).to(device) for name, ids in inputs.items()}
        with torch.inference_mode():
            computed = self._model(features)
        return [computed[_FEATURES[name]].float().cpu().numpy() for name in outputs]


def load(model: str, dtype: str = "") -> Embedder:
    """Load a model by name or path, and export it for asking unless that was done.

    :param dtype: the number format, for a part of another machine's build: nothing is exported. By
        default the fastest here.
    :raises UsageError: there is no such model, or it cannot be loaded.
    :raises IndexUnusable: the weights of the default model are damaged.
    """
    saved = find_model(model)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # theirs
    for name in ("sentence_transformers", "transformers", "torch"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with warnings.catch_warnings(action="ignore"):
        if dtype:
            return _embedder(saved, _read(saved, getattr(torch, dtype), device))
        before = torch.get_rng_state()
        plain = _read(saved, torch.float32, "cpu")
        drew_weights = not torch.equal(before, torch.get_rng_state())
        embedder = _embedder(saved, plain)
        _check_vectors(embedder, _read(saved, torch.float32, "cpu") if drew_weights else plain)
        _export_once(saved, plain, embedder)
        native = torch.cuda.is_bf16_supported() if device == "cuda" else bfloat16_is_native()
        if device == "cpu" and not native:
            return embedder
        kind = torch.bfloat16 if native else torch.float32
        fast = _embedder(saved, _read(saved, kind, device))
        if _canary(fast) @ _canary(embedder) >= MIN_BFLOAT16_COSINE:
            return fast
    logger.warning("%s is too inexact in %s, so it runs in float32", saved.name, fast.dtype)
    return embedder


def _embedder(saved: ModelFolder, model: SentenceTransformer) -> Embedder:
    """The embedder that runs a model on torch.

    :raises UsageError: its tokenizer cannot run without transformers.
    """
    info = EmbedderInfo(
        name=saved.name,
        weights_sha256=saved.weights_sha256,
        dimension=int(model.get_embedding_dimension() or 0),
        window=_window(model),
        pooling=_pooling(model),
        query_prompt=saved.query_prompt,
        passage_prompt=saved.passage_prompt,
        revision=saved.revision,
    )
    dtype = str(model.dtype).removeprefix("torch.")
    return Embedder(info=info, dtype=dtype, tokenizer=_tokenizer(model), model=TorchModel(model))


def bfloat16_is_native(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the CPU reports native bfloat16 multiplication."""
    try:
        text = cpuinfo.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    flags = (line for line in text.splitlines() if line.lower().startswith(("flags", "features")))
    return bool(_BFLOAT16_FLAGS & set(next(flags, "").split()))


def _read(saved: ModelFolder, dtype: torch.dtype, device: str) -> SentenceTransformer:
    try:
        return SentenceTransformer(
            str(saved.path),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": dtype, "use_safetensors": True},
        )
    except Exception as exc:  # the libraries raise all sorts on a broken model
        if "trust_remote_code" in str(exc):
            raise needs_code(saved.name) from exc
        reason = str(exc).partition("\n")[0]
        raise UsageError(f"cannot load the model in {saved.path}: {reason}") from exc


def _tokenizer(model: SentenceTransformer) -> Tokenizer:
    """A copy of the model's tokenizer, with its padding settings."""
    own = model.tokenizer
    if not getattr(own, "is_fast", False):
        raise UsageError(f"the tokenizer of the model in {own.name_or_path} has no fast form")
    tokenizer = Tokenizer.from_str(own.backend_tokenizer.to_str())
    pad_id, pad_token = own.pad_token_id or 0, own.pad_token or ""
    tokenizer.enable_padding(direction=own.padding_side, pad_id=pad_id, pad_token=pad_token)
    return tokenizer


def _window(model: SentenceTransformer) -> int:
    config = getattr(model.transformers_model, "config", None)
    positions = getattr(config, "max_position_embeddings", MAX_WINDOW)
    # RoBERTa and its like number the positions from behind that of the padding.
    embeddings = getattr(model.transformers_model, "embeddings", None)
    padding = getattr(getattr(embeddings, "position_embeddings", None), "padding_idx", None)
    if padding is not None:
        positions -= padding + 1
    return int(min(model.max_seq_length or MAX_WINDOW, positions, MAX_WINDOW))


def _pooling(model: SentenceTransformer) -> str:
    """How token vectors are pooled, in words; normalisation is not mentioned."""
    modules = [module for module in list(model)[1:] if type(module).__name__ != "Normalize"]
    return ", ".join(
        str(getattr(module, "pooling_mode", type(module).__name__.lower())) for module in modules
    )


def _check_vectors(embedder: Embedder, own: SentenceTransformer) -> None:
    """Compare an embedder with the model's own `encode`.

    :param own: the model. If its files lack weights, loading draws them at random: then it is one
        loaded again, whose vectors differ if such weights are used.
    :raises UsageError: the vectors differ.
    """
    for prompt, vector in (
        (embedder.info.passage_prompt, _canary(embedder)),
        (embedder.info.query_prompt, embedder.embed_query(CANARY).pooled),
    ):
        expected = own.encode([CANARY], prompt=prompt, show_progress_bar=False)[0]
        if not np.allclose(expected / np.linalg.norm(expected), vector, atol=1e-5):
            raise UsageError(
                f"the model {embedder.info.name} cannot be used: it prepares texts in its own way, "
                "or its files lack weights of the architecture that its config.json names",
                hint=f"ragqa config set embedder {DEFAULT_MODEL}",
            )


def _canary(embedder: Embedder) -> Vector:
    return embedder.embed_sentences([CANARY])[0].pooled


def _export_once(saved: ModelFolder, model: SentenceTransformer, reference: Embedder) -> None:
    """Export a model unless that was done; log a warning if it fails.

    :param model: in float32 on the CPU.
    :param reference: the export must compute the same vectors.
    """
    if open_export(saved) is not None:
        return
    folder = export_folder(saved)
    try:
        private_folder(folder.parent)
        path = folder.with_name(f"{folder.name}.lock")
        private_file(path)
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                if open_export(saved) is None:
                    _export(model, reference, folder)
            finally:  # a killed process may have left some, too
                for leftover in folder.parent.glob(f".{folder.name}-*"):
                    shutil.rmtree(leftover, ignore_errors=True)
    except Exception as exc:  # noqa: BLE001 - exporters raise all sorts; torch answers instead
        logger.warning(
            "%s cannot be exported to ONNX, so every question waits for torch to start: %s",
            saved.name,
            str(exc).partition("\n")[0],
        )


def _export(model: SentenceTransformer, reference: Embedder, folder: Path) -> None:
    """Write an export into a new folder, compare it with torch, and put it in place."""
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    write_graph(model, reference.info.window, draft)
    _tokenizer(model).save(str(draft / TOKENIZER_FILE), pretty=False)
    exported = open_files(draft, reference.info)
    for texts in (*([text] for text in _CHECKED), _CHECKED):  # alone, and in one padded batch
        vectors = exported.embed_sentences(texts)
        for ours, theirs in zip(vectors, reference.embed_sentences(texts), strict=True):
            cosines = (ours.vectors * theirs.vectors).sum(axis=1)
            least = min(cosines.min(), ours.pooled @ theirs.pooled)
            if not least >= MIN_EXPORT_COSINE:
                raise ValueError(f"the export's vectors differ (cosine {least:.4f})")
    files = {}
    for name in EXPORTED_FILES:
        private_file(draft / name)
        with (draft / name).open("rb") as file:
            os.fsync(file.fileno())
        files[name] = hash_file(draft / name)
    meta = {"info": dataclasses.asdict(reference.info), "files": files}
    write_private(draft / META_FILE, json.dumps(meta))
    if os.path.lexists(folder):
        # Another user's cannot be emptied. It is removed as a leftover, as far as possible.
        folder.rename(draft.with_name(f"{draft.name}-old"))
    draft.rename(folder)


class _Exportable(torch.nn.Module):
    """The model with positional inputs and outputs, as the exporter needs."""

    def __init__(self, model: SentenceTransformer, input_names: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.input_names = input_names

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        computed = self.model(dict(zip(self.input_names, inputs, strict=True)))
        return tuple(computed[name] for name in _FEATURES.values())


def write_graph(model: SentenceTransformer, window: int, folder: Path) -> None:
    """Write a model's optimised graph, with its weights in a separate file that is memory-mapped.

    :param window: longer texts would fail in a model of few positions.
    """
    # A folder of its own: weights of 2 GB and more are written beside the graph, each to a file.
    plain = folder / "plain" / MODEL_FILE
    plain.parent.mkdir()
    names = TorchModel(model).input_names
    axes = {0: "texts", 1: "tokens"}
    sample = model.tokenizer(
        _TRACED, padding=True, truncation=True, max_length=window, return_tensors="pt"
    )
    with torch.inference_mode(), _traceable_masks():
        torch.onnx.export(
            _Exportable(model, names).eval(),
            tuple(sample[name] for name in names),
            str(plain),
            input_names=list(names),
            output_names=list(_FEATURES),
            dynamic_axes={SENTENCE: {0: "texts"}, TOKENS: axes, **dict.fromkeys(names, axes)},
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
