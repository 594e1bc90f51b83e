"""The commands to trace: every one that ragqa has, and those that would send if they could."""

from dataclasses import dataclass

PLACES = ("--corpus", "{notes}", "--index", "{named}/index")
QUESTION = "what is LoRA?"


@dataclass(frozen=True, slots=True)
class Case:
    """A command, what it reads from stdin, and the exit code that says it did its work."""

    args: tuple[str, ...]
    stdin: str = ""
    code: int = 0


BUILDING = (
    Case(("index", *PLACES)),  # exports the model, with torch
    Case(("chat", *PLACES), stdin=f"{QUESTION}\nwho introduced it?\n/save {{named}}/answer.md\n"),
    Case(("eval", "--generate", "8", "--out", "{named}/made.jsonl", *PLACES)),
)
"""What the others need, one after the other."""

USING = (
    Case(("--help",)),
    Case(("--version",)),
    Case(("ask", QUESTION, *PLACES)),
    Case(("ask", QUESTION, "--explain", *PLACES)),
    Case(("ask", "how do I prune roses?", *PLACES), code=1),
    Case(("ask", QUESTION, "--show-prompt", "--llm", "scripted:{named}/script.jsonl", *PLACES)),
    Case(("ask", QUESTION, "--llm", "scripted:{named}/script.jsonl", *PLACES)),
    Case(("ask", QUESTION, "--llm", "openai:none", *PLACES), code=2),
    Case(("ask", QUESTION, "--llm", "anthropic:none", *PLACES), code=2),
    Case(("search", "adapters", *PLACES)),
    Case(("why", QUESTION, "--target", "lora.md", *PLACES)),
    Case(("verify", "{named}/answer.md", "--corpus", "{notes}")),
    Case(("index", "--rebuild", "--corpus", "{notes}", "--index", "{named}/rebuilt")),
    Case(
        (
            *("index", "--store", "milvus", "--store-uri", "{named}/notes.db"),
            *("--corpus", "{notes}"),
        )
    ),
    Case(
        ("index", "--store-uri", "http://milvus.invalid:19530", "--corpus", "{notes}"),
        code=2,
    ),
    Case(("index", "--workers", "ray", "--corpus", "{notes}", "--index", "{named}/spread")),
    Case(("index", "--workers", "ray:ray.invalid:6379", *PLACES), code=2),
    Case(("status", *PLACES)),
    Case(("doctor", "--deep", *PLACES)),
    Case(
        (
            *("eval", "--questions", "{named}/made.jsonl", "--report", "{named}/report.html"),
            *PLACES,
        )
    ),
    Case(("calibrate", *PLACES)),
    Case(("config",)),
    Case(("config", "set", "top_k", "6")),
    Case(("llm", "list")),
    Case(("llm", "check", "scripted:{named}/script.jsonl")),
    Case(("store", "forget", "milvus.invalid:19530")),
)

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
