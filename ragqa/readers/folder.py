"""Find, check and classify the folder of a cross-encoder or NLI model, without running it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ragqa.embedders.cache import Json, cache_folder, digests, read_json
from ragqa.errors import UsageError

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
