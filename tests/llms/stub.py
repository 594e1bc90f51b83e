"""A stub LLM server on 127.0.0.1, with one mode a fault.

The mode is the first part of the path, so a test picks one by the address that it sets. It speaks
Anthropic's protocol at `/messages`, else OpenAI's.
"""

import contextlib
import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from support import HANGS_S

SAYS = "The capital is Paris [1]."
PIECES = ["The capital ", "is Paris", " [1]."]
CERTIFICATE = Path(__file__).parent.parent / "inputs" / "tls" / "self-signed.pem"
KINDS = ("openai", "ollama", "anthropic")
MEGABYTE = b"x" * 1_000_000


class Stub:
    """The server.

    `requests` holds path, headers and body of what was asked; `client_left` is set when a client
    hung up early; `elsewhere` is where the mode `redirect` points.
    """

    def __init__(self, *, tls=False):
        self.requests = []
        self.client_left = threading.Event()
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
    return event({"choices": [{"index": 0, "delta": {"content": text}}]})


def end(reason="stop"):
    """The end of a stream, for this reason."""
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    return event(last) + b"data: [DONE]\n\n"


def whole():
    """A stream that says `SAYS`, with what servers send besides text."""
    before = b": a comment\n\n" + event({"choices": [{"delta": {"role": "assistant"}}]})
    return before + b"".join(map(piece, PIECES)) + end()


def whole_of_anthropic():
    """The same in Anthropic's protocol, with a thought."""
    deltas = [{"type": "thinking_delta", "thinking": "Hm."}]
    deltas += [{"type": "text_delta", "text": text} for text in PIECES]
    sent = [{"type": "message_start", "message": {"content": []}}, {"type": "ping"}]
    sent += [{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas]
    sent += [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}}]
    return b"".join(b"event: %b\n" % one["type"].encode() + event(one) for one in sent)


def error(text):
    """An error inside of a stream."""
    return event({"type": "error", "error": {"type": "overloaded_error", "message": text}})


def event(value):
    """A server-sent event."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


SENT = {
    "web_page": b"<!doctype html><p>Sign in</p>",
    "malformed": piece("The ").replace(b'"', b"'"),
    "deeply_nested": b"data: " + b"[" * 200_000 + b"\n\n",
    "cut": piece("The capital "),
    "length": piece("The capital ") + end("length"),
    "filtered": piece("The ") + end("content_filter"),
    "error_inside": piece("The ") + error("overloaded"),
}
"""Modes that send one body."""

REFUSED = {
    "429": (429, "too fast"),
    "401": (401, "Incorrect API key provided: {key}. " + "y" * 5000),
    "404": (404, "no such model"),
    "key_everywhere": (400, "{key} " * 40),
}
"""Modes that refuse, with status and message."""


class _Handler(BaseHTTPRequestHandler):
    timeout = HANGS_S

    def log_message(self, *_):
        pass

    def handle(self):
        with contextlib.suppress(OSError):
            super().handle()

    def do_POST(self):
        self.body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.stub = self.server.stub
        self.stub.requests.append((self.path, dict(self.headers), self.body))
        mode = self.path.split("/")[1]
        self.given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.given = self.given or self.headers.get("x-api-key", "")
        try:
            if mode in SENT:
                self.send(SENT[mode])
            elif mode in REFUSED:
                status, text = REFUSED[mode]
                self.refuse(status, text.format(key=self.given))
            else:
                getattr(self, f"mode_{mode}")()
        except OSError:
            self.stub.client_left.set()

    def send(self, body, form="text/event-stream", *, status=200, **headers):
        self.send_response(status, self.given or None)
        self.send_header("Content-Type", form)
        for name, value in {"X-Key": self.given, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, message):
        self.send(json.dumps({"error": {"message": message}}).encode(), status=status)

    # Modes that do more than to send something.

    def mode_ok(self):
        self.send(whole_of_anthropic() if self.path.endswith("/messages") else whole())

    def mode_waits_after_one_piece(self):
        self.send(piece("The capital "))
        if self.connection.recv(1) == b"":
            self.stub.client_left.set()

    def mode_drips(self):
        self.send(b"")
        while not self.stub.client_left.wait(0.02):
            self.wfile.write(piece("x"))

    def mode_rejects_parameters(self):
        name = next((name for name in ("max_tokens", "temperature") if name in self.body), None)
        if name:
            self.refuse(400, f"Unsupported parameter: '{name}' is not supported with this model.")
        else:
            self.send(whole())

    def mode_error_page(self):
        self.send(b"<html>", status=502, form="text/html")

    def mode_redirect(self):
        self.send(b"", status=307, Location=self.stub.elsewhere)

    def mode_garbage(self):
        self.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")

    def mode_huge(self):
        self.send(b"")
        for _ in range(100):
            self.wfile.write(MEGABYTE)

    # A server that sends the key back.

    def mode_key_in_text(self):
        key = self.given
        texts = [f"It is {key[:5]}", key[5:9], f"{key[9:]}, ", key, f" and not {key[:7]}"]
        self.send(b"".join(piece(text) for text in texts) + end())

    def mode_key_in_error(self):
        self.send(piece("The ") + error("z" * 280 + self.given))
