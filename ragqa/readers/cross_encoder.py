"""The user's cross-encoder or NLI model: its folder, and its export on ONNX Runtime."""

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from ragqa.config.files import cache_folder
from ragqa.embedders.cache import Json, digests, read_json
from ragqa.embedders.onnx import META_FILE, MODEL_FILE, TOKENIZER_FILE, OnnxModel, are_sound
from ragqa.embedders.transformer import batches, encodable, padded
from ragqa.errors import IndexUnusable, UsageError
from ragqa.readers import Text
from ragqa.types import Vectors

LOGITS = "logits"

EXPORT_VERSION = 1
"""Part of an export's name; raise it when the export changes."""

MAX_WINDOW = 1024
"""No question with its passage comes near this; longer windows would only cost memory."""

NEUTRAL_HINT = "ragqa config set reader neutral"
_WANTED = (".json", ".safetensors", ".txt", ".model")
_WEIGHTS = "model.safetensors"
_TOKENIZER = "tokenizer.json"
_HEAD = "ForSequenceClassification"
# Their positions are counted from behind that of padding.
_PADS_POSITIONS = re.compile(r"roberta|camembert|mpnet|longformer|xlm")
_LEAST_WINDOW = 16

logger = logging.getLogger("ragqa")


@dataclass(frozen=True, slots=True)
class ReaderFolder:
    """A model that reads two texts together, and the meaning of its outputs.

    It has either one output, how well the second text answers the first, or one for each relation
    of a statement to its source; `entails` is then the position of "entailment", else None. `key`
    is a digest of all its files: equal keys give equal scores.
    """

    path: Path
    key: str
    window: int
    entails: int | None

    @property
    def export(self) -> Path:
        """The folder of the model's export."""
        key = hashlib.sha256(f"reader {EXPORT_VERSION} {self.key}".encode()).hexdigest()
        return cache_folder() / "onnx" / key[:32]


def find_reader(spec: str) -> ReaderFolder:
    """Find the folder that a setting names, and classify its model.

    :raises UsageError: there is no such folder, or no usable model in it.
    """
    path = _expanded(spec)
    if not path.is_dir():
        raise UsageError(f"there is no folder {spec} with a reader in it", hint=NEUTRAL_HINT)
    path = path.resolve()
    config = read_json(path / "config.json")
    if not isinstance(config, dict):
        raise UsageError(f"there is no model in {path}: no readable config.json", hint=NEUTRAL_HINT)
    for name, why in (
        (_WEIGHTS, "other formats can run code, and weights in parts are not read"),
        (_TOKENIZER, "sentence-transformers writes one for every model with a fast tokenizer"),
    ):
        if not (path / name).is_file():
            raise UsageError(f"the model in {path} has no {name}; {why}", hint=NEUTRAL_HINT)
    files = sorted(file for file in path.iterdir() if file.suffix in _WANTED and file.is_file())
    try:
        sha256 = digests(files)
    except OSError as exc:
        raise UsageError(f"cannot read the model in {path}: {exc.strerror or exc}") from exc
    lines = (f"{digest}  {file.name}\n" for file, digest in sha256.items())
    return ReaderFolder(
        path=path,
        key=hashlib.sha256("".join(lines).encode()).hexdigest(),
        window=_window(config, read_json(path / "tokenizer_config.json")),
        entails=_entails(config, path),
    )


def _expanded(spec: str) -> Path:
    try:
        return Path(spec).expanduser()
    except RuntimeError:  # no such user
        return Path(spec)


def _window(config: Mapping[str, Json], tokenizer: Json) -> int:
    """The most tokens of both texts together, as the tokenizer or else the model limits them."""
    positions = _positive(config.get("max_position_embeddings"))
    if _PADS_POSITIONS.search(str(config.get("model_type"))):
        positions -= _positive(config.get("pad_token_id"), default=1) + 1
    own = tokenizer.get("model_max_length") if isinstance(tokenizer, dict) else None
    return max(_LEAST_WINDOW, min(positions, _positive(own)))


def _positive(value: Json, default: int = MAX_WINDOW) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        return default
    return min(value, MAX_WINDOW)


def _entails(config: Mapping[str, Json], path: Path) -> int | None:
    """The position of the output for "entailment"; None for a single output.

    :raises UsageError: it is neither a ranking nor an entailment model.
    """
    architectures = config.get("architectures")
    named = architectures[0] if isinstance(architectures, list) and architectures else _HEAD
    labels = config.get("id2label")
    labels = labels if isinstance(labels, dict) else {"0": "", "1": ""}
    found = [int(n) for n, label in labels.items() if _is_entailment(n, label)]
    is_whole = set(labels) == set(map(str, range(len(labels))))
    fits = len(labels) == 1 or (is_whole and found)
    if not str(named).endswith(_HEAD) or not fits:
        raise UsageError(
            f"the model in {path} is not a cross-encoder: it must have one output, or one "
            'named "entailment" or "supported"',
            hint=NEUTRAL_HINT,
        )
    return None if len(labels) == 1 else found[0]


def _is_entailment(number: str, label: Json) -> bool:
    return number.isdecimal() and str(label).casefold().startswith(("entail", "support"))


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
