"""A small hub of models on 127.0.0.1, as huggingface_hub's own client asks it."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"
OTHER_REVISION = REVISION[::-1]


def cached(hub_cache, name, folder, revision=REVISION):
    """Put a model into a cache as the hub's client does; gives the folder of its revision."""
    repository = hub_cache / f"models--{name.replace('/', '--')}"
    snapshot = repository / "snapshots" / revision
    for path in filter(lambda one: one.is_file(), folder.rglob("*")):
        blob = repository / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(path.read_bytes())
        link = snapshot / path.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(revision)
    return snapshot


class FakeHub:
    """The server; `models` maps names to folders, `requests` has what was asked, with headers.

    It lists a file that is `withheld`, but does not give it.
    """

    def __init__(self):
        self.models = {}
        self.withheld = None
        self.requests = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.hub = self
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    @property
    def fetched(self):
        """The files that were given."""
        return [
            path.partition(f"/resolve/{REVISION}/")[2]
            for method, path, _ in self.requests
            if method == "GET" and "/resolve/" in path
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        hub, path = self.server.hub, unquote(urlsplit(self.path).path)
        hub.requests.append((self.command, path, dict(self.headers)))
        content = (
            None
            if path.endswith(f"/{hub.withheld}")
            else next(filter(None, (_said(path, *each) for each in hub.models.items())), None)
        )
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("ETag", f'"{hashlib.sha256(content or b"").hexdigest()}"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content or b"")


def _said(path, name, folder):
    """What the hub says of a model at a path, None for nothing."""
    listed = [
        (file.relative_to(folder).as_posix(), file.stat().st_size)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    ]
    if path == f"/api/models/{name}":
        files = [{"rfilename": file, "size": size} for file, size in listed]
        return json.dumps({"id": name, "sha": REVISION, "siblings": files}).encode()
    if path == f"/api/models/{name}/tree/{REVISION}":
        files = [{"type": "file", "path": file, "size": size, "oid": ""} for file, size in listed]
        return json.dumps(files).encode()
    wanted = folder / path.removeprefix(f"/{name}/resolve/{REVISION}/")
    return wanted.read_bytes() if path.startswith(f"/{name}/") and wanted.is_file() else None
