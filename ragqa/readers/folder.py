"""Find, check and classify the folder of a cross-encoder or NLI model, without running it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ragqa.embedders.cache import Json, cache_folder, digests, read_json
from ragqa.errors import UsageError

EXPORT_VERSION = 1
"""Part of an export's name; raise it when the export changes."""

MAX_WINDOW = 1024
"""No question with its passage comes near this; longer windows would only cost memory."""

_NEUTRAL_HINT = "ragqa config set reader neutral"
_WANTED = (".json", ".safetensors", ".txt", ".model")
_ENTAILS = "entail"


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
        raise UsageError(f"there is no folder {spec} with a reader in it", hint=_NEUTRAL_HINT)
    path = path.resolve()
    config = read_json(path / "config.json")
    if not isinstance(config, dict):
        raise UsageError(
            f"there is no model in {path}: no readable config.json", hint=_NEUTRAL_HINT
        )
    files = sorted(file for file in path.iterdir() if file.suffix in _WANTED and file.is_file())
    if not any(file.suffix == ".safetensors" for file in files):
        raise UsageError(
            f"the model in {path} has no .safetensors weights; other formats can run code",
            hint=_NEUTRAL_HINT,
        )
    try:
        sha256 = digests(files)
    except OSError as exc:
        raise UsageError(f"cannot read the model in {path}: {exc.strerror or exc}") from exc
    lines = (f"{digest}  {file.name}\n" for file, digest in sha256.items())
    return ReaderFolder(
        path=path,
        key=hashlib.sha256("".join(lines).encode()).hexdigest(),
        window=_window(config),
        entails=_entails(config, path),
    )


def _expanded(spec: str) -> Path:
    try:
        return Path(spec).expanduser()
    except RuntimeError:  # no such user
        return Path(spec)


def _window(config: Mapping[str, Json]) -> int:
    """The most tokens of both texts together; some models reserve two or more positions."""
    positions = config.get("max_position_embeddings")
    positions = positions if isinstance(positions, int) and positions > 0 else MAX_WINDOW
    return min(positions - 2, MAX_WINDOW) if positions > MAX_WINDOW // 4 else positions


def _entails(config: Mapping[str, Json], path: Path) -> int | None:
    """The position of the output for "entailment"; None for a single output.

    :raises UsageError: it is neither a ranking nor an entailment model.
    """
    architectures = config.get("architectures")
    named = architectures[0] if isinstance(architectures, list) and architectures else ""
    labels = config.get("id2label")
    labels = labels if isinstance(labels, dict) else {"0": "", "1": ""}
    found = [int(n) for n, label in labels.items() if _is_entailment(n, label)]
    if not str(named).endswith("ForSequenceClassification") or not (len(labels) == 1 or found):
        raise UsageError(
            f"the model in {path} is not a cross-encoder: it must have one output, or one "
            'named "entailment"',
            hint=_NEUTRAL_HINT,
        )
    return None if len(labels) == 1 else found[0]


def _is_entailment(number: str, label: Json) -> bool:
    said = str(label).casefold()
    return number.isdecimal() and said.startswith((_ENTAILS, "supported"))
