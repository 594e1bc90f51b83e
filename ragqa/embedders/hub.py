"""Models of the Hugging Face hub by name: found in its cache on this machine, or fetched into it.

Only `look_up` and `fetch` reach the network: one host, without a token, and without the client's
own reports and storage service.
"""

import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from msgspec import Struct

from ragqa.config.addresses import LLM_PORTS, Address, address_of
from ragqa.errors import UsageError

_FILES = {
    "embedder": r"(\d+_\w+/)*[^/]+\.(safetensors|json|txt|model)",
    "reader": r"(config|tokenizer)\.json|(onnx/)?model\.onnx(_data)?",
}
_NEEDED = {
    "embedder": ("modules.json", ".safetensors"),
    "reader": ("config.json", "tokenizer.json", "model.onnx"),
}
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
_REVISION = re.compile(r"[0-9a-f]{40,64}")


class NotHere(UsageError):
    """A model is not on this machine, or not wholly; `config set` fetches it."""

    def __init__(self, kind: str, name: str, lacks: str = "") -> None:
        what = f"; it lacks {lacks}" if lacks else ""
        super().__init__(
            f"the model {name} is not on this machine{what}", hint=f"ragqa config set {kind} {name}"
        )
        self.name = name


class Download(Struct, frozen=True):
    """The files that would be fetched of a model, at this revision, and their size in bytes."""

    name: str
    revision: str
    files: tuple[str, ...]
    size: int

    @property
    def megabytes(self) -> str:
        """The size, for people."""
        return f"{self.size / 1e6:,.1f} MB"


def is_path(model: str) -> bool:
    """Whether a setting names a folder; a name never means one that happens to be here."""
    return model.startswith((".", "/", "~"))


def snapshot(kind: str, name: str) -> Path:
    """The folder of the revision of a model that is in the cache, found by its documented layout.

    The hub's own lookup imports an HTTP client, which is too slow for asking.

    :raises NotHere: it is not there, or lacks what a model of this kind needs.
    :raises UsageError: it is no name of a model.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"there is no folder {name}, and a model is named as in OWNER/{kind}-v1")
    with suppress(OSError, ValueError):
        repository = _repository(name)
        revision = (repository / "refs" / "main").read_text(encoding="ascii").strip()
        folder = repository / "snapshots" / revision
        if revision and folder.is_dir():
            files = [path.as_posix() for path in folder.rglob("*") if path.is_file()]
            if lacks := _lacking(kind, files):
                raise NotHere(kind, name, lacks)
            return folder
    raise NotHere(kind, name)


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


def look_up(kind: str, name: str) -> Download:
    """Ask the hub for the newest revision of a model and the size of its files.

    :raises UsageError: the hub cannot be asked, or has no such model of this kind.
    """
    with _client(name):
        from huggingface_hub import HfApi

        model = HfApi(token=False).model_info(name, files_metadata=True, timeout=30)
    sizes = {file.rfilename: file.size or 0 for file in model.siblings or ()}
    wanted = {file: size for file, size in sizes.items() if re.fullmatch(_FILES[kind], file)}
    if lacks := _lacking(kind, wanted):
        raise UsageError(f"{name} has no {lacks} at {address().host}, so it cannot be the {kind}")
    if not _REVISION.fullmatch(model.sha or ""):
        raise UsageError(f"{address().host} names no revision of {name}")
    return Download(name, str(model.sha), tuple(wanted), sum(wanted.values()))


def fetch(download: Download) -> None:
    """Fetch the files of a download; until all are there, the cache does not name the revision.

    :raises UsageError: they cannot be fetched; what has come is kept for the next time.
    """
    name, revision = download.name, download.revision
    with _client(name):
        from huggingface_hub import snapshot_download

        files = list(map(escape, download.files))
        snapshot_download(name, revision=revision, allow_patterns=files, token=False)
        ref = _repository(name) / "refs" / "main"
        ref.parent.mkdir(exist_ok=True)
        ref.write_text(revision, encoding="ascii")


def _repository(name: str) -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE) / f"models--{name.replace('/', '--')}"


def _lacking(kind: str, files: Collection[str]) -> str:
    lacks = (needed for needed in _NEEDED[kind] if not any(file.endswith(needed) for file in files))
    return ", ".join(lacks)


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
