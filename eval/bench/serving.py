"""Measure the servers beside the Python interface and the command line, all in one run.

    python eval/bench/serving.py corpus

It prints medians of warm questions and searches, what an answer takes beside the model's forward
passes over the question and five passages, eight clients at once for a minute, and the time from
process start to the first answer over MCP and on the command line.
"""

import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import ragqa

QUESTIONS = (
    "when should I fine-tune?", "what is prompt injection?", "how does LoRA work?",
    "what is reciprocal rank fusion?", "when should I rerank?", "what does temperature do?",
    "how big should chunks be?", "what is a KV cache?", "what are guardrails?",
    "how do I evaluate retrieval?",
)  # fmt: skip
ROUNDS = 4
PASSAGES_READ = 5
CLIENTS, SECONDS = 8, 60
COLD_RUNS = 15


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    port: int
    token: str
    pid: int

    def get(self, path: str, **asked: str) -> tuple[int, float, dict[str, Any]]:
        """The status, milliseconds and document of one request."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        began = time.perf_counter()
        query = f"?{urlencode(asked)}" if asked else ""
        line.request("GET", path + query, headers={"Authorization": f"Bearer {self.token}"})
        got = line.getresponse()
        body = got.read()
        took = (time.perf_counter() - began) * 1000
        line.close()
        return got.status, took, json.loads(body)

    @property
    def megabytes(self) -> int:
        """Its resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) // 1024 if found else 0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    corpus = parser.parse_args().corpus.resolve()
    # Compiled modules are part of an installed program; without them every start compiles.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with serving(corpus) as server:
        warm(server, corpus)
        crowd(server)
    cold(corpus)


@contextmanager
def serving(corpus: Path) -> Iterator[Server]:
    """Serve a folder, and wait until its index is there."""
    command = [*ragqa_command("serve"), "--no-open", "--port", "0", "--corpus", str(corpus)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd="/") as process:
        said = ""
        for line in process.stderr or ():
            said += line
            port, token = re.search(r"127\.0\.0\.1:(\d+)", said), re.search(r"Bearer (\S+)", said)
            if port and token:
                break
        else:
            raise SystemExit(said)
        server = Server(int(port[1]), token[1], process.pid)
        while server.get("/api/status")[0] != 200:
            pass
        yield server
        process.terminate()


def ragqa_command(name: str) -> list[str]:
    """A command in a process of its own."""
    return [sys.executable, "-P", "-m", "ragqa", name]


def warm(server: Server, corpus: Path) -> None:
    """Medians of warm questions and searches, through Python and through the server."""
    took: dict[str, list[float]] = {
        name: [] for name in ("ask", "/api/ask", "search", "/api/search", "forward passes")
    }
    with ragqa.open_index(corpus) as index:
        embedder = index.source.embedders.asking
        for question in QUESTIONS * (ROUNDS + 1):
            found = index.find(question, refresh=False)
            texts = [hit.passage.embedded_text for hit in found.hits[:PASSAGES_READ]]
            began = time.perf_counter()
            embedder.embed_query(question)
            embedder.embed_sentences(texts)
            took["forward passes"].append((time.perf_counter() - began) * 1000)
            took["ask"].append(timed(lambda q=question: index.ask(q, refresh=False)))  # type: ignore[misc]
            took["/api/ask"].append(server.get("/api/ask", question=question)[1])
            took["search"].append(timed(lambda q=question: index.search(q, refresh=False)))  # type: ignore[misc]
            took["/api/search"].append(server.get("/api/search", query=question)[1])
    counted = {name: times[len(QUESTIONS) :] for name, times in took.items()}
    for name, times in counted.items():
        print(f"{name}: {statistics.median(times):.1f} ms")
    pairs = zip(counted["ask"], counted["forward passes"], strict=True)
    ratio = statistics.median(whole / passes for whole, passes in pairs)
    print(f"ask: {ratio:.2f} times its forward passes")


def crowd(server: Server) -> None:
    """Several clients at once."""
    alone = sorted(server.get("/api/ask", question=one)[1] for one in QUESTIONS * 2)
    together: list[float] = []
    failed: list[int] = []
    end, before = time.monotonic() + SECONDS, server.megabytes

    def ask(start: int) -> None:
        number = start
        while time.monotonic() < end:
            status, took, _ = server.get("/api/ask", question=QUESTIONS[number % len(QUESTIONS)])
            together.append(took)
            failed.extend([status] * (status != 200))
            number += 1

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one, many = p95(alone), p95(sorted(together))
    print(f"{CLIENTS} clients, {SECONDS} s: {len(together)} answers, {len(failed)} errors,")
    print(f"    p95 {many:.0f} ms, {many / one:.1f} times one client's {one:.0f} ms;")
    print(f"    memory {before} -> {server.megabytes} MB")


def cold(corpus: Path) -> None:
    """From process start to the first answer."""
    asking, calling = [], []
    for _ in range(COLD_RUNS):
        asking.append(timed(lambda: first_answer(corpus)))
        calling.append(first_call(corpus))
    ratio = statistics.median(calling) / statistics.median(asking)
    print(f"first answer: ask {statistics.median(asking):.0f} ms, mcp {ratio:.2f} times that")


def first_answer(corpus: Path) -> None:
    """Ask on the command line."""
    command = [*ragqa_command("ask"), QUESTIONS[0], "--corpus", str(corpus)]
    subprocess.run(command, capture_output=True, check=True, cwd="/")


def first_call(corpus: Path) -> float:
    """Start the MCP server and call `ask`; the milliseconds until its answer is there."""
    greeting = {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    }  # fmt: skip
    messages: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": greeting},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call",
         "params": {"name": "ask", "arguments": {"question": QUESTIONS[0]}}},
    ]  # fmt: skip
    began = time.perf_counter()
    with subprocess.Popen(
        [*ragqa_command("mcp"), "--corpus", str(corpus)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, cwd="/",
    ) as process:  # fmt: skip
        if process.stdin is None or process.stdout is None:
            raise SystemExit("no pipes")
        for message in messages:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline() if "id" in message else ""
        took = (time.perf_counter() - began) * 1000
        if '"isError":true' in answer.replace(" ", ""):
            raise SystemExit(answer)
        process.stdin.close()
    return took


def timed(work: Callable[[], object]) -> float:
    """The milliseconds that it takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def p95(values: list[float]) -> float:
    """The 95th percentile of sorted values."""
    return values[int(0.95 * len(values))]


if __name__ == "__main__":
    main()
