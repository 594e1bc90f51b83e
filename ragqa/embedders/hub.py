"""Models of the Hugging Face hub by name: found in its cache on this machine, or fetched into it.

Only `look_up` and `fetch` reach the network: from one host, without a token, and without the
client's own reports, bars and storage service. Whoever calls them has asked the user.
"""

import logging
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from ragqa.config.addresses import LLM_PORTS, Address, address_of
from ragqa.errors import RagqaError, UsageError
from ragqa.types import Progress

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
    """What would be fetched of a model: the size in bytes of each file, at this revision."""

    name: str
    revision: str
    files: Mapping[str, int]

    @property
    def megabytes(self) -> str:
        """The size of all files, for people."""
        return f"{sum(self.files.values()) / 1e6:,.1f} MB"


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
    """Ask the hub for the newest revision of a model and the sizes of its files.

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
    folder = _repository(name) / "snapshots" / str(model.sha)
    missing = {file: size for file, size in wanted.items() if not (folder / file).exists()}
    return Download(name, str(model.sha), missing)


def fetch(download: Download, progress: Progress) -> None:
    """Fetch the files of a download; until all are there, the cache does not name the revision.

    :param progress: called with ("fetching", done, total), counted in megabytes.
    :raises UsageError: they cannot be fetched; what has come is kept for the next time.
    """
    total, done = sum(download.files.values()), 0

    class Bar(nullcontext[Any]):
        """What the client takes for a bar of tqdm."""

        def __init__(self, **_: object) -> None:
            super().__init__(self)

        def update(self, size: float = 1) -> None:
            nonlocal done
            done += int(size)
            progress("fetching", done // 1_000_000, total // 1_000_000)

    with _client(download.name):
        from huggingface_hub import hf_hub_download

        for file in download.files:
            hf_hub_download(
                download.name, file, revision=download.revision, token=False, tqdm_class=Bar
            )
        ref = _repository(download.name) / "refs" / "main"
        ref.parent.mkdir(exist_ok=True)
        ref.write_text(download.revision, encoding="ascii")


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
    from huggingface_hub import constants, errors

    if constants.HF_HUB_OFFLINE:
        why = f"HF_HUB_OFFLINE is set, so {name} is not fetched"
        raise UsageError(why, hint="HF_HUB_OFFLINE=0 ragqa config set …")
    constants.HF_HUB_DISABLE_XET = True  # it brings files from other hosts, and keeps logs
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    try:
        yield
    except RagqaError:
        raise
    except errors.GatedRepoError as exc:
        what = f"{name} is given only to those who agreed to its terms, and ragqa sends no token"
        raise UsageError(what, hint=f"hf auth login, then: hf download {name}") from exc
    except errors.RepositoryNotFoundError as exc:
        raise UsageError(f"there is no model {name} at {address().host}") from exc
    except Exception as exc:  # the client raises all sorts
        why = str(exc).partition("\n")[0] or type(exc).__name__
        raise UsageError(f"{name} cannot be fetched from {address().host}: {why}") from exc
