"""A language model in a folder on this machine, run in this process.

The model is checked when it is named and loaded when it is first asked; the libraries that run it
are imported then. Nothing is downloaded, and no code that came with a model is run.
"""

import atexit
import contextlib
import json
import os
import queue
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ragqa.errors import BackendFailed, UsageError
from ragqa.llms import Destination, Prompt

if TYPE_CHECKING:
    from ragqa.llms.local_model import LocalModel

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_CONFIG_BYTES = 1_000_000
END_WAIT_S = 30
"""How long ending waits for a model being loaded: Python aborts when left with torch at work."""

_FORM = "give a folder as transformers:/PATH, transformers:./PATH or transformers:~/PATH"
_CONFIGS = ("config.json", "tokenizer_config.json")
_PICKLES = frozenset({".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"})


class TransformersLLM:
    """A causal language model that transformers can run, from its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._model: LocalModel | None = None

    @classmethod
    def read(cls, path: str) -> "TransformersLLM":
        """Check the folder of a model, without loading it.

        :raises UsageError: it is no folder of a model, or of one that would need its own code.
        """
        folder = _folder(path)
        try:
            files = sorted(folder.iterdir())
            for name in _CONFIGS:
                _check_config(folder / name)
        except OSError as exc:
            raise UsageError(f"cannot read the model in {folder}: {exc.strerror or exc}") from exc
        _check_weights(folder, files)
        return cls(folder)

    @property
    def destination(self) -> Destination:
        """It stays on this machine."""
        return Destination(backend=f"transformers:{self._folder}")

    def stream(self, prompt: Prompt, *, max_tokens: int) -> "Completion":
        """Give the likeliest completion, word by word.

        :raises BackendFailed: the model cannot be loaded, the prompt is too long for it, it fails,
            or it is not done after so many tokens.
        """
        return Completion(partial(self._write, prompt, max_tokens))

    def _write(
        self,
        prompt: Prompt,
        max_tokens: int,
        put: Callable[[str], None],
        stopped: threading.Event,
    ) -> None:
        from ragqa.quiet import quiet_models

        try:
            with quiet_models(), _offline():
                from ragqa.llms.local_model import LocalModel

                if self._model is None:
                    self._model = LocalModel.load(self._folder)
                self._model.write(prompt, max_tokens=max_tokens, put=put, stopped=stopped)
        except BackendFailed:
            raise
        except Exception as exc:
            raise BackendFailed(f"the model in {self._folder} failed: {_brief(exc)}") from exc


class Completion(Iterator[str]):
    """The pieces of one completion, made by a thread of its own from the first one asked for.

    :param write: makes them until its second argument is set.
    """

    def __init__(self, write: Callable[[Callable[[str], None], threading.Event], None]) -> None:
        self._write = write
        self._pieces: queue.SimpleQueue[str | BackendFailed | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._worker = threading.Thread(target=self._work, name="transformers", daemon=True)

    def __iter__(self) -> "Completion":
        return self

    def __next__(self) -> str:
        if self._worker.ident is None and not self._stopped.is_set():
            self._worker.start()
            atexit.register(self.close)
        if self._stopped.is_set():
            raise StopIteration
        piece = self._pieces.get()
        if isinstance(piece, str):
            return piece
        self.close()
        raise piece or StopIteration

    def cancel(self) -> None:
        """End the computation from any thread."""
        self._stopped.set()

    def close(self) -> None:
        """End the computation, and wait until it has ended."""
        self._stopped.set()
        if self._worker.ident is not None:
            self._worker.join(END_WAIT_S)
            atexit.unregister(self.close)

    def _work(self) -> None:
        try:
            self._write(self._pieces.put, self._stopped)
        except BackendFailed as exc:
            self._pieces.put(exc)
        finally:
            self._pieces.put(None)


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Keep transformers from fetching kernels, which it does for some kinds of weights."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _folder(path: str) -> Path:
    """Only what looks like a path is one: a name must not mean a folder that happens to be here."""
    if not path.startswith((".", "/", "~")):
        what = f"{path!r} is not the path of a folder" if path else "it names no model"
        raise UsageError(f"transformers:{path} cannot be used: {what}", hint=_FORM)
    try:
        folder = Path(path).expanduser().resolve()
    except (RuntimeError, OSError, ValueError):  # no such user, a loop of links, a NUL
        folder = Path(path)
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises for some names
        raise UsageError(f"there is no folder {path}", hint=_FORM)
    return folder


def _check_config(path: Path) -> None:
    if not path.is_file():
        if path.name == _CONFIGS[0]:
            raise UsageError(f"there is no model in {path.parent}: it has no config.json")
        return
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise UsageError(f"{path} is larger than {MAX_CONFIG_BYTES:,} bytes")
    try:
        config: Json = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"{path} is not JSON: {exc}") from exc
    if not isinstance(config, dict):
        raise UsageError(f"{path} is not a JSON object")
    if key := _code_in(config):
        raise UsageError(
            f"the model in {path.parent} asks for code of its own ({key} in {path.name}), "
            "which is not run",
            hint=f"if transformers knows this kind of model by itself, take {key} out",
        )


def _code_in(config: Json) -> str:
    """The key that names code: a module of the folder, or kernels on the hub as OWNER/NAME."""
    if isinstance(config, list):
        return next(filter(None, map(_code_in, config)), "")
    if not isinstance(config, dict):
        return ""
    for key, value in config.items():
        if key == "auto_map" or (key.endswith("_implementation") and "/" in str(value)):
            return key
    return next(filter(None, map(_code_in, config.values())), "")


def _check_weights(folder: Path, files: list[Path]) -> None:
    if any(file.name.startswith("adapter_") for file in files):
        raise UsageError(
            f"the model in {folder} comes with an adapter, which is not applied",
            hint="merge the adapter into the weights, with merge_and_unload() of peft",
        )
    suffixes = {file.suffix for file in files}
    if ".safetensors" in suffixes:
        return
    if pickles := sorted(suffixes & _PICKLES):
        raise UsageError(
            f"the weights in {folder} are pickles ({', '.join(pickles)}), which can run code; "
            "only .safetensors are loaded"
        )
    raise UsageError(f"the model in {folder} has no .safetensors weights")


def _brief(exc: Exception) -> str:
    return f"{type(exc).__name__}: {str(exc).strip().partition(chr(10))[0][:200]}"
