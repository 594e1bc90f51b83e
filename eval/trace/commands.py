"""The commands to trace: every one that ragqa has, and those that would send if they could."""

import json
from dataclasses import dataclass

PLACES = ("--corpus", "{notes}", "--index", "{named}/index")
QUESTION = "what is LoRA?"


MCP = "".join(
    json.dumps({"jsonrpc": "2.0", **message}).replace("{", "{{").replace("}", "}}") + "\n"
    for message in (
        {
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "trace", "version": "1"},
            },
        },
        {"method": "notifications/initialized"},
        {
            "id": 2,
            "method": "tools/call",
            "params": {"name": "ask", "arguments": {"question": QUESTION}},
        },
    )
)
"""What an assistant says that asks one question; braces are doubled, since folders are put in."""


@dataclass(frozen=True, slots=True)
class Case:
    """A command, what it reads from stdin, and the exit code that says it did its work.

    A server stays until it has answered: `serves` is "mcp" for one that reads stdin, "http" for one
    that is asked over loopback and then interrupted. `says` is in what it answers. `store` is where
    the index is kept, "" for its folder.
    """

    args: tuple[str, ...]
    stdin: str = ""
    code: int = 0
    serves: str = ""
    says: str = ""
    store: str = ""


BUILDING = (
    Case(("index", *PLACES)),  # exports the model, with torch
    Case(("chat", *PLACES), stdin=f"{QUESTION}\nwho introduced it?\n/save {{named}}/answer.md\n"),
)
"""What the others need, one after the other."""

USING = (
    Case(("--help",)),
    Case(("--version",)),
    Case(("ask", QUESTION, *PLACES)),
    Case(("ask", "how do I prune roses?", *PLACES), code=1),
    Case(("ask", QUESTION, "--show-prompt", "--llm", "scripted:{named}/script.jsonl", *PLACES)),
    Case(("ask", QUESTION, "--llm", "scripted:{named}/script.jsonl", *PLACES)),
    Case(("ask", QUESTION, "--llm", "openai:none", *PLACES), code=2),
    Case(("ask", QUESTION, "--llm", "anthropic:none", *PLACES), code=2),
    Case(("search", "adapters", *PLACES)),
    Case(("why", QUESTION, "--target", "lora.md", *PLACES)),
    Case(("get", "lora.md:1-5", *PLACES)),
    Case(("mcp", *PLACES), stdin=MCP, serves="mcp", says="structuredContent"),
    Case(("serve", "--no-open", "--port", "0", *PLACES), serves="http", says="citations"),
    Case(("verify", "{named}/answer.md", "--corpus", "{notes}")),
    Case(("index", "--rebuild", "--corpus", "{notes}", "--index", "{named}/rebuilt")),
    Case(
        ("index", "--corpus", "{notes}", "--index", "{named}/in-milvus"), store="{named}/notes.db"
    ),
    Case(("index", "--corpus", "{notes}"), code=2, store="http://milvus.invalid:19530"),
    Case(("index", "--workers", "ray", "--corpus", "{notes}", "--index", "{named}/spread")),
    Case(("index", "--workers", "ray:ray.invalid:6379", *PLACES), code=2),
    Case(("status", *PLACES)),
    Case(
        (
            *("eval", "--questions", "{named}/asked.jsonl", "--report", "{named}/report.html"),
            *PLACES,
        )
    ),
    Case(("config",)),
    Case(("config", "set", "top_k", "6")),
)

STAYING = {
    "": """
import sys, time
from ragqa.cli import run
code = run(sys.argv[2:])
sys.stdout.flush()
time.sleep(float(sys.argv[1]))
sys.exit(code)
""",
    "mcp": """
import os, sys, threading, time
from ragqa.cli import run
reading, writing = os.pipe()
os.write(writing, sys.stdin.buffer.read())
os.dup2(reading, 0)
sys.stdin = open(0)
def end():
    time.sleep(float(sys.argv[1]))
    os.close(writing)
threading.Thread(target=end).start()
sys.exit(run(sys.argv[2:]))
""",
    "http": """
import http.client, os, re, signal, sys, threading, time
from ragqa import render
from ragqa.cli import run
said, say = [], render.say
def hear(text):
    said.append(str(text))
    say(text)
render.say = hear
def ask():
    while not (token := re.search(r"Bearer (\\S+)", " ".join(said))):
        time.sleep(0.1)
    port = int(re.search(r"127[.]0[.]0[.]1:(\\d+)", said[0])[1])
    headers = {"Authorization": token[0]}
    status = 503
    while status == 503:
        line = http.client.HTTPConnection("127.0.0.1", port)
        line.request("GET", "/api/ask?question=what+is+LoRA%3F", headers=headers)
        got = line.getresponse()
        status = got.status
        print(got.read().decode())
    time.sleep(float(sys.argv[1]))
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=ask, daemon=True).start()
sys.exit(run(sys.argv[2:]))
""",
}
"""Runs a command whose process stays for some seconds, by how it serves."""

CONTROL = """
import pathlib, socket
try:
    socket.getaddrinfo("a-name-to-look-up.invalid", 80)
except OSError:
    pass
with socket.socket() as connection:
    connection.settimeout(0.2)
    try:
        connection.connect(("198.51.100.1", 9))
    except OSError:
        pass
(pathlib.Path.home() / "left").write_text("")
"""
"""Does all that is looked for. Its address is kept for documentation, so nobody has it."""
