"""Embedding on the cores, GPUs and machines of a Ray cluster, by a pool of actors."""

import importlib.util
import os
import re
import secrets
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from ragqa.config.urls import HOST, Address
from ragqa.embedders import Embedder, EmbedParts, embedder_for
from ragqa.errors import UsageError, WorkersFailed, install_command
from ragqa.types import EmbedderInfo, Progress, Vectors

_SPEC = re.compile(rf"ray(:\[?(?P<host>{HOST})\]?:(?P<port>[0-9]{{1,5}}))?")


def cluster_in(spec: str) -> Address | None:
    """The address in `ray:HOST:PORT`; None for `ray`, which starts a cluster on this machine.

    :raises UsageError: it is neither, or Ray is not installed.
    """
    match = _SPEC.fullmatch(spec)
    if not match or (match["port"] and not 0 < int(match["port"]) < 2**16):
        hint = "--workers ray, for the cores and GPUs of this machine"
        raise UsageError(f"--workers takes ray or ray:HOST:PORT, not {spec!r}", hint=hint)
    if importlib.util.find_spec("ray") is None:
        missing = f"--workers {spec} needs the package ray, which is not installed"
        raise UsageError(missing, hint=install_command("ray"))
    return Address("ray", match["host"], int(match["port"]), "") if match["host"] else None


class Worker:
    """An actor: the embedder of the build, on another core or machine."""

    def __init__(self, info: EmbedderInfo, dtype: str) -> None:
        self._own, self._wanted = embedder_for(info.name, building=True, dtype=dtype), (info, dtype)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed a batch; refuses with another embedder than the build's."""
        info, dtype = self._wanted
        if (replace(self._own.info, name=info.name), self._own.dtype) != (info, dtype):
            raise WorkersFailed(f"a node has other weights of {info.name}, or not in {dtype}")
        return self._own.embed_passages(texts)


@contextmanager
def ray_workers(
    embedder: Embedder, progress: Progress, *, cluster: Address | None
) -> Iterator[EmbedParts]:
    """Workers in a cluster, or for None in a new local one that ends with the context.

    :param progress: called with ("starting", 0 or 1, 1).
    :raises WorkersFailed: the cluster cannot be reached or used, or fails as it embeds.
    """
    progress("starting", 0, 1)
    if not cluster and "RAY_AUTH_MODE" not in os.environ and "ray" not in sys.modules:
        # It listens on every address of this machine. Ray reads these variables on import only.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    # Sockets lie in the folder, whose paths are short. Standard output, where Ray prints, is for
    # results.
    short = TemporaryDirectory("-ray", "ragqa-", "/tmp", ignore_cleanup_errors=True)
    with short as folder, redirect_stdout(StringIO()):
        import ray

        try:
            with _failures():
                _connect(cluster, Path(folder))
                kind = "GPU" if ray.cluster_resources().get("GPU", 0) >= 1 else "CPU"
                actor = ray.remote(Worker).options(
                    num_gpus=int(kind == "GPU"), scheduling_strategy="SPREAD"
                )
                count = range(int(ray.cluster_resources()[kind]))
                made = [actor.remote(embedder.info, embedder.dtype) for _ in count]
                pool = ray.util.ActorPool(made)
            progress("starting", 1, 1)

            def embed(parts: Sequence[Sequence[str]], progress: Progress) -> Iterator[Vectors]:
                with _failures():
                    embedded = pool.map(lambda worker, texts: worker.embed.remote(texts), parts)
                    for texts, vectors in zip(parts, embedded, strict=True):
                        progress("embedding", len(texts), len(texts))
                        yield vectors

            yield embed
        finally:
            ray.shutdown()


@contextmanager
def _failures() -> Iterator[None]:
    """Say in a sentence what failed in Ray, which exits the process when it gives up."""
    try:
        yield
    except (Exception, SystemExit) as exc:
        cause = (str(exc).strip() or type(exc).__name__).splitlines()[-1].strip()
        raise WorkersFailed(
            f"the Ray workers have failed: {cause}",
            hint="index without --workers; what was embedded is kept",
        ) from exc


def _connect(cluster: Address | None, folder: Path) -> None:
    """Connect to a cluster, or for None start one in this folder, away from the notes.

    Workers import from their driver's current folder. Without a configuration in its home, Ray asks
    the addresses of clouds which of them it runs in, even with reporting off (seen with Ray 2.60).
    """
    import ray

    home = str(Path.home())
    how: dict[str, object] = {
        "address": "local",  # or RAY_ADDRESS would decide where notes are sent
        "include_dashboard": False, "object_store_memory": 256 * 2**20,
        "_temp_dir": f"{folder}/r", "runtime_env": {"env_vars": {"HOME": home}},
    }  # fmt: skip
    if cluster:
        how = {"address": cluster.host_and_port}
        # Ray itself would take minutes to notice.
        socket.create_connection((cluster.host, cluster.port), timeout=5).close()
    (folder / "ray_bootstrap_config.yaml").write_text("{}\n", encoding="utf-8")
    os.environ["HOME"] = str(folder)
    try:
        with chdir(folder):
            ray.init(**how, log_to_driver=False, logging_level="CRITICAL")
    finally:
        os.environ["HOME"] = home
