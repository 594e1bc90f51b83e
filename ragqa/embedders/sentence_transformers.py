"""The embedder for building: a sentence-transformers model on torch, in bfloat16 if faster."""

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from ragqa.embedders import CANARY
from ragqa.embedders.export import export_once
from ragqa.embedders.transformer import SENTENCE, TOKENS, Inputs, TransformerEmbedder
from ragqa.embedders.weights import MULTILINGUAL_MODEL, ModelFolder, find_model, needs_code
from ragqa.errors import UsageError
from ragqa.types import EmbedderInfo, Vector, Vectors

MAX_WINDOW = 8192
"""For models without a limit; no passage comes near this."""

MIN_BFLOAT16_COSINE = 0.99
MIN_PREPARED_COSINE = 0.999

_FEATURES = {SENTENCE: "sentence_embedding", TOKENS: "token_embeddings"}
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_BFLOAT16_FLAGS = frozenset({"amx_bf16", "avx512_bf16", "bf16"})
_LOADING_ERRORS = (
    AttributeError, ImportError, KeyError, OSError, RuntimeError, TypeError, ValueError,
    SafetensorError,
)  # fmt: skip

_CHATTY = ("sentence_transformers", "transformers", "torch")

logger = logging.getLogger("ragqa")


class TorchModel:
    """A sentence-transformers model with all its modules, from token ids to embeddings."""

    batch_tokens = 4096

    def __init__(self, model: SentenceTransformer) -> None:
        self._model = model
        self.input_names = tuple(n for n in _INPUTS if n in model.tokenizer.model_input_names)

    def run(self, inputs: Inputs, outputs: Sequence[str]) -> list[Vectors]:
        """Compute the named outputs as float32; see `Model.run` for their shapes."""
        device = self._model.device
        features = {name: torch.from_numpy(ids).to(device) for name, ids in inputs.items()}
        with torch.inference_mode():
            computed = self._model(features)
        return [computed[_FEATURES[name]].float().cpu().numpy() for name in outputs]


class SentenceTransformerEmbedder(TransformerEmbedder):
    """The embedder on torch."""

    @classmethod
    def load(cls, model: str) -> "SentenceTransformerEmbedder":
        """Load a model by name or path, and export it for asking unless that was done.

        :raises UsageError: there is no such model, or it cannot be loaded.
        :raises IndexUnusable: the weights of the default model are damaged.
        """
        found = find_model(model)
        with quiet_models():
            before = torch.get_rng_state()
            plain = _read(found, torch.float32, "cpu")
            embedder = cls._over(found, plain)
            if not torch.equal(before, torch.get_rng_state()):
                _check_weights(embedder, cls._over(found, _read(found, torch.float32, "cpu")))
            _check_preparation(embedder, plain)
            export_once(
                found,
                model=plain,
                input_names=TorchModel(plain).input_names,
                tokenizer=_tokenizer(plain),
                reference=embedder,
            )
            device, dtype = _fastest()
            if (device, dtype) == ("cpu", torch.float32):
                return embedder
            fast = cls._over(found, _read(found, dtype, device))
            if _canary(fast) @ _canary(embedder) >= MIN_BFLOAT16_COSINE:
                return fast
        logger.warning("%s is too inexact in %s, so it runs in float32", found.name, fast.dtype)
        return embedder

    @classmethod
    def load_in(cls, model: str, dtype: str) -> "SentenceTransformerEmbedder":
        """Load a model in a given number format, on the GPU if there is one, for part of a build.

        :raises UsageError: there is no such model, or it cannot be loaded.
        :raises IndexUnusable: the weights of the default model are damaged.
        """
        found = find_model(model)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        with quiet_models():
            return cls._over(found, _read(found, getattr(torch, dtype), device))

    @classmethod
    def _over(cls, found: ModelFolder, model: SentenceTransformer) -> "SentenceTransformerEmbedder":
        info = EmbedderInfo(
            name=found.name,
            weights_sha256=found.weights_sha256,
            dimension=int(model.get_embedding_dimension() or 0),
            window=_window(model),
            pooling=_pooling(model),
            query_prompt=found.query_prompt,
            passage_prompt=found.passage_prompt,
        )
        return cls(
            info=info,
            dtype=str(model.dtype).removeprefix("torch."),
            tokenizer=_tokenizer(model),
            model=TorchModel(model),
        )


def bfloat16_is_native(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the CPU reports native bfloat16 multiplication."""
    try:
        text = cpuinfo.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    flags = (line for line in text.splitlines() if line.lower().startswith(("flags", "features")))
    return bool(_BFLOAT16_FLAGS & set(next(flags, "").split()))


def _fastest() -> tuple[str, torch.dtype]:
    if torch.cuda.is_available():
        return "cuda", torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return "cpu", torch.bfloat16 if bfloat16_is_native() else torch.float32


def _read(found: ModelFolder, dtype: torch.dtype, device: str) -> SentenceTransformer:
    try:
        return SentenceTransformer(
            str(found.path),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": dtype, "use_safetensors": True},
        )
    except _LOADING_ERRORS as exc:
        if "trust_remote_code" in str(exc):
            raise needs_code(found.name) from exc
        raise UsageError(
            f"cannot load the model in {found.path}: {str(exc).partition(chr(10))[0]}"
        ) from exc


def _tokenizer(model: SentenceTransformer) -> Tokenizer:
    """A copy of the model's tokenizer, with its padding settings.

    :raises UsageError: the tokenizer cannot run without transformers.
    """
    own = model.tokenizer
    if not getattr(own, "is_fast", False):
        raise UsageError(f"the tokenizer of the model in {own.name_or_path} has no fast form")
    tokenizer = Tokenizer.from_str(own.backend_tokenizer.to_str())
    tokenizer.enable_padding(
        direction=own.padding_side,
        pad_id=own.pad_token_id or 0,
        pad_token=own.pad_token or "",
    )
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


def _check_weights(embedder: TransformerEmbedder, again: TransformerEmbedder) -> None:
    """Refuse a model whose files lack weights, which are then drawn at random.

    :param again: the same model, loaded again.
    :raises UsageError: their vectors differ.
    """
    # The same weights give the same numbers; random ones may be small beside the others.
    if not np.allclose(_canary(embedder), _canary(again), atol=1e-5):
        raise UsageError(
            f"the weights of the model {embedder.info.name} do not fit the architecture that its "
            "config.json names, so its vectors would be random",
            hint=f"ragqa config set embedder {MULTILINGUAL_MODEL}",
        )


def _check_preparation(embedder: TransformerEmbedder, model: SentenceTransformer) -> None:
    """Refuse a model that preprocesses texts beyond prompt and tokens.

    :raises UsageError: the model's own `encode` returns another vector.
    """
    for prompt, vector in (
        (embedder.info.passage_prompt, _canary(embedder)),
        (embedder.info.query_prompt, embedder.embed_query(CANARY).pooled),
    ):
        own = model.encode([CANARY], prompt=prompt, show_progress_bar=False)[0]
        if own @ vector / np.linalg.norm(own) < MIN_PREPARED_COSINE:
            raise UsageError(f"the model {embedder.info.name} preprocesses texts in its own way")


def _canary(embedder: TransformerEmbedder) -> Vector:
    return embedder.embed_sentences([CANARY])[0].pooled


@contextlib.contextmanager
def quiet_models() -> Iterator[None]:
    """Suppress the model libraries' progress bars, logs and warnings; errors still propagate."""
    from transformers.utils import logging as transformers_logging

    bars = transformers_logging.is_progress_bar_enabled()
    loggers = [logging.getLogger(name) for name in _CHATTY]
    levels = [library.level for library in loggers]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # theirs
    for library in loggers:
        library.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for library, level in zip(loggers, levels, strict=True):
            library.setLevel(level)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # theirs
