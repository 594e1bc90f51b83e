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
    """The server; `models` maps names to folders, `requests` has what was asked, with headers."""

    def __init__(self):
        self.models = {}
        self.requests = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.hub = self

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def fetched(self):
        """The files that were given."""
        return [path.partition("/resolve/")[2].partition("/")[2] for path in self._got()]

    def _got(self):
        return [
            path for method, path, _ in self.requests if method == "GET" and "/resolve/" in path
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def _answer(self):
        hub, path = self.server.hub, unquote(urlsplit(self.path).path)
        hub.requests.append((self.command, path, dict(self.headers)))
        for name, folder in hub.models.items():
            if path == f"/api/models/{name}":
                return self._send(json.dumps(self._info(name, folder)).encode())
            start = f"/{name}/resolve/{REVISION}/"
            file = folder / path.removeprefix(start)
            if path.startswith(start) and file.is_file():
                return self._send(file.read_bytes())
            if path.startswith(start):
                return self._send(b"", status=404, error="EntryNotFound")
        return self._send(b"", status=404, error="RepoNotFound")

    @staticmethod
    def _info(name, folder):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        listed = [
            {"rfilename": path.relative_to(folder).as_posix(), "size": path.stat().st_size}
            for path in files
        ]
        return {"id": name, "sha": REVISION, "siblings": listed}

    def _send(self, content, *, status=200, error=""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        if error:
            self.send_header("X-Error-Code", error)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)
