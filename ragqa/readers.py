"""Readers score two texts together; the neutral one does nothing, the user's is an ONNX model.

Two vectors cannot tell that a passage is on topic but does not answer.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ragqa.errors import IndexUnusable, UsageError
from ragqa.types import Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from ragqa.embedders.onnx import OnnxModel

NEUTRAL = "neutral"
"""The reader that does nothing: only the embedder and words count."""

MAX_WINDOW = 512
"""No question with its passage comes near this; longer windows would only cost memory."""

_UNUSABLE = (AttributeError, LookupError, OSError, TypeError, ValueError)
_HINT = f"ragqa config set reader {NEUTRAL}"


class Reader:
    """The neutral reader, and what others override; equal pairs always get equal figures.

    :ivar name: its name in settings and messages.
    """

    name: str = NEUTRAL

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers a question, higher is better; none if it cannot say.

        The scores of one call are comparable.

        :raises IndexUnusable: the model cannot compute them.
        """
        del question, texts
        return []


class PairModel:
    """An ONNX model that reads pairs of texts.

    :param tokenizer: cuts what is too long.
    """

    def __init__(self, tokenizer: "Tokenizer", model: "OnnxModel", pad_id: int) -> None:
        self._tokenizer = tokenizer
        self._model = model
        self._pad_id = pad_id

    def logits(self, pairs: Sequence[tuple[str, str]]) -> Vectors:
        """The model's outputs for each pair of texts, shape (pairs, outputs), float32."""
        from ragqa.embedders.onnx import batches, encodable, padded

        encodings = self._tokenizer.encode_batch(
            [(encodable(first), encodable(second)) for first, second in pairs]
        )
        by_pair: dict[int, np.ndarray] = {}
        for batch in batches(encodings, self._model.batch_tokens):
            rows = [encodings[i] for i in batch]
            inputs = padded(rows, self._model.input_names, pad_id=self._pad_id)
            (logits,) = self._model.run(inputs, self._model.output_names[:1])
            by_pair.update(zip(batch, logits, strict=True))
        if not by_pair:
            return np.zeros((0, 1), np.float32)
        return np.array([by_pair[i] for i in range(len(encodings))], np.float32)


@dataclass(frozen=True, kw_only=True)
class CrossEncoder(Reader):
    """Says how well a text answers a question, by a model with one output."""

    name: str
    model: PairModel

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """The model's output for the question with each text."""
        pairs = [(question, text) for text in texts]
        return [float(score) for (score,) in self.model.logits(pairs)]


def reader_for(spec: str) -> Reader:
    """Open the reader that a setting names: `neutral`, a model's folder, or its name on the hub.

    :raises NotHere: a model of that name is not on this machine.
    :raises UsageError: there is no such folder, or no usable model in it.
    """
    if spec == NEUTRAL:
        return Reader()
    from ragqa.embedders import hub

    if not hub.is_path(spec):
        return _read(spec, hub.snapshot("reader", spec))
    path = Path(os.path.expanduser(spec))  # noqa: PTH111 - Path's raises for a user unknown
    if not path.is_dir():
        raise UsageError(f"there is no folder {spec} with a reader in it", hint=_HINT)
    return _read(str(path.resolve()), path.resolve())


def _read(name: str, path: Path) -> Reader:
    """Open a reader's folder.

    :raises UsageError: there is no usable model in it.
    """
    model = next(filter(Path.is_file, (path / "model.onnx", path / "onnx" / "model.onnx")), None)
    missing = [name for name in ("config.json", "tokenizer.json") if not (path / name).is_file()]
    if model is None:
        missing.append("model.onnx (or onnx/model.onnx)")
    if model is None or missing:
        raise UsageError(f"the reader in {path} lacks {', '.join(missing)}", hint=_HINT)
    try:
        return _opened(name, path, model)
    except (IndexUnusable, *_UNUSABLE) as exc:
        reason = str(exc).partition("\n")[0]
        raise UsageError(f"the reader in {path} cannot be used: {reason}", hint=_HINT) from exc


def _opened(name: str, path: Path, model: Path) -> Reader:
    """Open a model, and read a pair of texts to see that it works.

    :raises IndexUnusable: ONNX Runtime cannot run it.
    :raises OSError: a file cannot be read.
    :raises ValueError: a file is not what it should be, or the model is of another kind.
    """
    from tokenizers import Tokenizer

    from ragqa.embedders.onnx import OnnxModel

    config = json.loads((path / "config.json").read_bytes())
    try:
        tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    except Exception as exc:  # tokenizers raises nothing narrower
        raise ValueError(f"tokenizer.json: {exc}") from exc
    tokenizer.no_padding()
    limits = (config.get("max_position_embeddings"), MAX_WINDOW)
    window = min(limit for limit in limits if isinstance(limit, int) and limit > 0)
    tokenizer.enable_truncation(window, strategy="longest_first")
    pairs = PairModel(tokenizer, OnnxModel(model, hint=_HINT), config.get("pad_token_id") or 0)
    outputs = pairs.logits([("Who asks?", "The fox asks.")]).shape[1]
    if outputs != 1:
        raise ValueError(f"it has {outputs} outputs, and a cross-encoder has one")
    return CrossEncoder(name=name, model=pairs)


def available(spec: str) -> tuple[Reader, list[str]]:
    """The reader that a setting names; if it cannot be used, the neutral one and a warning."""
    try:
        return reader_for(spec), []
    except UsageError as exc:
        return Reader(), [f"answered without a reader: {exc.message}; to change that: {exc.hint}"]
