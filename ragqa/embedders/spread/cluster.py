"""A Ray cluster, connected to or started and stopped, and kept off the user's terminal."""

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
"""For a cluster of our own: some hundred batches and their embeddings."""

_LOOK_EVERY_S = 1.0
_HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS_FRAME = 4


@dataclass(frozen=True, slots=True)
class Pool:
    """How many actors there are to be, and what of a node each one takes."""

    actors: int
    takes: dict[str, float]


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """Be connected to the cluster at an address, or to one of our own, which ends with this.

    :raises WorkersFailed: it cannot be reached, or be used from here.
    """
    if address:
        _check_reachable(address)
    else:
        _want_token()
    _quieten()
    with contextlib.ExitStack() as stack:
        # Sockets lie in it, whose paths may be a hundred characters long.
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(
                prefix="ragqa-ray-",
                dir="/tmp",
                ignore_cleanup_errors=True,
            )
        )
        # Ray prints what befalls its workers to standard output, which is for results.
        nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123 - no path
        stack.enter_context(contextlib.redirect_stdout(nowhere))
        import ray

        stack.callback(ray.shutdown)
        # Workers import from the folder that their driver is in, which may be one of notes.
        with contextlib.chdir(folder), _silent_stderr():
            _init(address, Path(folder))
        yield


def pool() -> Pool:
    """An actor for each GPU of the cluster, or for each core where there is none.

    :raises WorkersFailed: there is neither.
    """
    import ray

    resources = ray.cluster_resources()
    if gpus := int(resources.get("GPU", 0)):
        return Pool(gpus, {"num_gpus": 1})
    if cores := int(resources.get("CPU", 0)):
        return Pool(cores, {"num_cpus": 1})
    raise WorkersFailed(
        "the Ray cluster has neither cores nor GPUs to embed with",
        hint="start a node that has: ray start --address=HOST:PORT --num-cpus=N",
    )


class NodeLost(Exception):
    """A node that was there when the work began is there no more."""


class Ended(Exception):
    """Nobody wants the results of this job any more."""


class NodeWatch:
    """Ends a job of Ray Data when a node is lost, or when it is to end.

    Ray starts the actors of that node again only where there is room, and what they were to do
    waits for that, for ever in a cluster of a fixed size (seen with Ray 2.60).
    """

    ended = threading.Event()
    """Ends the job that begins next; of the class, since Ray Data makes the instances."""

    def before_execution_starts(self, executor: object) -> None:
        """Remember the nodes."""
        del executor
        self._ended = NodeWatch.ended
        self._nodes = _living()
        self._looked = time.monotonic()

    def on_execution_step(self, executor: object) -> None:
        """Look at the nodes now and then."""
        del executor
        if self._ended.is_set():
            raise Ended
        if time.monotonic() - self._looked >= _LOOK_EVERY_S:
            self._looked = time.monotonic()
            if lost := self._nodes - _living():
                raise NodeLost(f"{len(lost)} of {len(self._nodes)} nodes")

    def after_execution_succeeds(self, executor: object) -> None:
        """Nothing is left to do."""

    def after_execution_fails(self, executor: object, error: Exception) -> None:
        """Nothing is left to do."""


def _living() -> set[str]:
    import ray

    return {node["NodeID"] for node in ray.nodes() if node["Alive"]}


def _init(address: str, folder: Path) -> None:
    import ray

    own = {
        "address": "local",  # or else RAY_ADDRESS would say where notes are sent
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE_BYTES,
        "_temp_dir": str(folder / "r"),  # a folder of its own, since Ray opens it to everybody
        "runtime_env": {"env_vars": {"HOME": str(Path.home())}},
    }
    where = {"address": address} if address else own
    try:
        with home_with_cluster_config(folder):
            ray.init(**where, log_to_driver=False, logging_level=logging.CRITICAL)
    # Where it gives up Ray ends the process, and of errors it raises any kind.
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
    """Give the processes that Ray starts a home with the file that describes a cluster.

    Without it Ray asks the addresses at which clouds describe their machines which cloud this is,
    even when it is to report nothing (seen with Ray 2.60). Its workers get the real home back.
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
    """See that something speaks HTTP/2 there, as Ray does; it would take minutes to find out.

    :raises WorkersFailed: nothing does.
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
            f"what answers at {address} is no Ray cluster",
            hint="give the address that ray start --head has printed, its port mostly 6379",
        )


def check_neighbours(address: str) -> None:
    """See that passages stay on this machine where the address says so.

    :raises WorkersFailed: the cluster behind a loopback address has nodes elsewhere.
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
            hint=f"say so: --workers ray:{own}:{address.rpartition(':')[2]}",
        )


def _quieten() -> None:
    """Have Ray write to its own files only."""
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray.data

    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    context.custom_execution_callback_classes = [NodeWatch]


def _want_token() -> None:
    """Lock a cluster of our own, since it listens on every address of this machine.

    Ray reads this when it is imported, and cannot be told afterwards.
    """
    if "RAY_AUTH_MODE" not in os.environ and "ray" not in sys.modules:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Ray's own code writes there before it has a file to write to."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
