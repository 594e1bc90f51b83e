"""A stub LLM server on 127.0.0.1: all three protocols, and one mode a fault.

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


def piece(kind, text):
    """One message of a stream, with this text."""
    return {
        "openai": lambda: _event({"choices": [{"index": 0, "delta": {"content": text}}]}),
        "ollama": lambda: _line({"message": {"role": "assistant", "content": text}, "done": False}),
        "anthropic": lambda: _event(
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}}
        ),
    }[kind]()


def end(kind, reason="stop"):
    """The end of a stream, for this reason."""
    if kind == "openai":
        last = {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
        return _event(last) + b"data: [DONE]\n\n"
    if kind == "ollama":
        return _line({"message": {"content": ""}, "done": True, "done_reason": reason})
    reason = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}[reason]
    last = {"type": "message_delta", "delta": {"stop_reason": reason}}
    return _event(last) + _event({"type": "message_stop"})


def error(kind, text):
    """An error inside of a stream."""
    if kind == "ollama":
        return _line({"error": text})
    return _event({"type": "error", "error": {"type": "overloaded_error", "message": text}})


def whole(kind):
    """A stream that says `SAYS`, with what servers send besides text."""
    before = {
        "openai": b": a comment\n\n" + _event({"choices": [{"delta": {"role": "assistant"}}]}),
        "ollama": b"",
        "anthropic": b"event: message_start\n" + _event({"type": "message_start"}) + b"event: ping"
        b"\n" + _event({"type": "ping"}),
    }[kind]
    return before + b"".join(piece(kind, text) for text in PIECES) + end(kind)


def all_at_once(kind, reason="stop"):
    """An answer that says `SAYS` and is not streamed, laid out for people."""
    message = {"role": "assistant", "content": SAYS}
    reply = {
        "openai": {"choices": [{"index": 0, "message": message, "finish_reason": reason}]},
        "ollama": {"message": message, "done": True, "done_reason": reason},
        "anthropic": {
            "type": "message",
            "content": [
                {"type": "thinking", "thinking": "Hm."},
                {"type": "text", "text": SAYS[:9]},
                {"type": "text", "text": SAYS[9:]},
            ],
            "stop_reason": {"stop": "end_turn", "length": "max_tokens"}[reason],
        },
    }[kind]
    return json.dumps(reply, indent=1).encode()


def _event(value):
    return b"data: " + _line(value) + b"\n"


def _line(value):
    return json.dumps(value).encode() + b"\n"


class _Handler(BaseHTTPRequestHandler):
    timeout = HANGS_S

    def log_message(self, *_):
        pass

    def handle(self):
        with contextlib.suppress(OSError):
            super().handle()

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        self.body = json.loads(self.rfile.read(size))
        self.stub = self.server.stub
        self.stub.requests.append((self.path, dict(self.headers), self.body))
        mode = self.path.split("/")[1]
        self.kind = next(
            kind
            for kind, route in zip(KINDS, ("completions", "chat", "messages"), strict=True)
            if self.path.endswith(f"/{route}")
        )
        self.given = next(
            (self.headers[name] for name in ("Authorization", "x-api-key") if self.headers[name]),
            "",
        ).removeprefix("Bearer ")
        try:
            getattr(self, f"mode_{mode}")()
        except OSError:
            self.stub.client_left.set()

    def do_CONNECT(self):
        self.server.stub.requests.append((self.path, dict(self.headers), None))
        self.send_error(407, "No entry")

    # What the modes are made of.

    def send(self, body, *, status=200, form=None, reason=None, **headers):
        form = form or ("application/x-ndjson" if self.kind == "ollama" else "text/event-stream")
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

    def is_first(self):
        return sum(path == self.path for path, *_ in self.stub.requests) == 1

    def wait_for_client_to_leave(self):
        if self.connection.recv(1) == b"":
            self.stub.client_left.set()

    # Answers as they should be.

    def mode_ok(self):
        if "France" in json.dumps(self.body):
            self.send(whole(self.kind))
        else:
            self.refuse(400, "there is no reply to this")

    def mode_ok_with_odd_type(self):
        self.send(whole(self.kind), form="text/plain")

    def mode_ok_slowly(self):
        self.send(b"")
        self.drip(whole(self.kind))

    def mode_waits_after_one_piece(self):
        self.send(piece(self.kind, "The capital "))
        self.wait_for_client_to_leave()

    def mode_rejects_parameters(self):
        for name in ("max_tokens", "temperature"):
            if name in self.body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                return self.refuse(400, message)
        return self.send(whole(self.kind))

    # Faults, in time.

    def mode_no_headers(self):
        self.wait_for_client_to_leave()

    def mode_slow_headers(self):
        self.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: x\r\n" * TURNS)

    def mode_slow_body(self):
        self.send(b"")
        self.drip(piece(self.kind, "x") * TURNS)

    def mode_slow_comments(self):
        self.send(b"")
        self.drip(b":\n" * TURNS if self.kind != "ollama" else b" \n" * TURNS)

    # Faults, by status.

    def mode_429(self):
        self.refuse(429, "too fast")

    def mode_429_once(self):
        if self.is_first():
            return self.refuse(429, Retry_After="0", Set_Cookie="session=1")
        return self.send(whole(self.kind))

    def mode_429_until_a_date(self):
        if self.is_first():
            return self.refuse(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")
        return self.send(whole(self.kind))

    def mode_429_for_an_hour(self):
        self.refuse(429, Retry_After="3600")

    def mode_429_with_nonsense(self):
        self.refuse(429, Retry_After="1e999")

    def mode_500(self):
        self.refuse(500)

    def mode_503_once(self):
        if self.is_first():
            return self.refuse(503)
        return self.send(whole(self.kind))

    def mode_401(self):
        self.refuse(401, f"Incorrect API key provided: {self.given}. " + "y" * 5000)

    def mode_404(self):
        self.refuse(404, "no such model")

    def mode_599(self):
        self.refuse(599)

    def mode_error_page(self):
        self.send(b"<html>", status=502, form="text/html")
        self.pour(MEGABYTE)

    def mode_slow_error_page(self):
        self.send(b"", status=403, form="text/html")
        self.wait_for_client_to_leave()

    def mode_redirect(self):
        self.send(b"", status=307, Location=self.stub.elsewhere)

    # Faults, in what is said.

    def mode_web_page(self):
        self.send(b"<!doctype html><p>Sign in</p>", form="text/html; charset=utf-8")

    def mode_not_streamed(self):
        self.send(all_at_once(self.kind), form="application/json; charset=utf-8")

    def mode_not_streamed_and_not_whole(self):
        self.send(all_at_once(self.kind, "length"), form="application/json")

    def mode_not_streamed_and_cut(self):
        self.send(all_at_once(self.kind)[:-20], form="application/json")

    def mode_not_a_completion(self):
        self.send(b'{"status": "ok", "choices": [], "content": null}', form="application/json")

    def mode_error_with_200(self):
        self.send(json.dumps({"error": "overloaded"}).encode(), form="application/json")

    def mode_malformed(self):
        self.send(piece(self.kind, "The ").replace(b'"', b"'"))

    def mode_not_an_object(self):
        self.send(b"[1, 2]\n\n" if self.kind == "ollama" else b"data: [1, 2]\n\n")

    def mode_deeply_nested(self):
        nested = b"[" * 200_000 + b"\n\n"
        self.send(nested if self.kind == "ollama" else b"data: " + nested)

    def mode_odd_types(self):
        odd = {"choices": {"0": 1}, "message": [1], "delta": "text", "type": 7, "done": "yes"}
        self.send(_line(odd) if self.kind == "ollama" else _event(odd))

    def mode_not_utf8(self):
        self.send(piece(self.kind, "caf").replace(b"caf", b"caf\xe9"))

    def mode_truncated(self):
        self.send(piece(self.kind, "The capital ") + piece(self.kind, "is Paris")[:-20])

    def mode_cut(self):
        self.send(piece(self.kind, "The capital "))

    def mode_cut_before_its_length(self):
        self.send(piece(self.kind, "The "), Content_Length="4000")

    def mode_nothing(self):
        self.send(b"")

    def mode_no_text(self):
        self.send(piece(self.kind, "") + piece(self.kind, " \n") + end(self.kind))

    def mode_length(self):
        self.send(piece(self.kind, "The capital ") + end(self.kind, "length"))

    def mode_filtered(self):
        self.send(piece(self.kind, "The ") + end(self.kind, "content_filter"))

    def mode_error_inside(self):
        self.send(piece(self.kind, "The ") + error(self.kind, "overloaded"))

    def mode_compressed(self):
        self.send(b"\x1f\x8b" + MEGABYTE, Content_Encoding="gzip")

    def mode_garbage(self):
        self.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")

    def mode_huge(self):
        self.send(b"")
        self.pour(MEGABYTE)

    def mode_many_lines(self):
        self.send(b"")
        self.pour(b": comment\n\n" * 100_000)

    def mode_endless(self):
        self.send(b"")
        self.pour(piece(self.kind, "on and on ") * 10_000)

    # A server that sends the key back.

    def mode_key_in_text(self):
        key = self.given
        texts = [f"It is {key[:5]}", key[5:9], f"{key[9:]}, ", key, f" and not {key[:7]}"]
        self.send(b"".join(piece(self.kind, text) for text in texts) + end(self.kind))

    def mode_key_everywhere(self):
        self.refuse(400, f"{self.given} " * 40, reason=self.given, X_Key=self.given)

    def mode_key_in_redirect(self):
        self.send(b"", status=302, Location=f"https://evil.example/?key={quote(self.given)}")

    def mode_key_in_host(self):
        self.send(b"", status=302, Location=f"https://{self.given}.evil.example/")

    def mode_key_encoded(self):
        self.refuse(401, f"no access for token%3D{quote(self.given, safe='')}%26n=1")

    def mode_key_in_error(self):
        self.send(piece(self.kind, "The ") + error(self.kind, "z" * 280 + self.given))

    def mode_key_in_html(self):
        self.send(self.given.encode(), form="text/html", reason=self.given, X_Key=self.given)
