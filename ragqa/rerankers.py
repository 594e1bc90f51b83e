"""Rerankers score two texts together: the neutral one does nothing, the user's is an ONNX model.

Two vectors cannot tell that a passage is on topic but does not answer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragqa.errors import UsageError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from ragqa.embedders.onnx import OnnxModel

NEUTRAL = "neutral"
"""The reranker that does nothing: only the embedder and words count."""

MAX_WINDOW = 512
"""No question with its passage comes near this; longer windows would only cost memory."""

_HINT = f"ragqa config set reranker {NEUTRAL}"


class Reranker:
    """The neutral reranker, and what others override; equal pairs always get equal figures.

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


class CrossEncoder(Reranker):
    """Scores a text by an ONNX model with one output.

    :param tokenizer: cuts what is too long.
    """

    def __init__(self, name: str, tokenizer: "Tokenizer", model: "OnnxModel", pad_id: int) -> None:
        self.name = name
        self._tokenizer, self._model, self._pad_id = tokenizer, model, pad_id

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """The model's output for the question with each text.

        :raises ValueError: it has another number of outputs.
        """
        from ragqa.embedders import batches, encodable, padded

        pairs = [(encodable(question), encodable(text)) for text in texts]
        encodings = self._tokenizer.encode_batch(pairs)
        scores = [0.0] * len(encodings)
        for batch in batches(encodings, self._model.batch_tokens):
            rows = [encodings[i] for i in batch]
            inputs = padded(rows, self._model.input_names, pad_id=self._pad_id)
            (outputs,) = self._model.run(inputs, self._model.output_names[:1])
            if outputs.shape[1] != 1:
                raise ValueError(f"it has {outputs.shape[1]} outputs, and a cross-encoder has one")
            for i, (score,) in zip(batch, outputs, strict=True):
                scores[i] = float(score)
        return scores


def reranker_for(spec: str) -> Reranker:
    """Open the reranker that a setting names: `neutral`, a model's folder, or its name on the hub.

    :raises NotHere: a model of that name is not on this machine.
    :raises UsageError: there is no such folder, or no usable model in it.
    """
    if spec == NEUTRAL:
        return Reranker()
    from ragqa.embedders.models import lacking, locate

    name, path = locate("reranker", spec)
    if lacks := lacking("reranker", filter(Path.is_file, path.rglob("*"))):
        raise UsageError(f"the reranker in {path} lacks {lacks}", hint=_HINT)
    try:
        return _opened(name, path)
    except Exception as exc:  # what is in the files may be anything
        reason = str(exc).partition("\n")[0]
        raise UsageError(f"the reranker in {path} cannot be used: {reason}", hint=_HINT) from exc


def _opened(name: str, path: Path) -> Reranker:
    """Open a model, and read a pair of texts to see that it works; it may raise anything."""
    import json

    from tokenizers import Tokenizer

    from ragqa.embedders.onnx import OnnxModel

    config = json.loads((path / "config.json").read_bytes())
    tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    tokenizer.no_padding()
    limits = (config.get("max_position_embeddings"), MAX_WINDOW)
    window = min(limit for limit in limits if isinstance(limit, int) and limit > 0)
    tokenizer.enable_truncation(window, strategy="longest_first")
    file = path / "model.onnx"
    model = OnnxModel(file if file.is_file() else path / "onnx" / "model.onnx", hint=_HINT)
    reranker = CrossEncoder(name, tokenizer, model, config.get("pad_token_id") or 0)
    reranker.score("Who asks?", ["The fox asks."])
    return reranker


def available(spec: str) -> tuple[Reranker, list[str]]:
    """The reranker that a setting names; if it cannot be used, the neutral one and a warning."""
    try:
        return reranker_for(spec), []
    except UsageError as exc:
        warning = f"answered without a reranker: {exc.message}; to change that: {exc.hint}"
        return Reranker(), [warning]
