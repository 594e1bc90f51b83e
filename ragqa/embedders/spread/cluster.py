"""Connect to a Ray cluster, or start and stop one, without output to the user's terminal."""

import contextlib
import logging
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ragqa.errors import WorkersFailed

CONNECT_S = 5.0
OBJECT_STORE_BYTES = 256 * 2**20
"""For a local cluster: some hundred batches and their embeddings."""

_HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS_FRAME = 4


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
            tempfile.TemporaryDirectory(prefix="ragqa-ray-", dir="/tmp", ignore_cleanup_errors=True)
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


def pool() -> tuple[int, dict[str, float]]:
    """How many workers the cluster has room for, and the resources of each as arguments for Ray.

    There is one for each GPU, or for each core if there is none.

    :raises WorkersFailed: there is neither.
    """
    import ray

    resources = ray.cluster_resources()
    if gpus := int(resources.get("GPU", 0)):
        return gpus, {"num_gpus": 1}
    if cores := int(resources.get("CPU", 0)):
        return cores, {"num_cpus": 1}
    raise WorkersFailed(
        "the Ray cluster has neither cores nor GPUs to embed with",
        hint="start a node that has some: ray start --address=HOST:PORT --num-cpus=N",
    )


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
    logging.getLogger("ray").setLevel(logging.CRITICAL)


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
