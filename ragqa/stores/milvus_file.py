"""A file of Milvus Lite, served to this process from a thread of its own.

Only one process at a time may have it open.
"""

import threading
import time
from pathlib import Path
from typing import Any

from ragqa.errors import IndexUnusable, WriterBusy

FILE_WAIT_S = 5.0
"""How long a file that another process has open is waited for: a question takes about a second."""

_SERVED: dict[str, tuple[Any, Any, int, int]] = {}
"""For each file that is served: server, database, port and how many clients use it."""

_SERVING = threading.Lock()


def serve(uri: str) -> str:
    """Serve a file to this process; gives the address.

    :raises WriterBusy: another process has it open, and keeps it.
    :raises IndexUnusable: it cannot be opened.
    """
    with _SERVING:
        if uri not in _SERVED:
            _SERVED[uri] = (*_started(Path(uri)), 0)
        server, database, port, clients = _SERVED[uri]
        _SERVED[uri] = (server, database, port, clients + 1)
    return f"http://127.0.0.1:{port}"


def release(uri: str) -> None:
    """One client less has the file; after the last it is closed."""
    with _SERVING:
        server, database, port, clients = _SERVED.pop(uri)
        if clients > 1:
            _SERVED[uri] = (server, database, port, clients - 1)
            return
    server.stop(grace=None).wait()
    database.close()


def _started(path: Path) -> tuple[Any, Any, int]:
    from milvus_lite.adapter.grpc.server import start_server_in_thread
    from milvus_lite.exceptions import DataDirLockedError, MilvusLiteError

    deadline = time.monotonic() + FILE_WAIT_S
    while True:
        try:
            path.parent.mkdir(0o700, parents=True, exist_ok=True)
            return start_server_in_thread(data_dir=str(path), host="127.0.0.1", port=0)  # type: ignore[no-any-return]
        except DataDirLockedError as exc:
            if time.monotonic() > deadline:
                raise WriterBusy(
                    f"another process has the Milvus Lite file {path} open, "
                    "which only one may at a time",
                    hint="try again when it is done; for several at once: milvus-lite server",
                ) from exc
            time.sleep(0.1)
        except (MilvusLiteError, OSError, ValueError, KeyError) as exc:
            raise IndexUnusable(
                f"the Milvus Lite file {path} cannot be opened: {exc}",
                hint="remove it, then: ragqa index --rebuild",
            ) from exc
