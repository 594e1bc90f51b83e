"""Prepares a cross-encoder for questions, once: exports it to ONNX, checked against torch."""

import logging
from collections.abc import Sequence

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from ragqa.embedders.export import EXPORT_ERRORS, drafted, exclusive, write_graph
from ragqa.embedders.onnx import TOKENIZER_FILE
from ragqa.embedders.sentence_transformers import quiet_models
from ragqa.errors import UsageError
from ragqa.readers.cross_encoder import (
    LOGITS,
    NEUTRAL_HINT,
    ReaderFolder,
    open_export,
    open_files,
)

TOLERANCE = 1e-3
"""The largest difference from torch's outputs, relative to their maximum (near 10) if above 1."""

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
# Other lengths and another count than the traced texts, so that a baked-in constant would show.
_TRACED = (("Who eats it?", "The fox eats the note."), ("When?", "On Friday, by noon."))
_CHECKED = (
    ("When?", "Never."),
    ("Wo wohnt der Fuchs?", "Naïve café owners paid 1,234.50 € in Zürich; 東京 was dearer 🙂."),
    # Longer than most windows, so that cutting is compared, too.
    ("Who asks the notes a question?", "The quick brown fox asks its notes a question. " * 60),
)

logger = logging.getLogger("ragqa")


class _Exportable(torch.nn.Module):
    """The model with positional inputs and a single output, as the exporter needs."""

    def __init__(self, model: torch.nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.names = names

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(**dict(zip(self.names, inputs, strict=True))).logits
        return logits


def export(found: ReaderFolder) -> None:
    """Export a model to the cache, unless another process has just done so.

    :raises UsageError: the model cannot be loaded or exported, or the cache cannot be written.
    """
    logger.warning("preparing %s for questions, once; this takes some seconds", found.path)
    with quiet_models():
        try:
            loaded = _read(found)
        except Exception as exc:  # the libraries raise all sorts on a broken model
            raise _unusable(found, exc) from exc
        try:
            with exclusive(found.export):
                if open_export(found) is None:
                    _export(found, *loaded)
        except OSError as exc:
            reason = exc.strerror or str(exc)
            raise UsageError(
                f"the model in {found.path} cannot be prepared in {found.export.parent}: {reason}",
                hint=NEUTRAL_HINT,
            ) from exc
        except EXPORT_ERRORS as exc:
            raise _unusable(found, exc) from exc


def _unusable(found: ReaderFolder, exc: Exception) -> UsageError:
    reason = str(exc).strip().partition("\n")[0]
    return UsageError(f"cannot use the model in {found.path}: {reason}", hint=NEUTRAL_HINT)


def _read(found: ReaderFolder) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    local = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(str(found.path), **local)
    model, about = AutoModelForSequenceClassification.from_pretrained(
        str(found.path),
        dtype=torch.float32,
        use_safetensors=True,
        output_loading_info=True,
        **local,
    )
    # What a file lacks is filled with random numbers, which would look like a model.
    if lacking := sorted({*about["missing_keys"], *map(str, about["mismatched_keys"])}):
        raise ValueError(f"its weights lack {lacking[0]}")
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise TypeError("its tokenizer has no fast form")
    return model.eval(), tokenizer


def _export(found: ReaderFolder, model: PreTrainedModel, own: PreTrainedTokenizerFast) -> None:
    """Export a model, and compare the export with torch.

    :raises ValueError: they differ.
    """
    sample = own(*map(list, zip(*_TRACED, strict=True)), padding=True, return_tensors="pt")
    names = [name for name in _INPUTS if name in own.model_input_names]
    tokenizer = Tokenizer.from_str(own.backend_tokenizer.to_str())
    tokenizer.enable_padding(pad_id=own.pad_token_id or 0, pad_token=own.pad_token or "")
    with drafted(found.export, {"reader": str(found.path)}) as draft:
        write_graph(
            _Exportable(model, names),
            {name: sample[name] for name in names},
            {LOGITS: {0: "texts"}},
            draft,
        )
        tokenizer.save(str(draft / TOKENIZER_FILE), pretty=False)
        ours = open_files(found, draft).logits(_CHECKED)
        cut = {"padding": True, "truncation": True, "max_length": found.window}
        encoded = own(*map(list, zip(*_CHECKED, strict=True)), **cut, return_tensors="pt")
        with torch.inference_mode():
            theirs = model(**encoded).logits.float().numpy()
        difference = float(np.abs(ours - theirs).max())
        if not difference <= TOLERANCE * max(1.0, float(np.abs(theirs).max())):
            raise ValueError(f"the export's outputs differ by {difference:.4f}")
