"""Embedding on the cores, GPUs and machines of a Ray cluster: each batch is a task of Ray.

Ray repeats a task if its worker or node dies.
"""

import importlib.util
import logging
import os
import re
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, redirect_stdout
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ragqa.config.addresses import HOST, Address
from ragqa.embedders import Embedder, Workers, embedder_for
from ragqa.errors import UsageError, WorkersFailed
from ragqa.extras import install_command
from ragqa.types import EmbedderInfo, Progress, Vectors

ATTEMPTS = 3
"""How often a batch is tried before the build ends."""

STALLED_S = 30 * 60.0
"""No batch takes this long, worker start included, even with a large model on one core."""
_SPEC = re.compile(rf"ray(:\[?(?P<host>{HOST})\]?:(?P<port>[0-9]{{1,5}}))?")


def cluster_in(spec: str) -> Address | None:
    """The address in `ray:HOST:PORT`; None for `ray`, which starts a cluster on this machine.

    :raises UsageError: it is neither, or Ray is not installed.
    """
    match = _SPEC.fullmatch(spec)
    if not match or (match["port"] and not 0 < int(match["port"]) < 2**16):
        raise UsageError(
            f"--workers takes ray or ray:HOST:PORT, not {spec!r}",
            hint="--workers ray, for the cores and GPUs of this machine",
        )
    if importlib.util.find_spec("ray") is None:
        raise UsageError(
            f"--workers {spec} needs the package ray, which is not installed",
            hint=install_command("ray"),
        )
    return Address("ray", match["host"], int(match["port"]), "") if match["host"] else None


class RayWorkers(Workers):
    """The workers of the connected cluster: one for each GPU, or for each core if there is none.

    :ivar ahead: three batches per worker, so that each has one to do and another at hand.
    """

    def __init__(self, embedder: Embedder, cluster: Address | None) -> None:
        import ray

        resources = ray.cluster_resources()
        kind = "GPU" if resources.get("GPU", 0) >= 1 else "CPU"
        if not (count := int(resources.get(kind, 0))):
            raise WorkersFailed(
                "the Ray cluster has neither cores nor GPUs to embed with",
                hint="start a node that has some: ray start --address=HOST:PORT --num-cpus=N",
            )
        super().__init__(embedder)
        self.ahead = 3 * count
        self._cluster = cluster
        self._task: Any = ray.remote(
            **{f"num_{kind.lower()}s": 1},
            max_calls=0,  # a process stays, and its model with it
            max_retries=ATTEMPTS - 1,
            scheduling_strategy="SPREAD",
        )(embed)

    def give(self, texts: Sequence[str]) -> None:
        """Hand over a batch.

        :raises WorkersFailed: the cluster has nodes elsewhere, and its address is local, which
            needed no consent.
        """
        import ray

        if self._cluster and self._cluster.is_loopback:
            own = ray.util.get_node_ip_address()
            nodes = {node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
            if others := nodes - {own}:
                raise WorkersFailed(
                    f"the Ray cluster at {self._cluster.host_and_port} has nodes on other machines "
                    f"({min(others)}), and notes would be sent there",
                    hint=f"to accept that: --workers ray:{own}:{self._cluster.port}",
                )
        result = self._task.remote(self._embedder.info, self._embedder.dtype, list(texts))
        self._given.append((result, len(texts)))

    def take(self, progress: Progress) -> Vectors:
        """The embeddings of the next batch.

        :raises WorkersFailed: a node has another embedder or cannot embed, the batch failed
            `ATTEMPTS` times, or no result arrives for `STALLED_S`.
        """
        import ray

        result, count = self._given.popleft()
        try:
            problem, data = ray.get(result, timeout=STALLED_S)
        except Exception as exc:  # Ray's, its libraries' or built-in; its last line is the cause
            cause = (str(exc).strip() or type(exc).__name__).splitlines()[-1].strip()
            raise WorkersFailed(
                f"the Ray workers have failed: {cause}",
                hint="index without --workers; what was embedded is kept",
            ) from exc
        dimension = self._embedder.info.dimension
        if not problem and len(data) != count * dimension * 4:
            problem = "a Ray node returned embeddings of other passages"
        if problem:
            raise WorkersFailed(
                problem,
                hint="install the same ragqa and model on every node, or leave that node out",
            )
        progress("embedding", count, count)
        return np.frombuffer(data, np.float32).reshape(count, dimension)


def embed(info: EmbedderInfo, dtype: str, texts: Sequence[str]) -> tuple[str, bytes]:
    """Embed a batch in a worker; returns a problem, or "" and float32 bytes.

    A problem is returned rather than raised, since Ray reports only that a task failed.
    """
    import ray

    try:
        return "", matching(info, dtype).embed_passages(texts).astype(np.float32).tobytes()
    except Exception as exc:  # noqa: BLE001 - a model may raise anything; reported
        node = ray.util.get_node_ip_address()
        return f"the Ray node {node} cannot embed: {str(exc) or type(exc).__name__}", b""


@lru_cache(maxsize=1)
def matching(info: EmbedderInfo, dtype: str) -> Embedder:
    """A worker's own embedder, kept between its tasks.

    :raises WorkersFailed: it is not the one of the build.
    """
    # Otherwise the tokenizer starts a thread per core in every worker.
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    own = embedder_for(info.name, building=True, dtype=dtype)
    if replace(own.info, name=info.name) != info or own.dtype != dtype:
        raise WorkersFailed(
            f"it has another embedder: {own.info.name} in {own.dtype} with weights "
            f"{own.info.weights_sha256[:12]}, not in {dtype} with {info.weights_sha256[:12]}"
        )
    return own


@contextmanager
def ray_workers(
    embedder: Embedder, progress: Progress, *, cluster: Address | None
) -> Iterator[Workers]:
    """Workers in a cluster, or for None in a new local one that ends with the context.

    :param progress: called with ("starting", 0 or 1, 1).
    :raises WorkersFailed: it cannot be reached or used from here, or has nothing to embed with.
    """
    progress("starting", 0, 1)
    if cluster:
        try:  # Ray itself would take minutes to notice
            socket.create_connection((cluster.host, cluster.port), timeout=5).close()
        except OSError as exc:
            raise WorkersFailed(
                f"no Ray cluster can be reached at {cluster.host_and_port}: {exc.strerror or exc}",
                hint="ray status --address=HOST:PORT on its head node says whether it is up",
            ) from exc
    elif "RAY_AUTH_MODE" not in os.environ and "ray" not in sys.modules:
        # It listens on every address of this machine. Ray reads these variables on import only.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    with (
        # In /tmp, since it contains sockets, whose paths are limited to about a hundred characters.
        tempfile.TemporaryDirectory(
            prefix="ragqa-ray-", dir="/tmp", ignore_cleanup_errors=True
        ) as folder,
        # Ray reports worker failures on standard output, which is for results.
        open(os.devnull, "w", encoding="utf-8") as nowhere,  # noqa: PTH123 - no path
        redirect_stdout(nowhere),
    ):
        try:
            _connect(cluster, Path(folder), nowhere.fileno())
            workers = RayWorkers(embedder, cluster)
            progress("starting", 1, 1)
            yield workers
        finally:
            import ray

            ray.shutdown()


def _connect(cluster: Address | None, folder: Path, nowhere: int) -> None:
    """Connect to a cluster, or for None start one, in a folder for this.

    :param nowhere: a descriptor that loses what is written to it.
    :raises WorkersFailed: it cannot be used from here.
    """
    import ray

    own = {
        "address": "local",  # or RAY_ADDRESS would decide where notes are sent
        "include_dashboard": False,
        "object_store_memory": 256 * 2**20,  # some hundred batches and their embeddings
        "_temp_dir": f"{folder}/r",  # a subfolder, since Ray makes it public
        "runtime_env": {"env_vars": {"HOME": str(Path.home())}},
    }
    where = {"address": cluster.host_and_port} if cluster else own
    kept = os.dup(2)
    os.dup2(nowhere, 2)  # Ray's native code writes there before it has a log file
    try:
        # Workers import from their driver's current folder, which may be a folder of notes.
        with chdir(folder), home_with_cluster_config(folder):
            ray.init(**where, log_to_driver=False, logging_level=logging.CRITICAL)
    except (Exception, SystemExit) as exc:  # Ray exits the process when it gives up
        cause = str(exc).strip().partition("\n")[0] if isinstance(exc, Exception) else "silence"
        raise WorkersFailed(
            f"Ray cannot be used from here: {cause}",
            hint="index without --workers, or make this machine one of the cluster's nodes: "
            "ray start --address=HOST:PORT --num-cpus=0",
        ) from exc
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def home_with_cluster_config(folder: Path) -> Iterator[None]:
    """Give Ray's processes a home with a cluster configuration file.

    Without it Ray queries cloud metadata addresses to find out which cloud it runs in, even with
    reporting off (seen with Ray 2.60). Its workers get the real home back.
    """
    (folder / "ray_bootstrap_config.yaml").write_text("{}\n", encoding="utf-8")
    home = str(Path.home())
    os.environ["HOME"] = str(folder)
    try:
        yield
    finally:
        os.environ["HOME"] = home
