"""A stub LLM server on 127.0.0.1, with one mode a fault.

The mode is the first part of the path, so a test picks one by the address that it sets. Whatever a
mode does ends after `TURNS` turns, when the client goes, or when the server is closed.
"""

import contextlib
import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from support import HANGS_S

SAYS = "The capital is Paris [1]."
PIECES = ["The capital ", "is Paris", " [1]."]
CERTIFICATE = Path(__file__).parent.parent / "inputs" / "tls" / "self-signed.pem"
KINDS = ("openai", "ollama", "anthropic")

TURNS = 3000
DRIP_S = 0.001
MEGABYTE = b"x" * 1_000_000


class Stub:
    """The server.

    `requests` holds path, headers and body of what was asked; `client_left` is set when a client
    hung up early; `elsewhere` is where the mode `redirect` points.
    """

    def __init__(self, *, tls=False):
        self.requests = []
        self.client_left = threading.Event()
        self.closing = threading.Event()
        self.elsewhere = "https://elsewhere.example/v1"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.stub = self
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.scheme = "https" if tls else "http"
        self.port = self._server.server_port

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def environment(self, kind, mode):
        """What to set so that a kind of backend finds this server in this mode."""
        root = f"{self.scheme}://127.0.0.1:{self.port}/{mode}"
        return {
            "openai": {"OPENAI_BASE_URL": f"{root}/v1"},
            "ollama": {"OLLAMA_HOST": root},
            "anthropic": {"ANTHROPIC_BASE_URL": root},
        }[kind]


def closed_port():
    """A port of this machine at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def piece(text):
    """One message of a stream, with this text."""
    return _event({"choices": [{"index": 0, "delta": {"content": text}}]})


def end(reason="stop"):
    """The end of a stream, for this reason."""
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    return _event(last) + b"data: [DONE]\n\n"


def error(text):
    """An error inside of a stream."""
    return _event({"type": "error", "error": {"type": "overloaded_error", "message": text}})


def whole():
    """A stream that says `SAYS`, with what servers send besides text."""
    before = b": a comment\n\n" + _event({"choices": [{"delta": {"role": "assistant"}}]})
    return before + b"".join(map(piece, PIECES)) + end()


def all_at_once(reason="stop"):
    """An answer that says `SAYS` and is not streamed, laid out for people."""
    message = {"role": "assistant", "content": SAYS}
    reply = {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}
    return json.dumps(reply, indent=1).encode()


def _event(value):
    return b"data: " + json.dumps(value).encode() + b"\n\n"


_JSON = "application/json; charset=utf-8"
SENT = {
    "ok_with_odd_type": (whole(), "text/plain"),
    "not_streamed": (all_at_once(), _JSON),
    "no_models": (b'{"object": "list", "data": null}', _JSON),
    "web_page": (b"<!doctype html><p>Sign in</p>", "text/html; charset=utf-8"),
    "malformed": (piece("The ").replace(b'"', b"'"),),
    "deeply_nested": (b"data: " + b"[" * 200_000 + b"\n\n",),
    "cut": (piece("The capital "),),
    "no_text": (piece("") + piece(" \n") + end(),),
    "length": (piece("The capital ") + end("length"),),
    "filtered": (piece("The ") + end("content_filter"),),
    "error_inside": (piece("The ") + error("overloaded"),),
}
"""Modes that send one body, with its type."""


class _Handler(BaseHTTPRequestHandler):
    timeout = HANGS_S

    def log_message(self, *_):
        pass

    def handle(self):
        with contextlib.suppress(OSError):
            super().handle()

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        self.body = json.loads(self.rfile.read(size) or "null")
        self.stub = self.server.stub
        self.stub.requests.append((self.path, dict(self.headers), self.body))
        mode = self.path.split("/")[1]
        if self.path.endswith("/models") and mode in ("ok", "key_in_text"):
            mode = "models"
        self.given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            if mode in SENT:
                self.send(*SENT[mode])
            else:
                getattr(self, f"mode_{mode}")()
        except OSError:
            self.stub.client_left.set()

    def do_CONNECT(self):
        self.server.stub.requests.append((self.path, dict(self.headers), None))
        self.send_error(407, "No entry")

    # What the modes are made of.

    def send(self, body, form="text/event-stream", *, status=200, reason=None, **headers):
        self.send_response(status, reason)
        self.send_header("Content-Type", form)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, message="it is so", **headers):
        body = json.dumps({"error": {"message": message}}).encode()
        self.send(body, status=status, form="application/json", **headers)

    def drip(self, data):
        for byte in data:
            if self.stub.closing.wait(DRIP_S):
                return
            self.wfile.write(bytes([byte]))

    def pour(self, data):
        for _ in range(100):
            self.wfile.write(data)

    def wait_for_client_to_leave(self):
        if self.connection.recv(1) == b"":
            self.stub.client_left.set()

    # Modes that do more than to send something.

    def mode_ok(self):
        if "France" in json.dumps(self.body):
            self.send(whole())
        else:
            self.refuse(400, "there is no reply to this")

    def mode_models(self):
        listed = [{"id": name} for name in ("tiny", f"odd\x1b[31m {self.given}")]
        self.send(json.dumps({"data": listed}).encode(), form="application/json")

    def mode_ok_slowly(self):
        self.send(b"")
        self.drip(whole())

    def mode_waits_after_one_piece(self):
        self.send(piece("The capital "))
        self.wait_for_client_to_leave()

    def mode_rejects_parameters(self):
        for name in ("max_tokens", "temperature"):
            if name in self.body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                return self.refuse(400, message)
        return self.send(whole())

    def mode_no_headers(self):
        self.wait_for_client_to_leave()

    def mode_slow_headers(self):
        self.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: x\r\n" * TURNS)

    def mode_slow_body(self):
        self.send(b"")
        self.drip(piece("x") * TURNS)

    def mode_429(self):
        self.refuse(429, "too fast")

    def mode_401(self):
        self.refuse(401, f"Incorrect API key provided: {self.given}. " + "y" * 5000)

    def mode_404(self):
        self.refuse(404, "no such model")

    def mode_error_page(self):
        self.send(b"<html>", status=502, form="text/html")
        self.pour(MEGABYTE)

    def mode_redirect(self):
        self.send(b"", status=307, Location=self.stub.elsewhere)

    def mode_compressed(self):
        self.send(b"\x1f\x8b" + MEGABYTE, Content_Encoding="gzip")

    def mode_garbage(self):
        self.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")

    def mode_huge(self):
        self.send(b"")
        self.pour(MEGABYTE)

    def mode_endless(self):
        self.send(b"")
        self.pour(piece("on and on ") * 10_000)

    # A server that sends the key back.

    def mode_key_in_text(self):
        key = self.given
        texts = [f"It is {key[:5]}", key[5:9], f"{key[9:]}, ", key, f" and not {key[:7]}"]
        self.send(b"".join(piece(text) for text in texts) + end())

    def mode_key_everywhere(self):
        self.refuse(400, f"{self.given} " * 40, reason=self.given, X_Key=self.given)

    def mode_key_encoded(self):
        self.refuse(401, f"no access for token%3D{quote(self.given, safe='')}%26n=1")

    def mode_key_in_error(self):
        self.send(piece("The ") + error("z" * 280 + self.given))

    def mode_key_in_html(self):
        self.send(self.given.encode(), form="text/html", reason=self.given, X_Key=self.given)
