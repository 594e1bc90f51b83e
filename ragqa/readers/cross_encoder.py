"""The user's cross-encoder: an exported model on ONNX Runtime, without torch."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from ragqa.embedders.cache import read_json
from ragqa.embedders.onnx import META_FILE, MODEL_FILE, TOKENIZER_FILE, OnnxModel, are_sound
from ragqa.embedders.transformer import batches, encodable, padded
from ragqa.errors import IndexUnusable
from ragqa.readers import Text
from ragqa.readers.folder import ReaderFolder
from ragqa.types import Vectors

LOGITS = "logits"

logger = logging.getLogger("ragqa")


class CrossEncoder:
    """Ranks sentences if the model has one output, judges support if it has more.

    A sentence is read below its headings, a statement with a whole passage.
    """

    def __init__(self, found: ReaderFolder, tokenizer: Tokenizer, model: OnnxModel) -> None:
        self._found = found
        self._model = model
        self._pad_id = int((tokenizer.padding or {}).get("pad_id", 0))
        tokenizer.no_padding()
        tokenizer.enable_truncation(found.window, strategy="longest_first")
        self._tokenizer = tokenizer

    @property
    def name(self) -> str:
        """The model's folder."""
        return str(self._found.path)

    @property
    def ranks(self) -> bool:
        """Whether it has a single output."""
        return self._found.entails is None

    @property
    def judges(self) -> bool:
        """Whether one of its outputs is "entailment"."""
        return self._found.entails is not None

    def score(self, question: str, texts: Sequence[Text]) -> list[list[float]]:
        """The model's output for the question with each sentence below its headings."""
        if not self.ranks:
            raise ValueError(f"{self.name} judges statements and does not rank sentences")
        pairs = [
            (question, Text(text.headings, text.text[start:end]).whole)
            for text in texts
            for start, end in text.sentences
        ]
        scores = iter(self.logits(pairs)[:, 0].tolist())
        return [[next(scores) for _ in text.sentences] for text in texts]

    def supports(self, statement: str, texts: Sequence[Text]) -> list[float]:
        """The probability that each text, as premise, entails the statement."""
        entails = self._found.entails
        if entails is None:
            raise ValueError(f"{self.name} ranks sentences and does not judge statements")
        if not texts:
            return []
        logits = self.logits([(text.whole, statement) for text in texts])
        likely = np.exp(logits - logits.max(axis=1, keepdims=True))
        return [float(p) for p in likely[:, entails] / likely.sum(axis=1)]

    def logits(self, pairs: Sequence[tuple[str, str]]) -> Vectors:
        """The model's outputs for each pair of texts, shape (pairs, outputs), float32."""
        encodings = self._tokenizer.encode_batch(
            [(encodable(first), encodable(second)) for first, second in pairs]
        )
        found: dict[int, np.ndarray] = {}
        for batch in batches(encodings, self._model.batch_tokens):
            rows = [encodings[i] for i in batch]
            inputs = padded(rows, self._model.input_names, pad_id=self._pad_id)
            (logits,) = self._model.run(inputs, [LOGITS])
            found.update(zip(batch, logits, strict=True))
        if not found:
            return np.zeros((0, 1), np.float32)
        return np.array([found[i] for i in range(len(encodings))], np.float32)


def open_export(found: ReaderFolder) -> CrossEncoder | None:
    """Open a model's export; None if there is none, or it is damaged."""
    meta = read_json(found.export / META_FILE)
    try:
        match meta:
            case {"files": dict(files)} if are_sound(found.export, files):
                return open_files(found, found.export)
    except (OSError, IndexUnusable) as exc:
        logger.debug("the export in %s is damaged: %s", found.export, exc)
    return None


def open_files(found: ReaderFolder, folder: Path) -> CrossEncoder:
    """Open the files of an export.

    :raises IndexUnusable: they are damaged, or need other versions of the libraries.
    """
    path = folder / TOKENIZER_FILE
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as exc:  # tokenizers raises nothing narrower
        reason = str(exc).partition("\n")[0]
        raise IndexUnusable(f"the tokenizer in {path} cannot be used: {reason}") from exc
    return CrossEncoder(found, tokenizer, OnnxModel(folder / MODEL_FILE))
