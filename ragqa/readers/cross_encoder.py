"""The user's cross-encoder or NLI model: its folder, and its export on ONNX Runtime."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from ragqa.config.files import cache_folder
from ragqa.embedders.onnx import META_FILE, MODEL_FILE, TOKENIZER_FILE, OnnxModel, are_sound
from ragqa.embedders.transformer import batches, encodable, padded
from ragqa.embedders.weights import Json, digests, read_json
from ragqa.errors import IndexUnusable, UsageError
from ragqa.readers import Reader, Text
from ragqa.types import Vectors

LOGITS = "logits"

EXPORT_VERSION = 1
"""Part of an export's name; raise it when the export changes."""

MAX_WINDOW = 1024
"""No question with its passage comes near this; longer windows would only cost memory."""

NEUTRAL_HINT = "ragqa config set reader neutral"


@dataclass(frozen=True, slots=True)
class ReaderFolder:
    """A model that reads two texts together, and the meaning of its outputs.

    It has either one output, how well the second text answers the first, or one for each relation
    of a statement to its source; `entails` is then the position of "entailment", else None.
    `export` is where its export is, named by a digest of all its files.
    """

    path: Path
    export: Path
    window: int
    entails: int | None


def find_reader(spec: str) -> ReaderFolder:
    """Find the folder that a setting names, and classify its model.

    :raises UsageError: there is no such folder, or no usable model in it.
    """
    path = Path(os.path.expanduser(spec))  # noqa: PTH111 - Path's raises for a user unknown
    if not path.is_dir():
        raise UsageError(f"there is no folder {spec} with a reader in it", hint=NEUTRAL_HINT)
    path = path.resolve()
    config = read_json(path / "config.json")
    if not isinstance(config, dict):
        raise UsageError(f"there is no model in {path}: no readable config.json", hint=NEUTRAL_HINT)
    for name, why in (
        ("model.safetensors", "other formats can run code, and weights in parts are not read"),
        ("tokenizer.json", "sentence-transformers writes one for a model with a fast tokenizer"),
    ):
        if not (path / name).is_file():
            raise UsageError(f"the model in {path} has no {name}; {why}", hint=NEUTRAL_HINT)
    wanted = (".json", ".safetensors", ".txt", ".model")
    files = sorted(file for file in path.iterdir() if file.suffix in wanted and file.is_file())
    try:
        sha256 = digests(files)
    except OSError as exc:
        raise UsageError(f"cannot read the model in {path}: {exc.strerror or exc}") from exc
    lines = "".join(f"{digest}  {file.name}\n" for file, digest in sha256.items())
    key = hashlib.sha256(f"reader {EXPORT_VERSION} {lines}".encode()).hexdigest()
    tokenizer = read_json(path / "tokenizer_config.json")
    own = tokenizer.get("model_max_length") if isinstance(tokenizer, dict) else None
    limits = (own, config.get("max_position_embeddings"), MAX_WINDOW)
    window = min(limit for limit in limits if isinstance(limit, int) and limit > 0)
    return ReaderFolder(
        path, cache_folder() / "onnx" / key[:32], max(window, 16), _entails(config, path)
    )


def _entails(config: Mapping[str, Json], path: Path) -> int | None:
    """The position of the output for "entailment"; None for a single output.

    :raises UsageError: it is neither a ranking nor an entailment model.
    """
    labels = config.get("id2label")
    match config.get("architectures"):
        case [str(name), *_] if name.endswith("ForSequenceClassification"):
            if isinstance(labels, dict):
                if len(labels) == 1:
                    return None
                for n in range(len(labels)):
                    label = str(labels.get(str(n))).casefold()
                    if label.startswith(("entail", "support")):
                        return n
    raise UsageError(
        f"the model in {path} is not a cross-encoder: it must have one output, or one "
        'named "entailment" or "supported"',
        hint=NEUTRAL_HINT,
    )


class CrossEncoder(Reader):
    """Ranks sentences if the model has one output, judges support if it has more.

    A sentence is read below its headings, a statement with a whole passage.
    """

    def __init__(self, found: ReaderFolder, tokenizer: Tokenizer, model: OnnxModel) -> None:
        self.name = str(found.path)
        self.ranks = found.entails is None
        self.judges = not self.ranks
        self._entails = found.entails
        self._model = model
        self._pad_id = int((tokenizer.padding or {}).get("pad_id", 0))
        tokenizer.no_padding()
        tokenizer.enable_truncation(found.window, strategy="longest_first")
        self._tokenizer = tokenizer

    def score(self, question: str, texts: Sequence[Text]) -> list[list[float]]:
        """The model's output for the question with each sentence below its headings."""
        if not self.ranks:
            return super().score(question, texts)
        pairs = [
            (question, Text(text.headings, text.text[start:end]).whole)
            for text in texts
            for start, end in text.sentences
        ]
        scores = iter(self.logits(pairs)[:, 0].tolist())
        return [[next(scores) for _ in text.sentences] for text in texts]

    def supports(self, statement: str, texts: Sequence[Text]) -> list[float]:
        """The probability that each text, as premise, entails the statement."""
        if self._entails is None:
            return super().supports(statement, texts)
        if not texts:
            return []
        logits = self.logits([(text.whole, statement) for text in texts])
        likely = np.exp(logits - logits.max(axis=1, keepdims=True))
        return [float(p) for p in likely[:, self._entails] / likely.sum(axis=1)]

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
    with suppress(OSError, IndexUnusable):
        match read_json(found.export / META_FILE):
            case {"files": dict(files)} if are_sound(found.export, files):
                return open_files(found, found.export)
    return None


def open_files(found: ReaderFolder, folder: Path) -> CrossEncoder:
    """Open the files of an export.

    :raises IndexUnusable: they are damaged, or need other versions of the libraries.
    """
    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    except Exception as exc:  # tokenizers raises nothing narrower
        raise IndexUnusable(f"the tokenizer in {folder} cannot be used: {exc}") from exc
    return CrossEncoder(found, tokenizer, OnnxModel(folder / MODEL_FILE))
