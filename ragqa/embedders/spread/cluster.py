"""Connect to a Ray cluster, or start and stop one, without output to the user's terminal."""

import contextlib
import logging
import os
import secrets
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ragqa.errors import WorkersFailed

CONNECT_S = 5.0
OBJECT_STORE_BYTES = 256 * 2**20
"""For a local cluster: some hundred batches and their embeddings."""

_CHECK_EVERY_S = 1.0
_HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS_FRAME = 4


@dataclass(frozen=True, slots=True)
class Pool:
    """How many actors to run, and the resources of each as arguments for Ray."""

    actors: int
    resources: dict[str, float]


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """Connect to the cluster at an address, or for "" to a new one that ends with the context.

    :raises WorkersFailed: it cannot be reached, or be used from here.
    """
    if address:
        _check_reachable(address)
    else:
        _require_token()
    _quieten()
    with contextlib.ExitStack() as stack:
        # In /tmp, since it contains sockets, whose paths are limited to about a hundred characters.
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(
                prefix="ragqa-ray-",
                dir="/tmp",
                ignore_cleanup_errors=True,
            )
        )
        # Ray reports worker failures on standard output, which is for results.
        nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123 - no path
        stack.enter_context(contextlib.redirect_stdout(nowhere))
        import ray

        stack.callback(ray.shutdown)
        # Workers import from their driver's current folder, which may be a folder of notes.
        with contextlib.chdir(folder), _silent_stderr():
            _init(address, Path(folder))
        yield


def pool() -> Pool:
    """One actor for each GPU of the cluster, or for each core if it has none.

    :raises WorkersFailed: it has neither.
    """
    import ray

    resources = ray.cluster_resources()
    if gpus := int(resources.get("GPU", 0)):
        return Pool(gpus, {"num_gpus": 1})
    if cores := int(resources.get("CPU", 0)):
        return Pool(cores, {"num_cpus": 1})
    raise WorkersFailed(
        "the Ray cluster has neither cores nor GPUs to embed with",
        hint="start a node that has some: ray start --address=HOST:PORT --num-cpus=N",
    )


class NodeLost(Exception):
    """A node from the start of the job is gone."""


class Ended(Exception):
    """The job's results are no longer needed."""


class NodeWatch:
    """Ends a Ray Data job when a node is lost, or on request.

    Ray restarts a lost node's actors only when another node has room, and their work waits for
    that: forever in a cluster of fixed size (seen with Ray 2.60).
    """

    ended = threading.Event()
    """Ends the next job; a class attribute, since Ray Data creates the instances."""

    def before_execution_starts(self, executor: object) -> None:
        """Remember the nodes."""
        del executor
        self._ended = NodeWatch.ended
        self._nodes = _live_nodes()
        self._checked = time.monotonic()

    def on_execution_step(self, executor: object) -> None:
        """Check the nodes once a second."""
        del executor
        if self._ended.is_set():
            raise Ended
        if time.monotonic() - self._checked >= _CHECK_EVERY_S:
            self._checked = time.monotonic()
            if lost := self._nodes - _live_nodes():
                raise NodeLost(f"{len(lost)} of {len(self._nodes)} nodes")

    def after_execution_succeeds(self, executor: object) -> None:
        """Do nothing."""

    def after_execution_fails(self, executor: object, error: Exception) -> None:
        """Do nothing."""


def _live_nodes() -> set[str]:
    import ray

    return {node["NodeID"] for node in ray.nodes() if node["Alive"]}


def _init(address: str, folder: Path) -> None:
    import ray

    own = {
        "address": "local",  # or RAY_ADDRESS would decide where notes are sent
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE_BYTES,
        "_temp_dir": str(folder / "r"),  # a subfolder, since Ray makes it public
        "runtime_env": {"env_vars": {"HOME": str(Path.home())}},
    }
    where = {"address": address} if address else own
    try:
        with home_with_cluster_config(folder):
            ray.init(**where, log_to_driver=False, logging_level=logging.CRITICAL)
    # Ray exits the process when it gives up, and may raise any error.
    except (Exception, SystemExit) as exc:
        reason = str(exc).strip().partition("\n")[0] if isinstance(exc, Exception) else "no answer"
        if not address:
            raise WorkersFailed(
                f"Ray could not be started on this machine: {reason}",
                hint="index without --workers",
            ) from exc
        raise WorkersFailed(
            f"the Ray cluster at {address} cannot be used from here: {reason}",
            hint=f"make this machine one of its nodes: ray start --address={address} --num-cpus=0",
        ) from exc


@contextlib.contextmanager
def home_with_cluster_config(folder: Path) -> Iterator[None]:
    """Give Ray's processes a home with a cluster configuration file.

    Without it Ray queries cloud metadata addresses to find out which cloud it runs in, even with
    reporting off (seen with Ray 2.60). Its workers get the real home back.
    """
    (folder / "ray_bootstrap_config.yaml").write_text("{}\n", encoding="utf-8")
    before = os.environ.get("HOME")
    os.environ["HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["HOME"]
        else:
            os.environ["HOME"] = before


def _check_reachable(address: str) -> None:
    """Check that a server speaks HTTP/2, as Ray does; Ray itself would take minutes to notice.

    :raises WorkersFailed: none does.
    """
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT_S) as connection:
            connection.settimeout(CONNECT_S)
            connection.sendall(_HTTP2_GREETING)
            answer = connection.recv(4)
    except OSError as exc:
        raise WorkersFailed(
            f"no Ray cluster can be reached at {address}: {exc.strerror or exc}",
            hint="ray status --address=HOST:PORT on its head node says whether it is up",
        ) from exc
    if len(answer) != len(b"\0\0\0\0") or answer[3] != _SETTINGS_FRAME:
        raise WorkersFailed(
            f"the server at {address} is not a Ray cluster",
            hint="give the address that ray start --head printed; its port is usually 6379",
        )


def check_neighbours(address: str) -> None:
    """Check that passages stay on this machine if the address is local.

    :raises WorkersFailed: the cluster at a loopback address has nodes elsewhere.
    """
    import ray

    from ragqa.embedders.spread import remote_host

    if not address or remote_host(address):
        return
    own = ray.util.get_node_ip_address()
    others = {node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]} - {own}
    if others:
        raise WorkersFailed(
            f"the Ray cluster at {address} has nodes on other machines, {min(others)} among them, "
            "and notes would be sent there",
            hint=f"to accept that: --workers ray:{own}:{address.rpartition(':')[2]}",
        )


def _quieten() -> None:
    """Make Ray log only to its own files."""
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray.data

    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    context.custom_execution_callback_classes = [NodeWatch]


def _require_token() -> None:
    """Protect a local cluster, which listens on every address of this machine, with a token.

    Ray reads these variables on import only.
    """
    if "RAY_AUTH_MODE" not in os.environ and "ray" not in sys.modules:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Silence stderr, where Ray's native code writes before it has a log file."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
